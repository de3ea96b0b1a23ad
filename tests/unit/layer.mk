check_PROGRAMS += test_layer
TESTS += test_layer
test_layer_SOURCES = tests/unit/test_layer.c
test_layer_CPPFLAGS = $(TEST_CPPFLAGS)
test_layer_LDADD = $(CORE_TEST_LIBS)
