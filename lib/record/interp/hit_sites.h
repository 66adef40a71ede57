/* SPDX-License-Identifier: MIT */

/* Sites of codes whose hits a VM counts in place. All of it is done by the owner
 * or under vmp_interp_lock(), changes by both. */
#ifndef VMP_INTERP_HIT_SITES_H
#define VMP_INTERP_HIT_SITES_H

#include <stdbool.h>

#include <vmprof/interp.h>

enum {
    VMP_SITE_BUCKETS = 256,
};

struct vmp_code_sites {
    struct vmp_code_sites *next; /* of the same bucket */
    uint64_t code;
    size_t count;
    struct vmprof_hit_site sites[];
};

/* A thread's; all zero is empty. */
struct vmp_hit_sites {
    struct vmp_code_sites **buckets;
    size_t count; /* of all codes */
};

/* The sites of a code, or NULL. By the owner. */
struct vmp_code_sites *
vmp_hit_sites_find(const struct vmp_hit_sites *sites, uint64_t code);

/* The same, made; NULL: out of memory, or there would be more than `most`. Under
 * the lock. */
struct vmp_code_sites *
vmp_hit_sites_make(struct vmp_hit_sites *sites, uint64_t code, size_t count,
                   size_t most);

/* Count nothing there, from now on. By the owner. */
void
vmp_hit_sites_drop(struct vmp_hit_sites *sites);

/* A code is forgotten; or a thread ends. Under the lock. */
void
vmp_hit_sites_forget(struct vmp_hit_sites *sites, uint64_t code);
void
vmp_hit_sites_free(struct vmp_hit_sites *sites);

/* By the owner: count hits of the code there while they have this key, unless
 * the place has one already. Returns whether it has this one. */
bool
vmp_hit_sites_set(const struct vmp_hit_sites *sites, uint64_t code,
                  uint64_t offset, uint64_t key, uint64_t *hits);

#endif
