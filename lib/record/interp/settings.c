/* SPDX-License-Identifier: MIT */

#include "settings.h"

#include <errno.h>

#include "../../sized.h"
#include "../lock.h"
#include "../thread.h"
#include "hits.h"

enum {
    LIMITS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_limits, tuples),
    SITES = 16384,
    MOST_SITES = 1 << 20,
    TUPLES = 4,
};

struct vmp_interp_settings vmp_interp = {
    .period = 1,
    .limits = { SITES, TUPLES },
};

static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
vmp_interp_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_interp_unlock(void)
{
    vmp_unlock(&lock);
}

static int
want(struct vmp_hits *hits, bool on)
{
    const bool before = hits->wanted;

    hits->wanted = on;
    vmp_hits_show(hits);
    return before;
}

int
vmprof_set_profile_interp(int on)
{
    int before;

    if (!vmp_current)
        return -ESRCH;
    /* Up to here it was as before. */
    vmp_hits_sync(&vmp_current->hits);
    vmp_interp_lock();
    before = want(&vmp_current->hits, on != 0);
    vmp_interp_unlock();
    vmp_hits_sync(&vmp_current->hits);
    return before;
}

int
vmprof_set_profile_interp_all(int on)
{
    vmp_hits_sync_own();
    vmp_interp_lock();
    vmp_interp.all = on != 0;
    for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
        want(h, on != 0);
    vmp_interp_changed();
    vmp_interp_unlock();
    vmp_hits_sync_own();
    return 0;
}

int
vmprof_set_profile_interp_period(uint64_t period)
{
    if (!period || period > VMPROF_MAX_PERIOD)
        return -EINVAL;
    vmp_interp_lock();
    atomic_store(&vmp_interp.period, period);
    vmp_interp_changed();
    vmp_interp_unlock();
    vmp_hits_sync_own();
    return 0;
}

int
vmprof_set_profile_interp_jitter(int on)
{
    int before;

    vmp_interp_lock();
    before = atomic_exchange(&vmp_interp.jitter, on != 0);
    vmp_interp_changed();
    vmp_interp_unlock();
    vmp_hits_sync_own();
    return before;
}

int
vmprof_set_type_limits(const struct vmprof_type_limits *given)
{
    struct vmprof_type_limits limits = { 0 };
    int r;

    if (!given)
        return -EINVAL;
    r = vmp_sized_import(&limits, sizeof(limits), LIMITS_SIZE_0_1, given);
    if (r < 0)
        return r;
    if (limits.sites > MOST_SITES || limits.tuples > VMP_TUPLES_MAX)
        return -EINVAL;
    vmp_interp_lock();
    vmp_interp.limits.sites = limits.sites ? limits.sites : SITES;
    vmp_interp.limits.tuples = limits.tuples ? limits.tuples : TUPLES;
    vmp_interp.generation++;
    vmp_interp_changed();
    vmp_interp_unlock();
    vmp_hits_sync_own();
    return 0;
}
