if HAVE_CMOCKA
check_PROGRAMS += test_power
TESTS += test_power
test_power_SOURCES = tests/fault/test_power.c tests/fault/power.c tests/fault/power.h
test_power_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
test_power_LDADD = $(DB_TEST_LIBS)
endif
