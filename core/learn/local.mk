libcore_a_SOURCES += \
	core/learn/crops.h
