# What answers are worth: the magnetic tiles by group, and the demo's pictures. PARTS=a or b; SEEDS, NORMALS, DEFECTS.
EXTRA_DIST += tests/bench/bench-simulate

.PHONY: bench-simulate
bench-simulate: assay
	$(top_srcdir)/tests/bench/bench-simulate $(abs_top_builddir)/assay $(abs_top_srcdir)/../shared \
		$(or $(SEEDS),5) $(or $(NORMALS),50000) $(or $(DEFECTS),200)
