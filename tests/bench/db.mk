EXTRA_PROGRAMS += bench_db
CLEANFILES += bench_db
bench_db_SOURCES = tests/bench/bench_db.c
bench_db_LDADD = $(DB_LIBS)

.PHONY: bench-db
bench-db: bench_db$(EXEEXT)
	./bench_db

bench: bench-db
