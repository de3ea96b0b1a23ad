check_PROGRAMS += test_settings
TESTS += test_settings
test_settings_SOURCES = tests/unit/test_settings.c app/settings.c app/settings_file.c
test_settings_CPPFLAGS = $(TEST_CPPFLAGS) -DSYSCONFDIR=\"/nonexistent\"
test_settings_LDADD = $(CORE_TEST_LIBS)
check_PROGRAMS += test_lead
TESTS += test_lead
test_lead_SOURCES = tests/unit/test_lead.c
test_lead_CPPFLAGS = $(TEST_CPPFLAGS)
test_lead_LDADD = $(DB_TEST_LIBS)
