check_PROGRAMS += test_nn
TESTS += test_nn
test_nn_SOURCES = tests/unit/test_nn.c
test_nn_CPPFLAGS = $(TEST_CPPFLAGS)
test_nn_LDADD = $(CORE_TEST_LIBS)
