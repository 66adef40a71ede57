/* SPDX-License-Identifier: MIT */

/*
 * Threads that sample themselves: a poll whose countdown has run out looks at
 * the time, and takes the sample that is due. On the owning thread, outside of
 * signals; a tick that comes meanwhile finds the thread busy.
 */

#include <vmprof/stack.h>

#include "session.h"
#include "signal/sample.h"
#include "signal/takeover.h"

enum {
    IDLE_POLLS = VMPROF_POLL_MOST, /* to come until a session is noticed */
    EXACT_EVERY_NS = 1000 * 1000,  /* the CPU clock is a system call */
    MOST_COST_NS = 500,
    WEIGHED = 8, /* one look of so many samples */

    /* To move a tick takes a microsecond of each sample. */
    LEAST_WITH_DEADLINE_NS = 100 * 1000,
};

/* Be the one who samples the thread, if the session still wants it. */
static void
take_turn(struct vmp_thread *thread, unsigned session, uint64_t now_ns,
          void (*act)(struct vmp_thread *thread, uint64_t now_ns))
{
    struct vmp_poll *const poll = &thread->poll;
    enum vmp_busy busy;

    /* It is taken when a handler that polls has interrupted one of ours, or
     * while the clock is replaced. A thread that is cancelled meanwhile ends
     * later: a sample has no cancellation point in it. */
    busy = vmp_take(thread);
    if (busy == VMP_BUSY || busy == VMP_REPLACED)
        return;
    if (busy == VMP_IDLE) {
        atomic_store_explicit(&poll->sampling, true, memory_order_relaxed);
        if (atomic_load(&vmp_session.sampling) &&
            atomic_load(&poll->session) == session)
            act(thread, now_ns);
        atomic_store_explicit(&poll->sampling, false, memory_order_relaxed);
    }
    vmp_give_back(thread);
}

/* The next sample is due after a period of CPU time that began then. */
static void
aim_for(struct vmp_thread *thread, uint64_t then_ns, uint64_t period_ns)
{
    struct vmp_poll *const poll = &thread->poll;

    poll->period_ns = period_ns;
    thread->period_ns = period_ns;
    poll->from_ns = then_ns;
    poll->due_ns = then_ns + period_ns;
    vmp_pace_begin(&poll->pace);
}

static void
aim(struct vmp_thread *thread, uint64_t now_ns)
{
    aim_for(thread, now_ns,
            vmp_next_period(&thread->periods, thread->poll.interval_ns,
                            thread->last_cpu_ns));
}

/* What looks cost of late, measured now and then: this one began at `now_ns`. */
static void
weigh_look(struct vmp_poll *poll, uint64_t now_ns)
{
    const uint64_t cost_ns = vmp_poll_time_look(&poll->time) - now_ns;

    if (cost_ns < MOST_COST_NS)
        poll->cost_ns = (poll->cost_ns * 3 + cost_ns) / 4;
}

static void
join_in(struct vmp_thread *thread, uint64_t not_looked)
{
    struct vmp_poll *const poll = &thread->poll;
    const uint64_t first_ns = thread->period_ns;
    uint64_t now_ns;

    (void)not_looked;
    poll->time = (struct vmp_poll_time){ 0 };
    now_ns = vmp_poll_time_set(&poll->time);
    poll->joined = atomic_load(&poll->session);
    poll->interval_ns = vmp_session.interval_ns;
    poll->look_ns = now_ns;
    poll->exact_ns = 0;
    poll->cost_ns = 0;
    poll->turns = 0;
    poll->polls = 1;
    poll->rest = 0;
    poll->missed = false;
    poll->ticks = 0;
    poll->rests = 0;
    poll->deadline = (struct vmp_deadline){ 0 };
    poll->pace = (struct vmp_pace){ 0 };
    thread->has_reserve = false; /* a poll's sample is due by all it has used */
    aim(thread, now_ns);
    poll->period_ns = first_ns;
    poll->due_ns = now_ns + first_ns;
    thread->period_ns = first_ns;
}

static bool
is_in_native_code(const struct vmp_thread *thread)
{
    return vmp_is_polled_at_end(thread->head.top - 1);
}

/*
 * The CPU time since the last sample, in `used_ns`; false if that is not enough
 * for the next, as the thread was off the CPU or has been charged ahead of its
 * time. While it runs it is charged with the time that passed, and the next
 * exact reading settles what that was off.
 */
