// Pictures of one thing speak for each other: the same tile under another lamp is as odd or as normal as before, and what
// one exposure makes of it is partly chance. How far that holds is measured, not assumed: the scores of believed normals
// tell how much of what they differ by lies between groups (intraclass correlation, one-way analysis of variance; Fisher
// 1925). Where a group's pictures are of different things (a train's wagons), they do not agree and nobody is heard.
#ifndef SCREEN_TOGETHER_H
#define SCREEN_TOGETHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A group of more pictures than that is a place or a day rather than a thing: each picture is by itself.
enum { TOGETHER_MOST = 16 };

// Agreement 0..1 of values[members[0 .. count-1]] in their groups (groups[member]); 0 where fewer than 8 groups have two
// or more of the members.
double together_agreement(const double *values, const uint64_t *groups, const size_t *members, size_t count);

// out[i]: (1 - agreement) values[i] + agreement * the mean of its group, but never more than half a unit below values[i]:
// values are -log10 of probabilities, so that quiet pictures of its group make an odd one three times as likely at most, and
// what only one of them shows is not lost. peers[i]: how many pictures are heard, itself included; 1: out[i] = values[i].
void together_share(const double *values, const uint64_t *groups, size_t count, double agreement, double *out,
                    size_t *peers);

// How many things the pictures i with shown[i] show: one for a group of up to TOGETHER_MOST pictures, else each.
size_t together_things(const uint64_t *groups, const bool *shown, size_t count);

#endif
