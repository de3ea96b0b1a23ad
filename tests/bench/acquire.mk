# Answers needed to find the defects of the magnetic-tile pictures, against random and score order. FLAGS: see bench_acquire.c.
check_PROGRAMS += bench_acquire
bench_acquire_SOURCES = tests/bench/bench_acquire.c tests/bench/must.h tests/bench/mtd.c tests/bench/mtd.h
bench_acquire_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_acquire_LDADD = $(CORE_LIBS)

.PHONY: bench-acquire
bench-acquire: bench_acquire$(EXEEXT)
	./bench_acquire $(abs_top_srcdir)/../shared/data/mtd $(FLAGS) || test $$? -eq 77
