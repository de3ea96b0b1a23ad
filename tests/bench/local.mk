EXTRA_DIST += tests/bench/bench-mtd

.PHONY: bench-mtd
bench-mtd: assay
	$(top_srcdir)/tests/bench/bench-mtd $(abs_top_builddir)/assay $(abs_top_srcdir)/../shared

bench: bench-mtd

EXTRA_PROGRAMS += bench_tui
bench_tui_SOURCES = tests/bench/bench_tui.c $(TERMINAL_SOURCES)
bench_tui_LDADD = $(CORE_LIBS)

.PHONY: bench-tui
bench-tui: assay bench_tui
	./bench_tui $(BENCH_FLAGS) $(abs_top_builddir)/assay

bench: bench-tui
