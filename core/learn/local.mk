libcore_a_SOURCES += \
	core/learn/camera.c core/learn/camera.h \
	core/learn/crop_source.c \
	core/learn/crops.c core/learn/crops.h core/learn/crops_impl.h \
	core/learn/flaw.c core/learn/flaw.h \
	core/learn/texture.c core/learn/texture.h core/learn/texture_impl.h \
	core/learn/texture_pattern.c \
	core/learn/base_file.c core/learn/base_file.h \
	core/learn/frontier.c core/learn/frontier.h core/learn/frontier_impl.h core/learn/frontier_file.c \
	core/learn/frontier_measure.c core/learn/frontier_quality.c \
	core/learn/pretrain.c core/learn/pretrain.h core/learn/pretrain_file.c core/learn/pretrain_impl.h \
	core/learn/vicreg.c core/learn/vicreg.h
