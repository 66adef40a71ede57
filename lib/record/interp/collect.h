/* SPDX-License-Identifier: MIT */

/* Hits are taken from all threads. Under vmp_callbacks_lock(). */
#ifndef VMP_INTERP_COLLECT_H
#define VMP_INTERP_COLLECT_H

#include "table.h"

/* What is known of a code that was forgotten while it had hits. */
struct vmp_late_code {
    uint64_t code, hash;
    struct vmp_late_code *next;
    char name[];
};

struct vmp_collected {
    struct vmp_table table;
    struct vmp_late_code *late;
    uint64_t period;
    bool jitter;
    uint64_t from_unix_ns, until_unix_ns;
    uint64_t from_mono_ns, until_mono_ns;
};

/* Take all. Returns 0, or -ENOMEM: nothing was taken. */
int
vmp_collect(struct vmp_collected *out);

/* The same, put back: it could not be made use of. */
void
vmp_collect_undo(struct vmp_collected *collected);

void
vmp_collected_free(struct vmp_collected *collected);

/* A code is about to be forgotten: what can only be asked now is asked. */
void
vmp_interp_forget_code(uint64_t code);

#endif
