// Figures of merit for anomaly scores (higher = more anomalous).
#ifndef SCREEN_METRICS_H
#define SCREEN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Area under the ROC curve by ranks, ties half; NAN when a side is empty.
double metrics_auroc(const double *scores, const bool *defect, size_t count);

// Average precision: sum over thresholds of (recall step) * precision, ties as one step.
double metrics_ap(const double *scores, const bool *defect, size_t count);

// Share of normals below the highest threshold that still flags at least
// ceil(recall * defects) defects (flagged: score >= threshold).
double metrics_filtered(const double *scores, const bool *defect, size_t count, double recall);

// That threshold; NAN without a defect.
double metrics_threshold(const double *scores, const bool *defect, size_t count, double recall);

struct metrics_interval {
    double low, high; // 95 % percentile interval
};

// Of the pictures with among[i], the share with hit[i]: interval from `resamples` bootstrap draws of whole groups
// (Efron 1979, percentiles), so that pictures of one thing count as what they are. NAN where nothing is `among` or
// resamples is 0. All or none hit leave it without width: then only an exact interval (screen/rates.h) says how sure
// that is.
struct metrics_interval metrics_share(const bool *among, const bool *hit, const uint64_t *groups, size_t count,
                                      int resamples, uint64_t seed);

struct metrics {
    size_t normals, defects;
    double auroc, ap, filtered90, filtered95, filtered9824, filtered99;
    struct metrics_interval auroc_ci, ap_ci, filtered90_ci, filtered95_ci, filtered9824_ci, filtered99_ci;
};

// All of them, with intervals from `resamples` bootstrap draws of whole groups (0: no intervals).
struct metrics metrics_all(const double *scores, const bool *defect, const uint64_t *groups, size_t count,
                           int resamples, uint64_t seed);

#endif
