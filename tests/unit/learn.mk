check_PROGRAMS += test_graph test_pretrain
TESTS += test_graph test_pretrain
test_graph_SOURCES = tests/unit/test_graph.c
test_graph_CPPFLAGS = $(TEST_CPPFLAGS)
test_graph_LDADD = $(CORE_TEST_LIBS)
test_pretrain_SOURCES = tests/unit/test_pretrain.c
test_pretrain_CPPFLAGS = $(TEST_CPPFLAGS)
test_pretrain_LDADD = $(CORE_TEST_LIBS)
