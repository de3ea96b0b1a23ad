libcore_a_SOURCES += \
	core/image/align.c core/image/align.h \
	core/image/decode.h \
	core/image/image.c core/image/image.h \
	core/image/jpeg.c \
	core/image/phash.c core/image/phash.h \
	core/image/png.c \
	core/image/quality.c core/image/quality.h \
	core/image/region.c core/image/region.h core/image/spans.c \
	core/image/resize.c core/image/resize.h

include core/image/demo.mk