static bool
has_used_enough(struct vmp_thread *thread, uint64_t *moment_ns,
                uint64_t *used_ns)
{
    struct vmp_poll *const poll = &thread->poll;
    const bool may_have_slept =
        *moment_ns - poll->due_ns >= poll->interval_ns / 2 ||
        is_in_native_code(thread);
    /* What interrupts take of a period. Samples of who has slept would come too
     * early after each sleep. */
    const uint64_t leeway_ns = may_have_slept ? 0 : poll->interval_ns / 16;
    uint64_t now_ns = *moment_ns;
    int64_t used;

    if (now_ns - poll->exact_ns < EXACT_EVERY_NS && !may_have_slept) {
        used = poll->exact_ns > thread->last_time_ns
                   ? poll->used_ns + (int64_t)(now_ns - poll->exact_ns)
                   : (int64_t)(now_ns - thread->last_time_ns);
        *used_ns = used > 0 ? (uint64_t)used : 0;
        return true;
    }
    used = (int64_t)(vmp_now_ns(CLOCK_THREAD_CPUTIME_ID) - thread->last_cpu_ns);
    now_ns = vmp_poll_time_set(&poll->time);
    *moment_ns = poll->exact_ns = now_ns;
    poll->used_ns = used;
    *used_ns = used > 0 ? (uint64_t)used : 0;
    if (used + (int64_t)leeway_ns >= (int64_t)poll->period_ns &&
        now_ns > thread->last_time_ns)
        return true;
    poll->due_ns = now_ns + (uint64_t)((int64_t)poll->period_ns - used);
    return false;
}

static bool
was_too_far(const struct vmp_thread *thread, uint64_t now_ns, uint64_t used_ns)
{
    /* Interrupts and ticks take time of their own. */
    const uint64_t most_ns = vmp_poll_gap(&thread->poll) +
                             thread->poll.ticks * (uint64_t)VMP_TICK_NS;

    return used_ns > most_ns && now_ns > thread->poll.look_ns + most_ns &&
           !is_in_native_code(thread);
}

/* A sample that a poll took was so late. */
static void
note_lateness(struct vmp_thread *thread, uint64_t late_ns)
{
    struct vmp_deadline *const deadline = &thread->poll.deadline;
    const enum vmprof_clock rung = thread->clock.rung;

    if ((rung != VMPROF_CLOCK_PERF && rung != VMPROF_CLOCK_MONOTONIC) ||
        thread->poll.interval_ns < LEAST_WITH_DEADLINE_NS)
        deadline->is_set = false;
    else if (is_in_native_code(thread))
        vmp_deadline_kept_at_end(deadline, late_ns);
    else
        vmp_deadline_kept(deadline, late_ns);
}

/* The tick is to come at the deadline of the sample that is due next, if that has
 * one. */
static void
ask_for_deadline(struct vmp_thread *thread, uint64_t now_ns)
{
    const struct vmp_poll *const poll = &thread->poll;

    if (poll->deadline.is_set)
        vmp_clock_move(&thread->clock, now_ns,
                       thread->last_cpu_ns + (now_ns - thread->last_time_ns),
                       vmp_since(now_ns, poll->due_ns) + vmp_poll_slack(poll),
                       poll->interval_ns);
}

static void
record(struct vmp_thread *thread, uint64_t now_ns, uint64_t used_ns)
{
    struct vmp_window window;

    vmp_look_at_stack(thread, &window);
    if (was_too_far(thread, now_ns, used_ns)) {
        thread->poll.missed = true;
        note_lateness(thread, used_ns);
        vmp_record_gap(thread, &window, VMP_KIND_NO_POLL, now_ns, used_ns);
        return;
    }
    vmp_count(&thread->counters.expirations, 1);
    if (vmp_record_stack(thread, &window, now_ns, used_ns, VMP_STATE_POLLED))
        vmp_count(&thread->counters.polled, 1);
}

/* Beyond what one of the polls that passed since the last look takes. */
static uint64_t
lateness(const struct vmp_poll *poll, uint64_t now_ns, uint64_t used_ns)
{
    const uint64_t late_ns = vmp_since(poll->period_ns, used_ns),
                   passed_ns = now_ns - poll->look_ns,
                   most_ns = passed_ns - passed_ns / (uint64_t)poll->polls;

    return late_ns < most_ns ? late_ns : most_ns;
}

