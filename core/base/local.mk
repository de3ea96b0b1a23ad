libcore_a_SOURCES += \
	core/base/alloc.c core/base/alloc.h \
	core/base/banned.h \
	core/base/base64.c core/base/base64.h \
	core/base/clock.c core/base/clock.h \
	core/base/csv.c core/base/csv.h \
	core/base/file.c core/base/file.h \
	core/base/hash.c core/base/hash.h \
	core/base/intl.c core/base/intl.h \
	core/base/parallel.c core/base/parallel.h \
	core/base/rng.h \
	core/base/status.c core/base/status.h \
	core/base/strbuf.c core/base/strbuf.h \
	core/base/text.c core/base/text.h
