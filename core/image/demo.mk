libcore_a_SOURCES += \
	core/image/demo.c core/image/demo.h \
	core/image/demo_backdrop.c \
	core/image/demo_belt.c \
	core/image/demo_draw.c core/image/demo_draw.h \
	core/image/demo_fastener.c \
	core/image/demo_insulator.c \
	core/image/demo_relief.c
