/* SPDX-License-Identifier: MIT */

/*
 * No samples for a while, and none written either. Both counts are in one
 * word, so that the last pause which ends lets the output go on, whichever it
 * is: below the pauses in force, above those of them that hold the output.
 */

#include "pause.h"

#include <vmprof/sampler.h>

#include <errno.h>
#include <time.h>

#include "session.h"

enum {
    HELD_SHIFT = 32,
    LONGEST_WAIT_MS = 250, /* for a write that does not return */
    AWAIT_NS = 20 * 1000,
};

static const uint64_t PAUSES = UINT32_MAX;

static int
pause_by(uint64_t amount)
{
    if (!atomic_load(&vmp_session.sampling))
        return -EALREADY;
    return (int)(atomic_fetch_add(&vmp_session.paused, amount) & PAUSES) + 1;
}

int
vmprof_pause(void)
{
    return pause_by(1);
}

int
vmprof_pause_output(void)
{
    const struct timespec moment = { 0, AWAIT_NS };
    const uint64_t until_ns =
        vmp_now_ns(CLOCK_MONOTONIC) + LONGEST_WAIT_MS * UINT64_C(1000000);
    const int r = pause_by(1 | UINT64_C(1) << HELD_SHIFT);

    /* Pairs with vmp_begin_write(): either we see that it writes, or it sees
     * that it must not. */
    while (r > 0 && atomic_load(&vmp_session.writing) &&
           vmp_now_ns(CLOCK_MONOTONIC) < until_ns)
        nanosleep(&moment, NULL);
    return r;
}

int
vmprof_resume(void)
{
    uint64_t paused = atomic_load(&vmp_session.paused);
    uint64_t left;

    if (!atomic_load(&vmp_session.sampling))
        return -EALREADY;
    do {
        if (!(paused & PAUSES))
            return -EALREADY;
        left = (paused & PAUSES) == 1 ? 0 : paused - 1;
    } while (!atomic_compare_exchange_weak(&vmp_session.paused, &paused, left));
    return (int)(left & PAUSES);
}

bool
vmp_begin_write(void)
{
    atomic_store(&vmp_session.writing, true);
    if (!(atomic_load(&vmp_session.paused) >> HELD_SHIFT) ||
        !atomic_load(&vmp_session.sampling))
        return true;
    atomic_store(&vmp_session.writing, false);
    return false;
}

void
vmp_end_write(void)
{
    atomic_store(&vmp_session.writing, false);
}
