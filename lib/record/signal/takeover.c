/* SPDX-License-Identifier: MIT */

/* Ticks of threads that sample themselves at polls: they stand in where polls
 * do not come, and are rare where they do. Signal context. */

#include "takeover.h"

#include "../session.h"
#include "sample.h"

enum {
    /* A tick takes 15 to 40 us: then at most 20 %, and 0.1 % while it rests. */
    LEAST_PERIOD_NS = 200 * 1000,
    MOST_PERIOD_NS = 20 * 1000 * 1000,
    MOST_MISSED = 64,
    ABOUT_NS = 8 * 1000,
    A_GAP = 3, /* in polls, of a host that stands still now and then */
};

static uint64_t
most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool
vmp_samples_itself(const struct vmp_thread *thread)
{
    const unsigned session =
        atomic_load_explicit(&thread->poll.session, memory_order_relaxed);

    return session && thread->poll.joined == session &&
           !vmp_has_own_frames(thread);
}

/* Else it was not a poll that was waited for: the thread itself did not run. */
static bool
is_in_time(const struct vmp_thread *thread, uint64_t late_ns)
{
    const uint64_t way_ns = thread->clock.way_ns;

    return late_ns < (way_ns ? way_ns + ABOUT_NS : VMP_TICK_NS);
}

void
vmp_take_over(struct vmp_thread *thread, uint64_t cpu_ns, uint64_t late_ns)
{
    struct vmp_poll *const poll = &thread->poll;

    if (!vmp_samples_itself(thread))
        return;
    vmp_deadline_passed(&poll->deadline, is_in_time(thread, late_ns));
    poll->period_ns =
        vmp_next_period(&thread->periods, poll->interval_ns, cpu_ns);
    thread->period_ns = poll->period_ns;
}

bool
vmp_polls_come(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    const struct vmp_poll *const poll = &thread->poll;
    const uint64_t most_ns = 2 * poll->interval_ns + VMP_TICK_NS;

    if (!vmp_samples_itself(thread))
        return false;
    /* The first sample is due at the first tick, which would make a poll late by as
     * long as it takes itself: much of a brief thread's life. */
    if (poll->deadline.is_set || !thread->counters.samples)
        return cpu_ns < thread->last_cpu_ns + poll->period_ns;
    /* It may just have been off the CPU, if this is the first tick since. A
     * poll's time is not quite the clock's: its look may seem to lie ahead. */
    return now_ns < poll->look_ns + most_ns ||
           (!poll->ticks && cpu_ns < thread->last_cpu_ns + most_ns);
}

uint64_t
vmp_due_at_end(struct vmp_thread *thread, uint64_t used_ns)
{
    struct vmp_poll *const poll = &thread->poll;
    uint64_t due_ns = 0;

    for (unsigned i = 0; i < MOST_MISSED && due_ns + poll->period_ns <= used_ns;
         i++) {
        due_ns += poll->period_ns;
        poll->period_ns = vmp_next_period(&thread->periods, poll->interval_ns,
                                          thread->last_cpu_ns + due_ns);
    }
    thread->period_ns = poll->period_ns;
    return due_ns + poll->period_ns <= used_ns ? used_ns : due_ns;
}

void
vmp_leave_rest(struct vmp_thread *thread, uint64_t now_ns, uint64_t left_ns)
{
    if (thread->last_time_ns != now_ns)
        return;
    thread->last_time_ns -= left_ns;
    thread->poll.exact_ns = now_ns;
    thread->poll.used_ns = (int64_t)left_ns;
}

uint64_t
vmp_tick_period(struct vmp_thread *thread, bool polls_come, uint64_t now_ns,
                uint64_t cpu_ns)
{
    struct vmp_poll *const poll = &thread->poll;
    /* By the time that its clock goes by. If another stands still, as CPU time does
     * in a sleep, how long a period is would tell where the last tick was. */
    const uint64_t moment_ns =
        thread->clock.rung == VMPROF_CLOCK_MONOTONIC ? now_ns : cpu_ns;
    uint64_t period_ns = vmp_session.interval_ns, most_ns = 2 * period_ns;

    if (!vmp_samples_itself(thread)) {
        thread->period_ns =
            thread->clock.sleep.woken
                ? vmp_memoryless_period(&thread->periods, period_ns)
                : vmp_next_period(&thread->periods, period_ns, moment_ns);
        return thread->period_ns;
    }
    poll->ticks++;
    if (poll->deadline.is_set && polls_come)
        return vmp_poll_slack(poll) +
               vmp_since(cpu_ns, thread->last_cpu_ns + poll->period_ns);
    if (poll->deadline.is_set)
        return most(poll->period_ns + vmp_poll_slack(poll), LEAST_PERIOD_NS);
    period_ns = most(period_ns, LEAST_PERIOD_NS);
    if (most_ns < MOST_PERIOD_NS)
        most_ns = MOST_PERIOD_NS;
    if (!polls_come)
        poll->rests = 0;
    else if (poll->missed)
        poll->rests -= poll->rests < A_GAP ? poll->rests : A_GAP;
    else if (period_ns << poll->rests < most_ns)
        poll->rests++;
    poll->missed = false;
    period_ns <<= poll->rests;
    return vmp_next_period(
        &thread->periods, period_ns < most_ns ? period_ns : most_ns, moment_ns);
}
