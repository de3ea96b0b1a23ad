libcore_a_SOURCES += \
	core/learn/adapt.c core/learn/adapt.h core/learn/adapt_impl.h core/learn/adapt_checkpoint.c \
	core/learn/adapt_file.c core/learn/adapt_measure.c core/learn/adapt_options.c core/learn/adapt_pixels.c core/learn/adapt_pixels.h \
	core/learn/adapt_score.c core/learn/adapt_step.c core/learn/adapt_view.c core/learn/adapt_view.h \
	core/learn/audit.c core/learn/audit.h core/learn/audit_plan.c \
	core/learn/acquire.c core/learn/acquire.h core/learn/acquire_impl.h core/learn/acquire_anomalous.c \
	core/learn/acquire_audit.c core/learn/acquire_balanced.c core/learn/acquire_diverse.c core/learn/acquire_doubt.c \
	core/learn/acquire_gain.c core/learn/acquire_mix.c core/learn/acquire_near.c core/learn/acquire_point.c \
	core/learn/acquire_process.c core/learn/acquire_uncertain.c \
	core/learn/heads.c core/learn/heads.h core/learn/heads_class.c \
	core/learn/gate.c core/learn/gate.h core/learn/strategy.c core/learn/strategy.h \
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
	core/learn/replay.c core/learn/replay.h core/learn/rescore.c core/learn/rescore.h \
	core/learn/vicreg.c core/learn/vicreg.h
