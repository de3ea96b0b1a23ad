#include "config.h"

#include "learn/acquire.h"

// An even spread (Bresenham's line): after any number of questions the audits are within one of their quota.
bool acquire_audit_due(size_t asked, size_t audits, double quota)
{
    return (double)audits + 1 <= quota * (double)(asked + 1) + 1e-9;
}
