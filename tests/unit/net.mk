check_PROGRAMS += test_net
TESTS += test_net
test_net_SOURCES = tests/unit/test_net.c tests/unit/foreign.c tests/unit/foreign.h
test_net_CPPFLAGS = $(TEST_CPPFLAGS)
test_net_LDADD = $(CORE_TEST_LIBS)
