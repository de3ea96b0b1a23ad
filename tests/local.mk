# Every test prints TAP, so that each case counts in the summary and a skip shows its reason.

LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh --comments
LOG_COMPILER = $(top_srcdir)/tests/run-tap
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	ASSAY_SHARED=$${ASSAY_SHARED-$(abs_top_srcdir)/../shared}; export ASSAY_SHARED; \
	ASSAY=$(abs_top_builddir)/assay; export ASSAY; \
	XDG_CONFIG_HOME=$(abs_top_builddir)/no-config; export XDG_CONFIG_HOME; \
	ASSAY_DATADIR=$(abs_top_srcdir)/assets; export ASSAY_DATADIR; \
	ASSAY_LOCALEDIR=$(abs_top_builddir)/po; export ASSAY_LOCALEDIR; unset LANGUAGE; \
	TERM=xterm; export TERM; unset ASSAY_AS ASSAY_GRAPHICS ASSAY_THREADS OPENBLAS_CORETYPE;

TEST_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir) $(CMOCKA_CFLAGS)
CORE_TEST_LIBS = $(CORE_LIBS) $(CMOCKA_LIBS)
DB_TEST_LIBS   = $(DB_LIBS) $(CMOCKA_LIBS)
UI_TEST_LIBS   = $(UI_LIBS) $(CMOCKA_LIBS)

EXTRA_DIST += tests/run-tap tests/unit/project.h tests/unit/scratch.h tests/unit/test.h

if HAVE_CMOCKA
include tests/unit/base.mk
include tests/unit/image.mk
include tests/unit/demo.mk
include tests/unit/nn.mk
include tests/unit/layer.mk
include tests/unit/learn.mk
include tests/unit/acquire.mk
include tests/unit/net.mk
include tests/unit/screen.mk
include tests/unit/crops.mk
include tests/unit/db.mk
include tests/unit/ui.mk
include tests/unit/lead.mk
include tests/unit/flow.mk
endif
include tests/tui/local.mk
include tests/fault/local.mk
include tests/fault/data.mk
include tests/onnx/local.mk
include tests/bench/local.mk
include tests/bench/acquire.mk
include tests/bench/adapter.mk
include tests/bench/zero.mk
include tests/bench/demo.mk
include tests/bench/db.mk
include tests/bench/extract.mk
include tests/bench/layer.mk
include tests/bench/simulate.mk
