/* SPDX-License-Identifier: MIT */

/* A thread's countdown, and what it has counted since. By the owner. */
#ifndef VMP_INTERP_COUNTDOWN_H
#define VMP_INTERP_COUNTDOWN_H

#include "../random.h"
#include "hits.h"
#include "settings.h"

static inline int64_t
vmp_countdown_draw(struct vmp_hits *hits)
{
    return (int64_t)(hits->jitter
                         ? vmp_draw_countdown(&hits->random, hits->period)
                         : hits->period);
}

/* What the thread has run since it got its countdown. Returns whether that is
 * in `ran`: else each was a hit, or none was to be counted. */
static inline bool
vmp_countdown_account(struct vmp_hits *hits, int64_t countdown)
{
    const int64_t elapsed =
        hits->loaded > countdown ? hits->loaded - countdown : 0;

    hits->loaded = countdown;
    if (!hits->on || hits->each)
        return false;
    hits->ran += (uint64_t)elapsed;
    hits->left -= elapsed;
    return true;
}

static inline int64_t
vmp_countdown_load(struct vmp_hits *hits, int64_t countdown)
{
    hits->loaded = countdown;
    hits->is_planned = false;
    return countdown;
}

/* Up to the next hit, if a count is as long. */
static inline int64_t
vmp_countdown_load_hit(struct vmp_hits *hits)
{
    hits->loaded = hits->left - 1;
    hits->is_planned = true;
    return hits->loaded;
}

static inline int64_t
vmp_countdown_reload(struct vmp_hits *hits)
{
    if (hits->each)
        return vmp_countdown_load(
            hits, 0); /* and on below it: see vmprof_count_hit() */
    if (!hits->on)
        /* A thread that goes on counting while it is off does not know. One
         * that only counts while it is on begins with a look. */
        return vmp_countdown_load(hits,
                                  hits->idle++ ? VMPROF_COUNT_MOST - 1 : 0);
    if (hits->left > VMPROF_COUNT_MOST)
        return vmp_countdown_load(hits, VMPROF_COUNT_MOST - 1);
    return hits->left > 0 ? vmp_countdown_load_hit(hits)
                          : vmp_countdown_load(hits, 0);
}

/* Whether anything was set that the thread has not seen yet. */
static inline bool
vmp_hits_are_late(const struct vmp_hits *hits)
{
    return hits->epoch !=
           atomic_load_explicit(&vmp_interp.epoch, memory_order_relaxed);
}

#endif
