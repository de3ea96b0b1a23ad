# What is found with no label at all on the magnetic-tile pictures, by group. FLAGS: see bench_zero.c.
check_PROGRAMS += bench_zero
bench_zero_SOURCES = tests/bench/bench_zero.c tests/bench/must.h tests/bench/extracted.h tests/bench/mtd.c tests/bench/mtd.h
bench_zero_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_zero_LDADD = $(CORE_LIBS)

.PHONY: bench-zero
bench-zero: bench_zero$(EXEEXT)
	./bench_zero $(abs_top_srcdir)/../shared/data/mtd $(FLAGS) || test $$? -eq 77
