EXTRA_DIST += tests/bench/bench-mtd

.PHONY: bench-mtd
bench-mtd: assay
	$(top_srcdir)/tests/bench/bench-mtd $(abs_top_builddir)/assay $(abs_top_srcdir)/../shared

bench: bench-mtd
