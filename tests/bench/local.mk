# Benchmarks beside the peers: `make bench`, with BENCH_FLAGS for bench.py. Never part of check.
EXTRA_PROGRAMS = tests/bench/relay tests/bench/mallocs.so
tests_bench_relay_SOURCES = tests/bench/relay.c
tests_bench_relay_LDADD = $(LIBEVENT_LIBS)
tests_bench_mallocs_so_SOURCES = tests/bench/mallocs.c
tests_bench_mallocs_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_bench_mallocs_so_LDFLAGS = -shared
tests_bench_mallocs_so_LDADD =
EXTRA_DIST += tests/bench/bench.py tests/bench/loads.py tests/bench/proxies.py tests/bench/slow.py
CLEANFILES += $(EXTRA_PROGRAMS)

bench: all tests/bench/relay tests/bench/mallocs.so
	PENSTOCK=$(abs_top_builddir)/penstock RELAY=$(abs_top_builddir)/tests/bench/relay \
	MALLOCS=$(abs_top_builddir)/tests/bench/mallocs.so python3 $(srcdir)/tests/bench/bench.py $(BENCH_FLAGS)
.PHONY: bench
