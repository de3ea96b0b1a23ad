check_PROGRAMS += test_braille
TESTS += test_braille
test_braille_SOURCES = tests/unit/test_braille.c
test_braille_CPPFLAGS = $(TEST_CPPFLAGS) $(NCURSES_CFLAGS)
test_braille_LDADD = $(UI_TEST_LIBS)
