check_PROGRAMS += test_crops
TESTS += test_crops
test_crops_SOURCES = tests/unit/test_crops.c
test_crops_CPPFLAGS = $(TEST_CPPFLAGS)
test_crops_LDADD = $(CORE_TEST_LIBS)
