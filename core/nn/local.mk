libcore_a_SOURCES += \
	core/nn/base.c core/nn/base.h core/nn/base_impl.h \
	core/nn/blas.c core/nn/blas.h \
	core/nn/filterbank.c \
	core/nn/infer.c core/nn/infer.h core/nn/infer_attention.c core/nn/infer_run.c \
	core/nn/kernel.c core/nn/kernel.h core/nn/kernel_avx2.c core/nn/kernel_avx512.c \
	core/nn/kernel_impl.h core/nn/kernel_naive.c core/nn/kernel_plain.c core/nn/kernel_template.h \
	core/nn/net.c core/nn/net.h core/nn/net_cut.c core/nn/net_file.c \
	core/nn/net_import.c core/nn/net_import.h core/nn/net_inherit.c core/nn/net_naive.c \
	core/nn/safetensors.c core/nn/safetensors.h \
	core/nn/safetensors_write.c
