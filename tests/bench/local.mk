EXTRA_DIST += tests/bench/bench-mtd tests/bench/bench-l1 tests/bench/mtd.sh

.PHONY: bench-mtd
bench-mtd: assay
	$(top_srcdir)/tests/bench/bench-mtd $(abs_top_builddir)/assay $(abs_top_srcdir)/../shared

bench: bench-mtd

check_PROGRAMS += bench_mtd
bench_mtd_SOURCES = tests/bench/bench_mtd.c tests/bench/must.h
bench_mtd_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(BLAS_CFLAGS)
bench_mtd_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/bench/bench-detectors

.PHONY: bench-detectors
bench-detectors: bench_mtd$(EXEEXT)
	$(top_srcdir)/tests/bench/bench-detectors ./bench_mtd$(EXEEXT) $(abs_top_srcdir)/../shared \
		$(abs_top_srcdir)/assets/base.safetensors $(SEEDS) || test $$? -eq 77

bench: bench-detectors

check_PROGRAMS += bench_known
bench_known_SOURCES = tests/bench/bench_known.c
bench_known_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(BLAS_CFLAGS)
bench_known_LDADD = $(CORE_LIBS)

.PHONY: bench-known
bench-known: bench_known$(EXEEXT)
	./bench_known

bench: bench-known

.PHONY: bench-l1
bench-l1: assay
	$(top_srcdir)/tests/bench/bench-l1 $(abs_top_builddir)/assay $(abs_top_srcdir)/../shared

check_PROGRAMS += bench_crops
bench_crops_SOURCES = tests/bench/bench_crops.c tests/bench/must.h
bench_crops_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(BLAS_CFLAGS)
bench_crops_LDADD = $(CORE_LIBS)

.PHONY: bench-crops
bench-crops: bench_crops$(EXEEXT)
	./bench_crops $(PHOTOS)

check_PROGRAMS += bench_nn
bench_nn_SOURCES = tests/bench/bench_nn.c
bench_nn_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(BLAS_CFLAGS)
bench_nn_LDADD = $(CORE_LIBS)
EXTRA_DIST += tests/bench/bench-nn tests/bench/ort.js

.PHONY: bench-nn
bench-nn: bench_nn$(EXEEXT)
	$(top_srcdir)/tests/bench/bench-nn ./bench_nn$(EXEEXT) $(top_srcdir)/assets/base.safetensors \
		$(abs_top_srcdir)/../shared tests/onnx/modules

bench: bench-nn

check_PROGRAMS += bench_tui
bench_tui_SOURCES = tests/bench/bench_tui.c tests/bench/effort.c tests/bench/effort.h tests/bench/must.h $(TERMINAL_SOURCES)
bench_tui_LDADD = $(DB_LIBS) $(ZLIB_LIBS)

.PHONY: bench-tui
bench-tui: assay bench_tui
	./bench_tui $(BENCH_FLAGS) $(abs_top_builddir)/assay

bench: bench-tui
