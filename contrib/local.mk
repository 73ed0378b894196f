dist_bashcompletion_DATA += contrib/completions/penstock.bash
dist_zshcompletion_DATA += contrib/completions/_penstock
dist_examples_DATA += contrib/systemd/penstock.service
prometheusdir = $(examplesdir)/prometheus
dist_prometheus_DATA = contrib/prometheus/penstock.rules.yml contrib/prometheus/penstock.test.yml
grafanadir = $(examplesdir)/grafana
dist_grafana_DATA = contrib/grafana/penstock.json
dist_examples_DATA += contrib/athena/access_log.sql contrib/athena/duckdb.sql
