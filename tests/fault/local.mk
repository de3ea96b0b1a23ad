dist_check_SCRIPTS = tests/fault/bad-input tests/fault/bad-scenes tests/fault/base-extract tests/fault/base-files tests/fault/kill-review tests/fault/kill-round \
	tests/fault/kill-train tests/fault/monkey tests/tui/whole-path tests/tui/views tests/tui/regions tests/tui/coco tests/tui/flow tests/tui/knowledge
TESTS += tests/fault/bad-input tests/fault/bad-scenes tests/fault/base-extract tests/fault/base-files tests/fault/kill-review tests/fault/kill-round \
	tests/fault/kill-train tests/fault/monkey tests/tui/whole-path tests/tui/views tests/tui/regions tests/tui/coco tests/tui/flow tests/tui/knowledge

# Writes weight files under the names that others use, for tests of whole commands.
check_PROGRAMS += make_base
make_base_SOURCES = tests/data/make_base.c tests/unit/foreign.c tests/unit/foreign.h
make_base_LDADD = $(CORE_LIBS)

# Following folders; pictures as a camera would write them whose light changes slowly.
dist_check_SCRIPTS += tests/tui/ask tests/tui/believed tests/tui/lead tests/fault/backup
TESTS += tests/tui/ask tests/tui/believed tests/tui/lead tests/fault/backup
dist_check_SCRIPTS += tests/tui/watch tests/fault/kill-watch
TESTS += tests/tui/watch tests/fault/kill-watch
check_PROGRAMS += make_ramp
make_ramp_SOURCES = tests/data/make_ramp.c
make_ramp_LDADD = $(CORE_LIBS)

# The command for stop defects, once for each event.
dist_check_SCRIPTS += tests/fault/kill-hook
TESTS += tests/fault/kill-hook

# Rounds of training: files of models that are lost, a full disk, answers of one side,
# what others do meanwhile, who has the place of the worker.
dist_check_SCRIPTS += tests/fault/lost-models tests/fault/pruned tests/fault/full-disk tests/fault/one-sided tests/fault/industry tests/fault/round-zero tests/fault/round-meanwhile tests/fault/promoted-meanwhile tests/fault/worker-place tests/fault/strategies
TESTS += tests/fault/lost-models tests/fault/pruned tests/fault/full-disk tests/fault/one-sided tests/fault/industry tests/fault/round-zero tests/fault/round-meanwhile tests/fault/promoted-meanwhile tests/fault/worker-place tests/fault/strategies
EXTRA_DIST += tests/fault/rounds.sh
