/* SPDX-License-Identifier: MIT */

/* Which samples that were due are not in a recording, and why. */
#ifndef ANALYSE_LOSSES_H
#define ANALYSE_LOSSES_H

#include "../read/profile.h"

/* Counters of all sessions together. */
struct losses {
    struct session_stats stats;
    uint32_t sessions_without_stats;
    uint32_t sessions_without_end;
    uint64_t lost;   /* by all causes */
    uint64_t merged; /* into another sample, which has their time and may be of
                        the same stack */
};

void
sum_losses(struct losses *losses, const struct profile *profile);

#endif
