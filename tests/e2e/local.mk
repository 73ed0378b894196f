# End-to-end tests: the built program between real clients and real targets. Python 3 with its standard library,
# and for test_schema a validator; each file is one TAP program that finds the program under test in $PENSTOCK. A file or a case whose peer (nginx, node, wrk,
# h2load, strace) is missing skips; peers that are packages of npm are fetched to npm/ of the build folder (npm.py). What they share is in harness.py,
# penstock.py, peers.py, load.py, records.py, wire.py.
e2e_tests = \
	tests/e2e/test_admin.py \
	tests/e2e/test_alerts.py \
	tests/e2e/test_check.py \
	tests/e2e/test_desync.py \
	tests/e2e/test_demo.py \
	tests/e2e/test_external.py \
	tests/e2e/test_faults.py \
	tests/e2e/test_framing.py \
	tests/e2e/test_gates.py \
	tests/e2e/test_grpc.py \
	tests/e2e/test_h2_target.py \
	tests/e2e/test_h2.py \
	tests/e2e/test_h2_attacks.py \
	tests/e2e/test_headers.py \
	tests/e2e/test_holds.py \
	tests/e2e/test_limits.py \
	tests/e2e/test_live.py \
	tests/e2e/test_log.py \
	tests/e2e/test_log_forward.py \
	tests/e2e/test_log_sinks.py \
	tests/e2e/test_log_syslog.py \
	tests/e2e/test_metrics.py \
	tests/e2e/test_mirror.py \
	tests/e2e/test_notify.py \
	tests/e2e/test_orders.py \
	tests/e2e/test_override.py \
	tests/e2e/test_page.py \
	tests/e2e/test_proxy.py \
	tests/e2e/test_proxy_protocol.py \
	tests/e2e/test_queue.py \
	tests/e2e/test_reload.py \
	tests/e2e/test_replay.py \
	tests/e2e/test_report.py \
	tests/e2e/test_restart.py \
	tests/e2e/test_rollout.py \
	tests/e2e/test_rules.py \
	tests/e2e/test_schema.py \
	tests/e2e/test_share.py \
	tests/e2e/test_synthetic.py \
	tests/e2e/test_syscalls.py \
	tests/e2e/test_target_tls.py \
	tests/e2e/test_tls.py \
	tests/e2e/test_tracing.py \
	tests/e2e/test_tracing_peers.py \
	tests/e2e/test_weights.py

# The ones in which threads meet; for a build with --enable-tsan.
tsan_tests = \
	tests/e2e/test_demo.py \
	tests/e2e/test_proxy.py \
	tests/e2e/test_queue.py \
	tests/e2e/test_reload.py \
	tests/e2e/test_rollout.py \
	tests/e2e/test_tls.py \
	tests/e2e/test_weights.py

EXTRA_DIST += \
	tests/e2e/addresses.lua \
	tests/e2e/certs.py \
	tests/e2e/collector.py \
	tests/e2e/datadog_agent.py \
	tests/e2e/datadog_app.js \
	tests/e2e/fluent.py \
	tests/e2e/fluent_server.js \
	tests/e2e/grpc_js.js \
	tests/e2e/grpc_peer.js \
	tests/e2e/h2_target.js \
	tests/e2e/frames.py \
	tests/e2e/harness.py \
	tests/e2e/load.py \
	tests/e2e/messages.py \
	tests/e2e/monitors.py \
	tests/e2e/node_target.js \
	tests/e2e/npm.py \
	tests/e2e/otlp_decode.js \
	tests/e2e/peers.py \
	tests/e2e/penstock.py \
	tests/e2e/plans.py \
	tests/e2e/recorder.py \
	tests/e2e/receiver.py \
	tests/e2e/sources.py \
	tests/e2e/records.py \
	tests/e2e/rollouts.py \
	tests/e2e/sides.py \
	tests/e2e/strict.py \
	tests/e2e/wire.py \
	tests/e2e/xray_app.js \
	tests/e2e/xray_daemon.py \
	tests/e2e/wrk.lua

# The judge beside real targets with minutes that last minutes: `make check-live`, most of an hour, mostly waiting.
check-live: all
	$(AM_TESTS_ENVIRONMENT) PENSTOCK_E2E_MINUTE=60 python3 $(srcdir)/tests/e2e/test_live.py
.PHONY: check-live

# The page and WebSockets in Chromium; a command of its own, because a browser is much to install. SHOTS= is where the
# pictures go.
EXTRA_DIST += tests/e2e/browser.py tests/e2e/check_page.py tests/e2e/check_report.py tests/e2e/check_websocket.py
SHOTS = shots
check-browser: all
	$(AM_TESTS_ENVIRONMENT) PENSTOCK_SHOTS='$(SHOTS)' python3 $(srcdir)/tests/e2e/check_page.py
	$(AM_TESTS_ENVIRONMENT) PENSTOCK_SHOTS='$(SHOTS)' python3 $(srcdir)/tests/e2e/check_report.py
	$(AM_TESTS_ENVIRONMENT) python3 $(srcdir)/tests/e2e/check_websocket.py
clean-local: clean-shots clean-npm
clean-shots:
	rm -rf shots
clean-npm:
	rm -rf npm
.PHONY: check-browser clean-shots clean-npm

# The conformance tests of W3C Trace Context, of a clone of its repository: TRACE_CONTEXT=FOLDER.
EXTRA_DIST += tests/e2e/check_tracecontext.py
check-tracecontext: all
	$(AM_TESTS_ENVIRONMENT) TRACE_CONTEXT='$(TRACE_CONTEXT)' python3 $(srcdir)/tests/e2e/check_tracecontext.py
.PHONY: check-tracecontext
