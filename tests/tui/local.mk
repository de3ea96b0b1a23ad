# a terminal in memory, for tests and benches
TERMINAL_SOURCES = tests/tui/pty.c tests/tui/pty.h tests/tui/unsixel.c tests/tui/unsixel.h tests/tui/vt.c tests/tui/vt.h
