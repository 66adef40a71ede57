/* SPDX-License-Identifier: MIT */

/* CPU time that no sample stands for. */
#ifndef ANALYSE_UNSAMPLED_H
#define ANALYSE_UNSAMPLED_H

#include "../read/profile.h"

/* What the thread's own CPU clock says beyond what its samples stand for. */
uint64_t
unsampled_of_thread(const struct profile *profile, uint32_t thread,
                    uint64_t sampled_ns);

/*
 * What its samples stand for beyond its own time: that of threads which were
 * too brief for a sample.
 */
uint64_t
excess_of_thread(const struct profile *profile, uint32_t thread,
                 uint64_t sampled_ns);

/*
 * Turn what samples of each thread stand for into what is unsampled of each;
 * what samples of others stand for is not.
 */
void
unsampled_by_thread(const struct profile *profile, uint64_t *ns);

#endif
