# The normality models and their statistics.
libcore_a_SOURCES += \
	core/screen/blob.c core/screen/blob.h \
	core/screen/contrast.c core/screen/contrast.h core/screen/detector.h \
	core/screen/drift.c core/screen/drift.h \
	core/screen/evaluate.c core/screen/evaluate.h \
	core/screen/folds.c core/screen/folds.h \
	core/screen/gaussian.c core/screen/gaussian.h \
	core/screen/looks.c core/screen/looks.h core/screen/mixture.c core/screen/mixture.h \
	core/screen/known.c core/screen/known.h \
	core/screen/metrics.c core/screen/metrics.h \
	core/screen/nearest.c core/screen/nearest.h \
	core/screen/model.c core/screen/model.h core/screen/model_file.c core/screen/model_state.h \
	core/screen/rates.c core/screen/rates.h \
	core/screen/store.c core/screen/store.h \
	core/screen/tail.c core/screen/tail.h \
	core/screen/threshold.c core/screen/threshold.h \
	core/screen/together.c core/screen/together.h
include core/screen/extract.mk
