// Small networks with random weights in the files that others write.
#ifndef TESTS_UNIT_FOREIGN_H
#define TESTS_UNIT_FOREIGN_H

#include "nn/net.h"

// A MobileNet v1 with few channels, padded as timm's.
struct net_plan foreign_plan(void);

// Random weights; norms and biases are random, too, variances positive.
struct net *foreign_random(const struct net_plan *plan, uint64_t seed);

// The tensors of a network of foreign_plan as timm and as Keras (metadata aside) call them.
void foreign_put_timm(struct tensor_writer *writer, const struct net *net);
void foreign_put_keras(struct tensor_writer *writer, const struct net *net);

#endif
