check_PROGRAMS += test_image test_quality make_pictures
TESTS += test_image test_quality
test_image_SOURCES = tests/unit/test_image.c tests/unit/test_pictures.c tests/unit/test_pictures.h
test_image_CPPFLAGS = $(TEST_CPPFLAGS)
test_image_LDADD = $(CORE_TEST_LIBS)
# Writes pictures, good and bad, for tests of whole commands.
make_pictures_SOURCES = tests/data/make_pictures.c tests/unit/test_pictures.c tests/unit/test_pictures.h
make_pictures_LDADD = $(CORE_LIBS)
test_quality_SOURCES = tests/unit/test_quality.c
test_quality_CPPFLAGS = $(TEST_CPPFLAGS)
test_quality_LDADD = $(CORE_TEST_LIBS)
check_PROGRAMS += test_region
TESTS += test_region
test_region_SOURCES = tests/unit/test_region.c
test_region_CPPFLAGS = $(TEST_CPPFLAGS)
test_region_LDADD = $(CORE_TEST_LIBS)
