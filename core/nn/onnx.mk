libcore_a_SOURCES += core/nn/onnx.c core/nn/onnx.h core/nn/onnx_graph.c core/nn/onnx_graph.h
