check_PROGRAMS += test_nn test_extract
TESTS += test_nn test_extract
test_nn_SOURCES = tests/unit/test_nn.c
test_nn_CPPFLAGS = $(TEST_CPPFLAGS)
test_nn_LDADD = $(CORE_TEST_LIBS)
test_extract_SOURCES = tests/unit/test_extract.c
test_extract_CPPFLAGS = $(TEST_CPPFLAGS)
test_extract_LDADD = $(CORE_TEST_LIBS)
