dist_check_SCRIPTS += tests/tui/add tests/tui/audit tests/tui/commands tests/tui/report tests/tui/simulate tests/fault/kill-audit tests/fault/kill-screen tests/fault/bootstrap-elsewhere
TESTS += tests/tui/add tests/tui/audit tests/tui/commands tests/tui/report tests/tui/simulate tests/fault/kill-audit tests/fault/kill-screen tests/fault/bootstrap-elsewhere

# Runs a command on a terminal of its own.
check_PROGRAMS += on_terminal
on_terminal_SOURCES = tests/tui/on_terminal.c
on_terminal_LDADD = $(CORE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += test_power
TESTS += test_power
test_power_SOURCES = tests/fault/test_power.c tests/fault/power.c tests/fault/power.h
test_power_CPPFLAGS = $(TEST_CPPFLAGS) $(SQLITE_CFLAGS)
test_power_LDADD = $(DB_TEST_LIBS)
endif

# Another program's lock on the database, a class that is retired: while a round is under way.
check_PROGRAMS += trouble
trouble_SOURCES = tests/data/trouble.c
trouble_LDADD = $(DB_LIBS)

# Pictures and numbers that are the same everywhere, for exact dumps.
check_PROGRAMS += still
still_SOURCES = tests/data/still.c
still_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
still_LDADD = $(CORE_LIBS) $(SQLITE_LIBS)
