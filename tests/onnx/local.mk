# Exported networks in another runtime. The runtime is fetched into this folder when the test runs.
check_PROGRAMS += onnx_taps
onnx_taps_SOURCES = tests/onnx/taps.c tests/unit/foreign.c tests/unit/foreign.h
onnx_taps_CPPFLAGS = -I$(top_srcdir)/core -I$(top_srcdir)
onnx_taps_LDADD = $(CORE_LIBS)
dist_check_SCRIPTS += tests/onnx/runtime
EXTRA_DIST += tests/onnx/compare.js
TESTS += tests/onnx/runtime

clean-local: clean-onnx
clean-onnx:
	rm -rf tests/onnx/modules tests/onnx/modules.new tests/onnx/modules.log
.PHONY: clean-onnx
