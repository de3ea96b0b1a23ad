check_PROGRAMS += test_ui
TESTS += test_ui
test_ui_SOURCES = tests/unit/test_ui.c tests/tui/unsixel.c tests/tui/unsixel.h
test_ui_CPPFLAGS = $(TEST_CPPFLAGS) $(NCURSES_CFLAGS)
test_ui_LDADD = $(UI_TEST_LIBS)
