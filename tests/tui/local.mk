# a terminal in memory, for tests and benches
TERMINAL_SOURCES = tests/tui/pty.c tests/tui/pty.h tests/tui/unsixel.c tests/tui/unsixel.h tests/tui/vt.c tests/tui/vt.h \
	tests/tui/unkitty.c tests/tui/unkitty.h

if HAVE_CMOCKA
check_PROGRAMS += test_session
TESTS += test_session
test_session_SOURCES = tests/tui/test_session.c $(TERMINAL_SOURCES)
test_session_CPPFLAGS = $(TEST_CPPFLAGS) $(NCURSES_CFLAGS)
test_session_LDADD = $(UI_TEST_LIBS)
endif

TESTS += tests/tui/keys tests/tui/foreign tests/tui/languages
EXTRA_DIST += tests/tui/keys tests/tui/foreign tests/tui/languages
