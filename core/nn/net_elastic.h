// A weight file with smaller networks inside: the large network's weights are
// theirs, too; what each needs of its own are batch norm's statistics, stored
// as "cut.K.<tensor>". Metadata "cuts": JSON list of {"width", "depth"}.
// Source: Yu & Huang 2019, arXiv:1903.05134, "post-statistics of batch normalization".
#ifndef NN_NET_ELASTIC_H
#define NN_NET_ELASTIC_H

#include "nn/net.h"

enum { ELASTIC_CUTS = 32 };

// The cuts that `file` has statistics for, none in a plain file.
ASSAY_CHECKED enum status elastic_list(const struct tensor_file *file, struct net_cut cuts[ELASTIC_CUTS], int *count,
                                       struct error *err);

// The network of cut number `index`; `net` was read from `file`. Caller: net_free.
ASSAY_CHECKED enum status elastic_read(const struct tensor_file *file, const struct net *net, int index,
                                       struct net **small, struct error *err);

// Statistics of smalls[i], which was cut by cuts[i].
void elastic_put(struct tensor_writer *writer, const struct net_cut *cuts, struct net *const *smalls, int count);

// What `file`, which `net` was read from, holds beside the network: the smaller ones' statistics and where it
// comes from, for a copy of it. After net_put.
ASSAY_CHECKED enum status elastic_copy(const struct tensor_file *file, const struct net *net,
                                       struct tensor_writer *writer, struct error *err);

#endif
