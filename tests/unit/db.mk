check_PROGRAMS += test_db
TESTS += test_db
test_db_SOURCES = tests/unit/test_db.c
test_db_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
test_db_LDADD = $(DB_TEST_LIBS)
