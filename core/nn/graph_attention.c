// Attention blocks: positional residual, attention with pooled keys and values, MLP.
#include "config.h"

#include <string.h>

#include "nn/graph_impl.h"

static const double epsilon = 1e-5; // of layer norm

static const struct layer_window same = {1, PAD_SYMMETRIC};

static struct layer_heads heads_of(const struct graph_block *k, const struct net_block *b)
{
    return (struct layer_heads){k->in.count, k->in.rows * k->in.cols, k->pooled_shape.rows * k->pooled_shape.cols, b->to,
                                b->heads};
}

void graph_attention(struct graph *g, const struct net *net, int i)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    size_t cells = layer_cells(k->in), count = layer_values(k->in);
    k->position = graph_take(g, count);
    k->normed1 = graph_take(g, count);
    k->statistic1 = graph_take(g, 2 * cells);
    k->query = graph_take(g, count);
    k->pooled_shape = layer_pooled(k->in, b->pool);
    k->pooled = graph_take(g, layer_values(k->pooled_shape));
    k->key_value = graph_take(g, 2 * layer_values(k->pooled_shape));
    struct layer_heads heads = heads_of(k, b);
    k->probabilities = graph_take(g, layer_attention_kept(heads));
    k->seen = graph_take(g, count);
    k->attended = graph_take(g, count);
    k->normed2 = graph_take(g, count);
    k->statistic2 = graph_take(g, 2 * cells);
    k->hidden = graph_take(g, cells * (size_t)b->hidden);
    k->active = graph_take(g, cells * (size_t)b->hidden);

    layer_depthwise(k->x, k->in, same, net_values(net, i, ATTENTION_POSITION), net_values(net, i, ATTENTION_POSITION_BIAS),
                    k->position);
    layer_add(k->position, k->x, count);
    layer_norm_layer(k->position, cells, b->to, epsilon, net_values(net, i, ATTENTION_NORM1_GAMMA),
                     net_values(net, i, ATTENTION_NORM1_BETA), k->statistic1, k->normed1);
    layer_linear(k->normed1, cells, b->to, b->to, net_values(net, i, ATTENTION_QUERY),
                 net_values(net, i, ATTENTION_QUERY_BIAS), k->query);
    layer_pool_average(k->normed1, k->in, b->pool, k->pooled);
    layer_linear(k->pooled, layer_cells(k->pooled_shape), b->to, 2 * b->to, net_values(net, i, ATTENTION_KEY_VALUE),
                 net_values(net, i, ATTENTION_KEY_VALUE_BIAS), k->key_value);
    layer_attention(k->query, k->key_value, heads, k->probabilities, k->seen);
    layer_linear(k->seen, cells, b->to, b->to, net_values(net, i, ATTENTION_OUT), net_values(net, i, ATTENTION_OUT_BIAS),
                 k->attended);
    layer_add(k->attended, k->position, count);

    layer_norm_layer(k->attended, cells, b->to, epsilon, net_values(net, i, ATTENTION_NORM2_GAMMA),
                     net_values(net, i, ATTENTION_NORM2_BETA), k->statistic2, k->normed2);
    layer_linear(k->normed2, cells, b->to, b->hidden, net_values(net, i, ATTENTION_MLP1),
                 net_values(net, i, ATTENTION_MLP1_BIAS), k->hidden);
    size_t units = cells * (size_t)b->hidden;
    switch (b->activation) {
    case NET_RELU:
        layer_relu(k->hidden, units, k->active);
        break;
    case NET_RELU6:
        layer_relu6(k->hidden, units, k->active);
        break;
    case NET_GELU:
        layer_gelu(k->hidden, units, k->active);
        break;
    case NET_LINEAR:
        layer_copy(k->hidden, units, k->active);
        break;
    }
    layer_linear(k->active, cells, b->hidden, b->to, net_values(net, i, ATTENTION_MLP2),
                 net_values(net, i, ATTENTION_MLP2_BIAS), k->out);
    layer_add(k->out, k->attended, count);
}