/* A native function is sampled at its end, however long that has been due. */
static void
sample_at_end(struct vmp_thread *thread, uint64_t now_ns, uint64_t used_ns)
{
    const uint64_t late_ns = lateness(&thread->poll, now_ns, used_ns),
                   due_ns = vmp_due_at_end(thread, used_ns),
                   left_ns = used_ns - due_ns;

    note_lateness(thread, late_ns);
    record(thread, now_ns, due_ns);
    vmp_leave_rest(thread, now_ns, left_ns);
    aim_for(thread, now_ns - left_ns, thread->poll.period_ns);
    ask_for_deadline(thread, now_ns);
}

/* Whether a sample still is. If a tick has taken one, the next is due after that. */
static bool
is_still_due(struct vmp_thread *thread, uint64_t now_ns)
{
    if (thread->last_time_ns > thread->poll.from_ns)
        aim_for(thread, thread->last_time_ns, thread->poll.period_ns);
    return now_ns >= thread->poll.due_ns;
}

static void
sample(struct vmp_thread *thread, uint64_t now_ns)
{
    uint64_t used_ns;

    if (vmp_is_paused()) {
        now_ns = vmp_poll_time_set(&thread->poll.time);
        vmp_leave_out(thread, now_ns, vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
        thread->poll.exact_ns = now_ns;
        aim(thread, now_ns);
    } else if (vmp_has_own_frames(thread) || now_ns <= thread->last_time_ns) {
        /* A tick does, or has done just now; or the counter was set ahead. */
        aim(thread, vmp_poll_time_set(&thread->poll.time));
    } else if (is_still_due(thread, now_ns) &&
               has_used_enough(thread, &now_ns, &used_ns)) {
        if (is_in_native_code(thread)) {
            sample_at_end(thread, now_ns, used_ns);
            return;
        }
        note_lateness(thread, lateness(&thread->poll, now_ns, used_ns));
        record(thread, now_ns, used_ns);
        aim(thread, now_ns);
        ask_for_deadline(thread, now_ns);
    }
}

/* The time; a counter that was set back is put right. */
static uint64_t
look_at_time(struct vmp_poll *poll)
{
    const uint64_t now_ns = vmp_poll_time_look(&poll->time);

    return now_ns >= poll->look_ns ? now_ns : vmp_poll_time_set(&poll->time);
}

static int64_t
look(struct vmp_thread *thread, unsigned session, int64_t countdown)
{
    struct vmp_poll *const poll = &thread->poll;
    const bool is_new = poll->joined != session;
    uint64_t now_ns;

    if (is_new)
        take_turn(thread, session, 0, join_in);
    if (poll->joined != session)
        return IDLE_POLLS;
    now_ns = is_new ? poll->look_ns : look_at_time(poll);
    /* How long joining took says nothing of polls; nor does what ends with a
     * look of its own, as a collection, for no count has to end before it. */
    if (!is_new && countdown <= 0)
        vmp_pace_learn(&poll->pace, poll->polls - countdown,
                       (int64_t)(now_ns - poll->look_ns - poll->cost_ns),
                       poll->interval_ns);
    if (now_ns >= poll->due_ns)
        take_turn(thread, session, now_ns, sample);
    /* Not the program's time: with it, code that polls often would take longer
     * to come to the end of an interval just where looks are frequent. */
    poll->due_ns += poll->cost_ns;
    poll->look_ns = now_ns;
    poll->ticks = 0;
    poll->polls = vmp_pace_next(
        &poll->pace, poll->due_ns > now_ns ? poll->due_ns - now_ns : 0,
        poll->interval_ns, poll->deadline.is_set);
    if (poll->pace.looks == 2 && poll->turns++ % WEIGHED == 0)
        weigh_look(poll, now_ns);
    return poll->polls;
}

/* The VM looks at what concerns it whenever a count has run out, so a long way
 * to the next look is given to it in parts. */
static int64_t
give_part(struct vmp_poll *poll, int64_t polls)
{
    const int64_t part = polls < VMPROF_POLL_MOST ? polls : VMPROF_POLL_MOST;

    poll->rest = polls - part;
    return part;
}

int64_t
vmprof_poll_expired(struct vmprof_thread *head, int64_t countdown)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    struct vmp_poll *poll;
    unsigned session;

    if (!thread)
        return IDLE_POLLS;
    poll = &thread->poll;
    /* Pairs with the release in vmp_session_join(). */
    session = atomic_load_explicit(&poll->session, memory_order_acquire);
    if (!session)
        return IDLE_POLLS;
    if (poll->rest > 0 && countdown <= 0 && poll->joined == session)
        return give_part(poll, poll->rest);
    return give_part(poll, look(thread, session, countdown + poll->rest));
}
