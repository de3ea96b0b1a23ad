// What a bench keeps of a picture that was looked at.
#ifndef BENCH_EXTRACTED_H
#define BENCH_EXTRACTED_H

#include <string.h>

#include "screen/extract.h"
#include "screen/model.h"

// Into row result->id of embeddings (pictures, dim) and of inputs; a failure is handed on.
static inline enum status keep_extracted(const struct extract_result *result, int dim, float *embeddings,
                                         struct screen_input *inputs, struct error *err)
{
    size_t i = (size_t)result->id, numbers = (size_t)dim;
    if (result->status != ST_OK) {
        *err = result->error;
        return result->status;
    }
    memcpy(embeddings + i * numbers, result->embedding, numbers * sizeof *embeddings);
    inputs[i].embedding = embeddings + i * numbers;
    memcpy(inputs[i].measures, result->patch.measures, sizeof inputs[i].measures);
    return ST_OK;
}

#endif
