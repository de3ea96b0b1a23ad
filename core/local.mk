# core: no screen, no SQL.

noinst_LIBRARIES += libcore.a
libcore_a_CPPFLAGS = -I$(top_srcdir)/core -DLOCALEDIR=\"$(localedir)\" $(BLAS_CFLAGS) $(PNG_CFLAGS) $(JPEG_CFLAGS) $(EXIF_CFLAGS) \
	$(JANSSON_CFLAGS) $(NETTLE_CFLAGS)
libcore_a_CFLAGS = $(ASSAY_CFLAGS)
libcore_a_SOURCES =

include core/base/local.mk
include core/image/local.mk
include core/nn/local.mk
include core/learn/local.mk
include core/nn/onnx.mk
include core/nn/embedded.mk
include core/screen/local.mk
