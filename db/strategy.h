// What settings of rounds brought (strategy.c).
#ifndef DB_STRATEGY_H
#define DB_STRATEGY_H

#include <stdint.h>

#include "base/status.h"

struct db;

// scene 0: from elsewhere, counts everywhere; model 0: none. A model counts once.
ASSAY_CHECKED enum status db_strategy_add(struct db *db, int64_t scene, const char *strategy, int64_t model, double count,
                                          double reward, struct error *err);
// By name, of a scene and from elsewhere (0: all).
ASSAY_CHECKED enum status db_strategy_each(struct db *db, int64_t scene,
                                           void (*each)(void *context, const char *name, double count, double sum),
                                           void *context, struct error *err);
ASSAY_CHECKED enum status db_strategy_forget(struct db *db, struct error *err); // what came from elsewhere

#endif
