# a terminal in memory, for tests and benches
TERMINAL_SOURCES = tests/tui/pty.c tests/tui/pty.h tests/tui/unsixel.c tests/tui/unsixel.h tests/tui/vt.c tests/tui/vt.h \
	tests/tui/unkitty.c tests/tui/unkitty.h

if HAVE_CMOCKA
check_PROGRAMS += test_session
TESTS += test_session
test_session_SOURCES = tests/tui/test_session.c $(TERMINAL_SOURCES)
test_session_CPPFLAGS = $(TEST_CPPFLAGS) $(NCURSES_CFLAGS) $(SQLITE_CFLAGS)
test_session_LDADD = $(UI_TEST_LIBS) $(SQLITE_LIBS)
endif

TESTS += tests/tui/keys tests/tui/foreign tests/tui/languages tests/tui/screens
EXTRA_DIST += tests/tui/keys tests/tui/foreign tests/tui/languages tests/tui/screens tests/tui/screens.d/en-80x24.txt \
	tests/tui/screens.d/en-200x60.txt tests/tui/screens.d/zh_CN-80x24.txt tests/tui/screens.d/zh_CN-200x60.txt
