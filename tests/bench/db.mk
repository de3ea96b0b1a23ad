check_PROGRAMS += bench_db
bench_db_SOURCES = tests/bench/bench_db.c tests/bench/must.h tests/bench/big_fill.c tests/bench/big_screen.c tests/bench/big.h $(TERMINAL_SOURCES)
bench_db_LDADD = $(DB_LIBS) $(ZLIB_LIBS)

.PHONY: bench-db
bench-db: assay bench_db$(EXEEXT)
	./bench_db $(abs_top_builddir)/assay $(BIG)

bench: bench-db

check_PROGRAMS += bench_memory
bench_memory_SOURCES = tests/bench/bench_memory.c tests/bench/must.h
bench_memory_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
bench_memory_LDADD = $(DB_LIBS)
EXTRA_DIST += tests/bench/bench-memory

.PHONY: bench-memory
bench-memory: assay bench_memory$(EXEEXT)
	$(top_srcdir)/tests/bench/bench-memory $(abs_top_builddir)/assay ./bench_memory$(EXEEXT) $(PICTURES)

bench: bench-memory
