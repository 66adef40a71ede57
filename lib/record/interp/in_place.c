/* SPDX-License-Identifier: MIT */

/* What a VM is given that counts in place. */

#include "../thread.h"
#include "classes.h"
#include "hits.h"
#include "settings.h"

enum {
    COUNTERS_EACH = 4, /* for a site that there may be */
};

struct vmprof_hit_site *
vmprof_hit_sites(struct vmprof_thread *thread, vmprof_code_id code,
                 size_t count)
{
    struct vmp_hits *hits;
    struct vmp_code_sites *found;

    if (!thread || !code)
        return NULL;
    hits = &((struct vmp_thread *)thread)->hits;
    vmp_interp_lock();
    found = vmp_hit_sites_find(&hits->sites, code);
    if (!found)
        found = vmp_hit_sites_make(&hits->sites, code, count,
                                   vmp_interp.limits.sites);
    vmp_interp_unlock();
    return found && found->count >= count ? found->sites : NULL;
}

uint64_t *
vmprof_hit_counters(struct vmprof_thread *thread, vmprof_code_id code,
                    size_t count)
{
    const struct vmp_interp_class *functions;
    uint64_t *counters;

    if (!thread || !code)
        return NULL;
    functions = vmp_interp_class_of(code);
    if (!functions || !functions->functions.known)
        return NULL;
    vmp_interp_lock();
    counters = vmp_hit_counters_get(
        &((struct vmp_thread *)thread)->hits.counters, code, count,
        (size_t)COUNTERS_EACH * vmp_interp.limits.sites);
    vmp_interp_unlock();
    return counters;
}
