# The normality models and their statistics.
libcore_a_SOURCES += \
	core/screen/evaluate.h \
	core/screen/gaussian.c core/screen/gaussian.h \
	core/screen/metrics.c core/screen/metrics.h \
	core/screen/model.h core/screen/patch.h core/screen/settings.h \
	core/screen/store.c core/screen/store.h \
	core/screen/tail.h
