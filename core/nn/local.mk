libcore_a_SOURCES += \
	core/nn/base.c core/nn/base.h core/nn/base_impl.h \
	core/nn/blas.c core/nn/blas.h \
	core/nn/filterbank.c \
	core/nn/layer.h core/nn/layer_impl.h core/nn/layer_act.c core/nn/layer_attention.c \
	core/nn/layer_conv.c core/nn/layer_depthwise.c core/nn/layer_naive.c core/nn/layer_naive.h \
	core/nn/layer_norm.c core/nn/layer_pool.c \
	core/nn/loss.c core/nn/loss.h core/nn/optim.c core/nn/optim.h \
	core/nn/infer.c core/nn/infer.h core/nn/infer_attention.c core/nn/infer_chain.c \
	core/nn/infer_run.c \
	core/nn/kernel.c core/nn/kernel.h core/nn/kernel_avx2.c core/nn/kernel_avx512.c \
	core/nn/kernel_impl.h core/nn/kernel_naive.c core/nn/kernel_plain.c core/nn/kernel_template.h \
	core/nn/kernel_vnni.c \
	core/nn/net.c core/nn/net.h core/nn/net_cut.c core/nn/net_file.c \
	core/nn/net_import.c core/nn/net_import.h core/nn/net_inherit.c core/nn/net_naive.c \
	core/nn/safetensors.c core/nn/safetensors.h \
	core/nn/safetensors_write.c \
	core/nn/adapter.c core/nn/adapter.h core/nn/graph.c core/nn/graph.h core/nn/graph_attention.c core/nn/graph_conv.c core/nn/graph_impl.h \
	core/nn/net_elastic.c core/nn/net_elastic.h