void graph_attention_backward(struct graph *g, const struct net *net, int i, const float *out_grad, float *in_grad,
                              struct net *grads)
{
    const struct net_block *b = &net->plan.blocks[i];
    struct graph_block *k = &g->blocks[i];
    size_t cells = layer_cells(k->in), count = layer_values(k->in), units = cells * (size_t)b->hidden;
    size_t pooled_cells = layer_cells(k->pooled_shape);
    struct layer_heads heads = heads_of(k, b);
    float *hidden = graph_take(g, units), *a = graph_take(g, count), *c = graph_take(g, count);
    float *key_value = graph_take(g, 2 * layer_values(k->pooled_shape));
    float *pooled = graph_take(g, layer_values(k->pooled_shape));
    float *scratch = graph_take(g, (size_t)heads.cells * (size_t)heads.keys);
    float *norm_scratch = graph_take(g, 2 * (size_t)b->to);

    // The MLP; a becomes the gradient of `attended`.
    layer_linear_backward(k->active, cells, b->hidden, b->to, net_values(net, i, ATTENTION_MLP2), out_grad, hidden,
                          net_values(grads, i, ATTENTION_MLP2), net_values(grads, i, ATTENTION_MLP2_BIAS));
    if (b->activation == NET_RELU)
        layer_relu_backward(k->hidden, hidden, units, hidden);
    else if (b->activation == NET_RELU6)
        layer_relu6_backward(k->hidden, hidden, units, hidden);
    else if (b->activation == NET_GELU)
        layer_gelu_backward(k->hidden, hidden, units, hidden);
    layer_linear_backward(k->normed2, cells, b->to, b->hidden, net_values(net, i, ATTENTION_MLP1), hidden, a,
                          net_values(grads, i, ATTENTION_MLP1), net_values(grads, i, ATTENTION_MLP1_BIAS));
    layer_norm_layer_backward(k->attended, cells, b->to, k->statistic2, net_values(net, i, ATTENTION_NORM2_GAMMA), a,
                              norm_scratch, a, net_values(grads, i, ATTENTION_NORM2_GAMMA),
                              net_values(grads, i, ATTENTION_NORM2_BETA));
    layer_add(a, out_grad, count);

    // Attention; c becomes the gradient of `normed1`, then of `position` by way of the norm.
    float *seen = graph_take(g, count), *query = graph_take(g, count);
    layer_linear_backward(k->seen, cells, b->to, b->to, net_values(net, i, ATTENTION_OUT), a, seen,
                          net_values(grads, i, ATTENTION_OUT), net_values(grads, i, ATTENTION_OUT_BIAS));
    layer_attention_backward(k->query, k->key_value, heads, k->probabilities, seen, scratch, query, key_value);
    layer_linear_backward(k->normed1, cells, b->to, b->to, net_values(net, i, ATTENTION_QUERY), query, c,
                          net_values(grads, i, ATTENTION_QUERY), net_values(grads, i, ATTENTION_QUERY_BIAS));
    layer_linear_backward(k->pooled, pooled_cells, b->to, 2 * b->to, net_values(net, i, ATTENTION_KEY_VALUE), key_value,
                          pooled, net_values(grads, i, ATTENTION_KEY_VALUE), net_values(grads, i, ATTENTION_KEY_VALUE_BIAS));
    layer_pool_average_backward(pooled, k->in, b->pool, 1, c);
    layer_norm_layer_backward(k->position, cells, b->to, k->statistic1, net_values(net, i, ATTENTION_NORM1_GAMMA), c,
                              norm_scratch, c, net_values(grads, i, ATTENTION_NORM1_GAMMA),
                              net_values(grads, i, ATTENTION_NORM1_BETA));
    layer_add(c, a, count);

    layer_depthwise_backward(k->x, k->in, same, net_values(net, i, ATTENTION_POSITION), c, in_grad,
                             net_values(grads, i, ATTENTION_POSITION), net_values(grads, i, ATTENTION_POSITION_BIAS));
    if (in_grad)
        layer_add(in_grad, c, count);
}
