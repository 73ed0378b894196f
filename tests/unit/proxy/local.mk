# Those that drive whole connections share the fixture: a proxy with threads whose clients and targets are the test.
proxy_fixture = tests/unit/proxy/fixture.c tests/unit/proxy/fixture.h
unit_tests += \
	tests/unit/proxy/test_accesslog \
	tests/unit/proxy/test_bulk \
	tests/unit/proxy/test_chaos \
	tests/unit/proxy/test_cookie \
	tests/unit/proxy/test_crew \
	tests/unit/proxy/test_crowd \
	tests/unit/proxy/test_exemplar \
	tests/unit/proxy/test_gate \
	tests/unit/proxy/test_mirror \
	tests/unit/proxy/test_memory \
	tests/unit/proxy/test_outcome \
	tests/unit/proxy/test_override \
	tests/unit/proxy/test_pace \
	tests/unit/proxy/test_redact \
	tests/unit/proxy/test_relay \
	tests/unit/proxy/test_retry \
	tests/unit/proxy/test_score \
	tests/unit/proxy/test_shard \
	tests/unit/proxy/test_steady \
	tests/unit/proxy/test_synthetic \
	tests/unit/proxy/test_ticket \
	tests/unit/proxy/test_tracing \
	tests/unit/proxy/test_trailers \
	tests/unit/proxy/test_trunk \
	tests/unit/proxy/test_tunnel \
	tests/unit/proxy/test_txn \
	tests/unit/proxy/test_units
tests_unit_proxy_test_bulk_SOURCES = tests/unit/proxy/test_bulk.c $(proxy_fixture)
tests_unit_proxy_test_chaos_SOURCES = tests/unit/proxy/test_chaos.c $(proxy_fixture)
tests_unit_proxy_test_crew_SOURCES = tests/unit/proxy/test_crew.c $(proxy_fixture)
tests_unit_proxy_test_gate_SOURCES = tests/unit/proxy/test_gate.c $(proxy_fixture)
tests_unit_proxy_test_mirror_SOURCES = tests/unit/proxy/test_mirror.c $(proxy_fixture)
tests_unit_proxy_test_memory_SOURCES = tests/unit/proxy/test_memory.c $(proxy_fixture)
tests_unit_proxy_test_retry_SOURCES = tests/unit/proxy/test_retry.c $(proxy_fixture)
tests_unit_proxy_test_steady_SOURCES = tests/unit/proxy/test_steady.c $(proxy_fixture)
tests_unit_proxy_test_tracing_SOURCES = tests/unit/proxy/test_tracing.c $(proxy_fixture)
tests_unit_proxy_test_trailers_SOURCES = tests/unit/proxy/test_trailers.c $(proxy_fixture)
tests_unit_proxy_test_trunk_SOURCES = tests/unit/proxy/test_trunk.c $(proxy_fixture)
tests_unit_proxy_test_tunnel_SOURCES = tests/unit/proxy/test_tunnel.c $(proxy_fixture)
tests_unit_proxy_test_txn_SOURCES = tests/unit/proxy/test_txn.c $(proxy_fixture)
threaded_tests += \
	tests/unit/proxy/test_chaos \
	tests/unit/proxy/test_crew \
	tests/unit/proxy/test_exemplar \
	tests/unit/proxy/test_gate \
	tests/unit/proxy/test_mirror \
	tests/unit/proxy/test_memory \
	tests/unit/proxy/test_txn \
	tests/unit/proxy/test_tunnel
EXTRA_DIST += tests/unit/proxy/head.h
