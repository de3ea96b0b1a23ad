# What answers are worth on the magnetic-tile pictures: adapter, heads alone, the whole network tuned. FLAGS: see bench_adapter.c.
check_PROGRAMS += bench_adapter
bench_adapter_SOURCES = tests/bench/bench_adapter.c tests/bench/must.h tests/bench/adapter_seed.c tests/bench/adapter_seed.h tests/bench/extracted.h tests/bench/mtd.c tests/bench/mtd.h tests/bench/tiles.c tests/bench/tiles.h \
	tests/bench/verdicts.c tests/bench/verdicts.h
bench_adapter_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_adapter_LDADD = $(CORE_LIBS)

.PHONY: bench-adapter
bench-adapter: bench_adapter$(EXEEXT)
	./bench_adapter $(abs_top_srcdir)/../shared/data/mtd $(FLAGS) || test $$? -eq 77

# Few answers, and the model of another scene, on the demo's pictures. FLAGS: see bench_site.c.
check_PROGRAMS += bench_site
bench_site_SOURCES = tests/bench/bench_site.c tests/bench/must.h
bench_site_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_site_LDADD = $(CORE_LIBS)

.PHONY: bench-site
bench-site: bench_site$(EXEEXT)
	./bench_site $(FLAGS)
