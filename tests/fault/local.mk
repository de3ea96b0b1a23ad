dist_check_SCRIPTS = tests/fault/bad-input tests/fault/kill-review tests/tui/whole-path
TESTS += tests/fault/bad-input tests/fault/kill-review tests/tui/whole-path
