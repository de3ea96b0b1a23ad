# The base that is compiled in.
libcore_a_SOURCES += core/nn/embedded.c core/nn/embedded.h
libcore_a_CPPFLAGS += -DASSETS='"$(top_srcdir)/assets"'
EXTRA_DIST += assets/base.safetensors assets/base.sha256 assets/MODEL_CARD.md
core/nn/libcore_a-embedded.$(OBJEXT): $(top_srcdir)/assets/base.safetensors $(top_srcdir)/assets/base.sha256
