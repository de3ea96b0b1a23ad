check_PROGRAMS += test_acquire
TESTS += test_acquire
test_acquire_SOURCES = tests/unit/test_acquire.c
test_acquire_CPPFLAGS = $(TEST_CPPFLAGS)
test_acquire_LDADD = $(CORE_TEST_LIBS)
