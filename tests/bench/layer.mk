# The trainer's kernels as multiples of sgemm.
check_PROGRAMS += bench_layer
bench_layer_SOURCES = tests/bench/bench_layer.c
bench_layer_CPPFLAGS = -I$(top_srcdir)/core
bench_layer_LDADD = $(CORE_LIBS)

.PHONY: bench-layer
bench-layer: bench_layer
	./bench_layer

bench: bench-layer
