// Networks that others wrote: MobileNet v1 with Keras' names (metadata
// "architecture" = "mobilenet_v1...") or with those of PyTorch's timm
// (recognised by its tensors), and the project's first student, "hybrid-1".
#ifndef NN_NET_IMPORT_H
#define NN_NET_IMPORT_H

#include "nn/net.h"

#define NET_FORMAT "assay-net-1" // metadata "architecture" of the own format

// "MobileNet v1, names as in Keras" and so on; NULL when the file is no network that is known here.
const char *net_format(const struct tensor_file *file);

ASSAY_CHECKED enum status net_import(const struct tensor_file *file, struct net **net, struct error *err);

#endif
