/* SPDX-License-Identifier: MIT */

/* Ticks of time that passes, and threads that sleep. Signal context. */

#include "../../os/sleep.h"

#include <sys/resource.h>

#include "../../os/clock.h"
#include "../../os/machine.h"

enum {
    SLACK_NS = 10 * 1000,     /* a switch to others takes as long at least */
    MOST_IDLE = 6,            /* ticks that one sleep may take */
    MOST_SHORT_RESTS = 2,     /* in a row, of who sleeps for long */
    MOST_NAP_NS = 100 * 1000, /* to fall asleep and wake up takes no more */
    MOST_OWED = 2,            /* ticks to naps */
    OF_LATE = 32,             /* ticks, after one that ended a sleep */
    MOST_MET = 256,           /* ticks that are remembered of a call */
};

uint64_t vmp_usual_nap_ns = 10 * 1000; /* until it is measured */

/* How often the thread has waited for anything since it was asked last: one that
 * only had to share its CPU has not. */
static uint64_t
count_naps(struct vmp_sleep *sleep)
{
    const long before = sleep->naps;
    struct rusage usage;

    if (getrusage(RUSAGE_THREAD, &usage) == 0)
        sleep->naps = usage.ru_nvcsw;
    /* Of the first time it is not known how many there were before. */
    return before || !sleep->naps ? (uint64_t)(sleep->naps - before) : 1;
}

/*
 * What the thread used between two ticks that ended one and the same sleep, as it
 * seems: the median, for now and then it did something in between. One run of a
 * function that went on sleeping has all of that; else work lies in between, as a tick
 * ends some sleeps for good.
 */
static void
learn_nap(struct vmp_sleep *sleep, uint64_t elapsed_ns, bool in_one_run)
{
    const uint64_t step_ns = sleep->nap_ns / 16 + 1;

    if (!in_one_run && elapsed_ns > vmp_usual_nap_ns)
        elapsed_ns = vmp_usual_nap_ns;
    if (elapsed_ns < sleep->nap_ns)
        sleep->nap_ns -= step_ns;
    else if (sleep->nap_ns + step_ns <= MOST_NAP_NS)
        sleep->nap_ns += step_ns;
}

/* What naps take of the CPU, no tick that finds the thread at work would show: one
 * is due now and then that ends a sleep. */
static bool
is_due_for_naps(struct vmp_sleep *sleep, uint64_t naps, bool was_asleep,
                uint64_t elapsed_ns, uint64_t interval_ns)
{
    if (!sleep->nap_ns)
        sleep->nap_ns = vmp_usual_nap_ns;
    if (was_asleep && sleep->is_asleep && naps == 1)
        learn_nap(sleep, elapsed_ns,
                  sleep->activation && sleep->activation == sleep->slept_in);
    sleep->slept_in = sleep->is_asleep ? sleep->activation : 0;
    sleep->napped_ns += naps * sleep->nap_ns;
    /* Polls have them, or a pause left them out. */
    if (sleep->napped_ns > MOST_OWED * interval_ns)
        sleep->napped_ns = MOST_OWED * interval_ns;
    if (!sleep->is_asleep || sleep->napped_ns < interval_ns)
        return false;
    sleep->napped_ns -= interval_ns;
    return true;
}

/* A rest may be short that began late in a sleep. */
static void
learn_sleep(struct vmp_sleep *sleep, uint64_t interval_ns)
{
    if (sleep->rested_ns > MOST_IDLE * interval_ns) {
        sleep->is_long = true;
        sleep->short_rests = 0;
    } else if (++sleep->short_rests > MOST_SHORT_RESTS) {
        sleep->is_long = false;
    }
}

bool
vmp_sleep_has_to_rest(const struct vmp_sleep *sleep)
{
    return sleep->is_long || sleep->idle_ticks > MOST_IDLE;
}

static struct vmp_wait *
find_wait(struct vmp_sleep *sleep, uint64_t at)
{
    for (unsigned i = 0; i < VMP_WAITS_KNOWN; i++)
        if (sleep->waits[i].at == at)
            return &sleep->waits[i];
    return NULL;
}

/*
 * Whether a thread that has slept does so now. A tick that comes while it falls
 * asleep or wakes up, which takes longer than the CPU time of it, does not end the
 * call; one that meets a call at work does not, either. So a call that did not end is
 * a sleep if the same one mostly does.
 */
static bool
is_in_wait(struct vmp_sleep *sleep, const void *context)
{
    uint64_t at = 0;
    const enum vmp_call call =
        context ? vmp_interrupted_call(context, &at) : VMP_CALL_ENDED;
    struct vmp_wait *wait;

    if (call == VMP_NO_CALL || !at)
        return call == VMP_CALL_ENDED;
    wait = find_wait(sleep, at);
    if (!wait && call == VMP_CALL_DONE)
        return false;
    if (!wait) {
        wait = &sleep->waits[sleep->next_wait++ % VMP_WAITS_KNOWN];
        *wait = (struct vmp_wait){ .at = at };
    }
    if (wait->ended + wait->done == MOST_MET) {
        wait->ended /= 2;
        wait->done /= 2;
    }
    if (call == VMP_CALL_ENDED)
        wait->ended++;
    else
        wait->done++;
    return call == VMP_CALL_ENDED || wait->done <= wait->ended + 2;
}

/*
 * A timer of time that passes ends while the thread sleeps, too. It is at work if
 * it slept no part of the time since the timer was set, or if it is not in a
 * call that waits; and if the timer is on its CPU clock.
 */
void
vmp_sleep_read(struct vmp_sleep *sleep, uint64_t elapsed_ns, uint64_t passed_ns,
               uint64_t interval_ns, const void *context)
{
    const enum vmp_armed armed =
        __atomic_load_n(&sleep->armed, __ATOMIC_RELAXED);
    const bool was_asleep = sleep->is_asleep, was_woken = sleep->woken,
               is_on_timer = armed < VMP_ARMED_AT_WORK;
    const uint64_t naps =
        passed_ns < elapsed_ns + SLACK_NS ? 0 : count_naps(sleep);

    sleep->has_slept = naps || !is_on_timer || was_woken;
    sleep->is_asleep =
        naps && armed != VMP_ARMED_CPU_TIMER && is_in_wait(sleep, context);
    /* Who rested was not ticked while it slept. */
    if (armed == VMP_ARMED_AT_WORK)
        sleep->woken = 0;
    else if (sleep->is_asleep)
        sleep->woken = OF_LATE;
    else if (sleep->woken)
        sleep->woken--;
    sleep->idle_ticks = sleep->is_asleep ? sleep->idle_ticks + 1 : 0;
    if (armed == VMP_ARMED_AT_WORK && !sleep->is_asleep)
        learn_sleep(sleep, interval_ns);
    if (armed == VMP_ARMED_CPU_TIMER)
        sleep->stands_for_ns = vmp_clock_grain_ns;
    else if (is_on_timer)
        sleep->stands_for_ns = was_woken ? interval_ns : passed_ns;
    __atomic_store_n(&sleep->armed, VMP_ARMED_TIMER, __ATOMIC_RELAXED);
    if (is_due_for_naps(sleep, naps, was_asleep, elapsed_ns, interval_ns))
        sleep->is_asleep = false;
}
