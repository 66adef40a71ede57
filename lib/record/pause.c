/* SPDX-License-Identifier: MIT */

#include "pause.h"

#include <vmprof/sampler.h>

#include <errno.h>
#include <time.h>

#include "session.h"

enum {
    HELD_SHIFT = 26, /* above the pauses in force */
    SESSION_SHIFT = HELD_SHIFT + 1,
    LONGEST_WAIT_MS = 250, /* for a write that does not return */
    AWAIT_NS = 20 * 1000,
};

static const uint64_t HOLDS_OUTPUT = UINT64_C(1) << HELD_SHIFT;

atomic_uint_least64_t vmp_pauses;

void
vmp_pauses_begin(unsigned session)
{
    atomic_store(&vmp_pauses, (uint64_t)session << SESSION_SHIFT);
}

void
vmp_pauses_end(void)
{
    atomic_store(&vmp_pauses, 0);
}

/* Against the session that there is when the word is exchanged: one that ends
 * and begins again meanwhile has another word. */
static int
pause_with(uint64_t bits)
{
    uint64_t pauses = atomic_load(&vmp_pauses);

    do {
        if (!pauses)
            return -EALREADY;
        if ((pauses & VMP_PAUSE_COUNT) == VMP_PAUSE_COUNT)
            return -EOVERFLOW;
    } while (!atomic_compare_exchange_weak(&vmp_pauses, &pauses,
                                           (pauses + 1) | bits));
    return (int)(pauses & VMP_PAUSE_COUNT) + 1;
}

int
vmprof_pause(void)
{
    return pause_with(0);
}

int
vmprof_pause_output(void)
{
    const struct timespec moment = { 0, AWAIT_NS };
    const uint64_t until_ns =
        vmp_now_ns(CLOCK_MONOTONIC) + LONGEST_WAIT_MS * UINT64_C(1000000);
    const int r = pause_with(HOLDS_OUTPUT);

    /* Pairs with vmp_begin_write(): either we see that it writes, or it sees
     * that it must not. */
    while (r > 0 && atomic_load(&vmp_session.writing) &&
           vmp_now_ns(CLOCK_MONOTONIC) < until_ns)
        nanosleep(&moment, NULL);
    return r;
}

/* The last one lets the output go on, whichever it is. */
int
vmprof_resume(void)
{
    uint64_t pauses = atomic_load(&vmp_pauses), left;

    do {
        if (!(pauses & VMP_PAUSE_COUNT))
            return -EALREADY;
        left = (pauses & VMP_PAUSE_COUNT) == 1
                   ? pauses >> SESSION_SHIFT << SESSION_SHIFT
                   : pauses - 1;
    } while (!atomic_compare_exchange_weak(&vmp_pauses, &pauses, left));
    return (int)(left & VMP_PAUSE_COUNT);
}

bool
vmp_begin_write(void)
{
    atomic_store(&vmp_session.writing, true);
    if (!(atomic_load(&vmp_pauses) & HOLDS_OUTPUT))
        return true;
    atomic_store(&vmp_session.writing, false);
    return false;
}

void
vmp_end_write(void)
{
    atomic_store(&vmp_session.writing, false);
}
