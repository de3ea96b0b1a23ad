check_PROGRAMS += test_demo
TESTS += test_demo
test_demo_SOURCES = tests/unit/test_demo.c
test_demo_CPPFLAGS = $(TEST_CPPFLAGS)
test_demo_LDADD = $(CORE_TEST_LIBS)
