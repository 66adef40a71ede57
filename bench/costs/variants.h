/* SPDX-License-Identifier: MIT */

/* Ways of profiling the calling process, to be started and stopped in turn. */
#ifndef VARIANTS_H
#define VARIANTS_H

#include <stdint.h>

struct variant {
    const char *name;
    /* 0 or a negative errno: not to be had here. */
    int (*start)(uint64_t interval_ns);
    /* Returns how many samples were taken, or empty signals handled. */
    uint64_t (*stop)(void);
};

/* NULL: there is none of this name. */
const struct variant *
find_variant(const char *name);

/* empty.c: perf's task clock with a handler that does nothing, periodic and
 * re-armed in the handler. */
extern const struct variant variant_empty, variant_rearmed;

/* sleeper.c: a thread that sleeps for one interval after the other. */
extern const struct variant variant_sleeper;

/* peer.c: gperftools */
extern const struct variant variant_gperftools;

#endif
