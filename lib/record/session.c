/* SPDX-License-Identifier: MIT */

/* What a session keeps of each thread. */

#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brief.h"
#include "memory.h"
#include "observer.h"
#include "signal/handler.h"
#include "signal/sample.h"
#include "signal/walked.h"
#include "splice.h"

enum {
    MANY_ENDED = 16, /* whose rings are not to wait long for the next threads */
    PATIENCE_NS = 2000 * 1000 * 1000, /* with handlers, at the end */
};

struct vmp_session vmp_session;

static void
release(struct vmp_thread *thread)
{
    vmp_ring_free(&thread->ring);
    free(thread->last.chain.records);
    vmp_spliced_free(thread->spliced);
    thread->last.links = NULL;
    thread->last.chain = (struct vmp_chain){ 0 };
    thread->path = NULL;
    thread->spliced = NULL;
    thread->announced = false;
}

/* Where the thread's own C stack is: in the handler it is read as it is. */
static void
find_stack(struct vmp_thread *thread)
{
    pthread_attr_t attributes;
    void *low;
    size_t size;

    thread->stack_low = thread->stack_high = 0;
    if (pthread_getattr_np(thread->handle, &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
        thread->stack_low = (uintptr_t)low;
        thread->stack_high = (uintptr_t)low + size;
    }
    pthread_attr_destroy(&attributes);
}

/* The ring, what has its size behind it, and what else sampling needs; nothing if
 * memory is short. */
static int
allocate(struct vmp_thread *thread)
{
    /* And one for the cut, and one for a trace. */
    const size_t frames = vmp_session.max_frames + 2;
    const size_t native =
        vmp_session.native ? (size_t)VMP_MOST_NATIVE_FRAMES : 0;
    struct vmp_last_sample *const last = &thread->last;
    const size_t links_size = frames * sizeof(*last->links);
    const size_t path_size = (frames + native) * sizeof(*thread->path);
    const int r = vmp_ring_new(&thread->ring, vmp_session.ring_size,
                               links_size + path_size);

    if (r < 0)
        return r;
    last->links = (void *)(thread->ring.data + thread->ring.size);
    thread->path = (void *)(last->links + frames);
    if (native) {
        last->chain.records =
            malloc((native + 1) * sizeof(*last->chain.records));
        thread->spliced = vmp_spliced_new(vmp_session.max_frames);
    }
    if (!native || (last->chain.records && thread->spliced))
        return 0;
    release(thread);
    return -ENOMEM;
}

/* A handler that the last session did not see the end of: what it had is freed
 * once it has ended. Returns 0 or -EBUSY. */
static int
end_last_session(struct vmp_thread *thread)
{
    if (!thread->is_stuck)
        return 0;
    if (thread != vmp_current && atomic_load(&thread->busy))
        return -EBUSY;
    release(thread);
    thread->is_stuck = false;
    return 0;
}

/* What sampling needs has been made, in the thread's time, which is not its work. */
static void
open_accounts(struct vmp_thread *thread)
{
    thread->cpu_start_ns = vmp_thread_cpu_ns(thread->tid);
    thread->last_cpu_ns = thread->due_cpu_ns = thread->weighed_cpu_ns =
        thread->cpu_start_ns;
    thread->last_time_ns = vmp_now_ns(CLOCK_MONOTONIC);
    thread->looked_cpu_ns = thread->cpu_start_ns;
    thread->looked_ns = thread->last_time_ns;
}

/* To arm the clock of the calling thread is a part of a brief one's life, in which
 * nothing can be sampled. If a tick has come meanwhile, its sample has that time; it may
 * come at any moment here, too. */
static void
leave_out_arming(struct vmp_thread *thread)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID),
                   start_ns = thread->cpu_start_ns;
    uint64_t last_ns = start_ns;

    if (__atomic_compare_exchange_n(&thread->last_cpu_ns, &last_ns, now_ns,
                                    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        __atomic_fetch_add(&thread->left_out_ns, now_ns - start_ns,
                           __ATOMIC_RELAXED);
}

void
vmp_session_join(struct vmp_thread *thread)
{
    bool has_clock = false;
    int r;

    /* Not `enabled`: while a session ends, no clock may start any more. */
    if (!atomic_load(&vmp_session.sampling))
        return;
    r = end_last_session(thread);
    if (r < 0) {
        vmp_session_failed_clock(r);
        return;
    }
    memset(&thread->counters, 0, sizeof(thread->counters));
    memset(&thread->stream, 0, sizeof(thread->stream));
    memset(&thread->last, 0, sizeof(thread->last));
    thread->path_count = 0;
    thread->unsaid_ns = 0;
    thread->head.overflows = 0;
    thread->end_ns = thread->cpu_end_ns = thread->left_out_ns = 0;
    thread->awaits_clock = false;
    atomic_store(&thread->requested, false);
    thread->has_reserve = vmp_session.clock == VMPROF_CLOCK_OBSERVER &&
                          vmp_session.mode == VMPROF_MODE_CPU;
    thread->naps = thread->others_naps = VMP_NAPS_UNASKED;
    thread->recorded_cpu_ns = 0;
    thread->is_unsure = thread->was_seen_asleep = thread->was_observed = false;
    thread->idle_looks = 0;
    thread->marked = 0;
    thread->untold_ns = thread->untold_ticks = 0;
    thread->is_blocked = false;
    atomic_store(&thread->looks, VMP_LOOKS_NONE);
    vmp_inherit(thread);
    if (vmp_session.native)
        find_stack(thread);
    r = allocate(thread);
    if (r < 0)
        vmp_session_failed_clock(r);
    else if (vmp_session.clock != VMPROF_CLOCK_OBSERVER ||
             vmp_has_own_frames(thread))
        has_clock = vmp_session_find_clock(thread);
    open_accounts(thread);
    if (has_clock)
        vmp_clock_begin(&thread->clock, thread->cpu_start_ns);
    if (has_clock && thread == vmp_current && !thread->has_reserve)
        leave_out_arming(thread);
    if (r == 0)
        vmp_jit_join(&thread->jit, vmp_session.number, &vmp_session.jit,
                     thread->cpu_start_ns);
    if (r == 0 && vmp_session.polled)
        /* Pairs with the acquire in vmprof_poll_expired(). */
        atomic_store_explicit(&thread->poll.session, vmp_session.number,
                              memory_order_release);
    if (thread == vmp_current)
        thread->head.poll_countdown = 0; /* so as to notice at once */
}

/* What a handler that does not end has counted as due, and not yet as more. */
static void
give_up_sample(struct vmp_counters *c)
{
    const uint64_t told = c->samples + c->lost_ring_full + c->lost_switching +
                          c->lost_walker + c->lost_overrun + c->system_ticks;

    if (c->expirations > told)
        c->lost_walker += c->expirations - told;
}

/* Its counters are final. A handler that is still at work may be in the middle
 * of a record: the ring stays its own. */
static void
close_accounts(struct vmp_thread *thread, uint64_t cpu_end_ns)
{
    const bool is_stuck = thread != vmp_current && atomic_load(&thread->busy);

    thread->cpu_end_ns = cpu_end_ns;
    if (thread->awaits_clock)
        vmp_session_failed_clock(-EAGAIN);
    thread->awaits_clock = false;
    if (!is_stuck) {
        vmp_give_up_request(thread);
    } else {
        atomic_store(&thread->requested, false);
        give_up_sample(&thread->counters);
    }
    if (!is_stuck && thread->ring.data && vmp_has_own_frames(thread))
        vmp_close_own_frames(thread);
}

void
vmp_session_part(struct vmp_thread *thread)
{
    /* Nobody samples it any more, and to take things apart is none of its work. */
    const uint64_t cpu_end_ns = vmp_thread_cpu_ns(thread->tid);

    end_last_session(thread);
    atomic_store(&thread->poll.session, 0);
    vmp_session_count_clock_error(thread);
    vmp_clock_stop(&thread->clock);
    if (vmp_session.enabled && vmp_session.rung != VMPROF_CLOCK_AUTO)
        vmp_handler_drop_ticks();
    vmp_jit_part(&thread->jit);
    if (!vmp_session.enabled) {
        vmp_thread_recycle(thread);
        return;
    }
    /* When sampling ended they were closed, and the writer may be done. */
    if (atomic_load(&vmp_session.sampling)) {
        close_accounts(thread, cpu_end_ns);
        vmp_bequeath(thread);
    }
    thread->end_ns = vmp_now_ns(CLOCK_MONOTONIC);
    thread->state = VMP_THREAD_ENDED;
    if (++vmp_session.ended_count == MANY_ENDED && vmp_session.writer)
        vmp_writer_hurry(vmp_session.writer);
}

static void
add(struct vmp_counters *sum, const struct vmp_thread *thread)
{
    const struct vmp_counters *const c = &thread->counters;

    /* A tick that found its thread busy counted nothing else. */
    const uint64_t lost_busy = __atomic_load_n(&c->lost_busy, __ATOMIC_RELAXED);

    sum->expirations += lost_busy;
    sum->lost_busy += lost_busy;
#define ADD(member) sum->member += __atomic_load_n(&c->member, __ATOMIC_RELAXED)
    ADD(expirations);
    ADD(samples);
    ADD(lost_ring_full);
    ADD(lost_switching);
    ADD(lost_walker);
    ADD(stacks_cut);
    ADD(frames_cut);
    ADD(locations_lost);
    ADD(sampled_ns);
    ADD(lost_overrun);
    ADD(polled);
    ADD(held_back);
    ADD(system_ticks);
    ADD(native_cut);
    ADD(native_failed);
#undef ADD
    sum->overflows +=
        __atomic_load_n(&thread->head.overflows, __ATOMIC_RELAXED);
    vmp_jit_count(&thread->jit, vmp_session.number, &sum->jit_events,
                  &sum->jit_lost);
}

void
vmp_session_count(struct vmp_counters *sum)
{
    *sum = vmp_session.ended;
    sum->clock_failures = vmp_session.clock_failures;
    sum->clock_retries = vmp_session.clock_retries;
    sum->locations_lost += vmp_session.locations_lost;
    sum->native_cut += vmp_session.native_cut;
    sum->native_failed += vmp_session.native_failed;
    sum->stacks_cut += vmp_session.stacks_cut;
    for (struct vmp_thread *t = vmp_threads; t; t = t->next)
        if (t->state != VMP_THREAD_FREE && vmp_is_sampled(t))
            add(sum, t);
}

void
vmp_session_count_recorded(struct vmp_recorded_counts *counts)
{
    for (unsigned kind = 0; kind < VMP_RECORDED_KINDS; kind++) {
        const struct vmp_recorded_counts *const ended =
            &vmp_session.recorded[kind];

        counts[kind] = (struct vmp_recorded_counts){
            .recorded = __atomic_load_n(&ended->recorded, __ATOMIC_RELAXED),
            .left_out = ended->left_out,
            .over_rate = ended->over_rate,
            .no_room = ended->no_room,
        };
    }
    for (struct vmp_thread *t = vmp_threads; t && vmp_session.enabled;
         t = t->next)
        vmp_recorded_count(&t->recorded, vmp_session.number, counts);
}

void
vmp_session_bury(struct vmp_thread *thread)
{
    if (thread->ring.data)
        add(&vmp_session.ended, thread);
    vmp_recorded_count(&thread->recorded, vmp_session.number,
                       vmp_session.recorded);
    vmp_thread_recycle(thread);
}

/* Wait until no handler is at work: each sees from now on that sampling is off. A
 * function of the VM may keep it there, or a debugger: not for ever, for the lock
 * is held. */
static void
await_idle(struct vmp_thread *thread, uint64_t until_ns)
{
    const struct timespec moment = { 0, 20 * 1000 };

    while (thread != vmp_current && atomic_load(&thread->busy) &&
           vmp_now_ns(CLOCK_MONOTONIC) < until_ns)
        nanosleep(&moment, NULL);
}

void
vmp_session_stop_sampling(void)
{
    uint64_t until_ns;

    atomic_store(&vmp_session.sampling, false);
    vmp_barrier_all();
    vmp_recorder_set_session(0);
    vmp_session.stop_ns = vmp_now_ns(CLOCK_MONOTONIC);
    until_ns = vmp_session.stop_ns + PATIENCE_NS;
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        if (t->state != VMP_THREAD_ATTACHED)
            continue;
        await_idle(t, until_ns);
        atomic_store(&t->poll.session, 0);
        vmp_session_count_clock_error(t);
        vmp_clock_stop(&t->clock);
        vmp_jit_part(&t->jit);
        close_accounts(t, vmp_thread_cpu_ns(t->tid));
    }
    vmp_pauses_end();
}

/* A handler that is still at work keeps what it writes to. */
static void
leave(struct vmp_thread *thread)
{
    thread->announced = false;
    thread->is_stuck = thread != vmp_current && thread->ring.data &&
                       atomic_load(&thread->busy);
    if (!thread->is_stuck)
        release(thread);
}

void
vmp_session_close(void)
{
    struct vmp_recorded_counts recorded[VMP_RECORDED_KINDS];
    struct vmp_counters sum;

    vmp_session_count(&sum);
    vmp_session_count_recorded(recorded);
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        if (t->state == VMP_THREAD_ENDED)
            vmp_thread_recycle(t);
        else if (t->state == VMP_THREAD_ATTACHED)
            leave(t);
    }
    vmp_rings_drop();
    vmp_session.ended = sum;
    memcpy(vmp_session.recorded, recorded, sizeof(recorded));
    vmp_session.locations_lost = 0;
    vmp_session.native_cut = vmp_session.native_failed = 0;
    vmp_session.stacks_cut = 0;
    vmp_session.enabled = false;
    vmp_jit_set_emits(NULL);
}

/* In the child of a fork(). What is mapped goes, what is of the heap stays: another
 * thread may have been in the middle of using it, and in malloc() itself. */
static void
forget_session(struct vmp_thread *thread)
{
    /* A handler that forks, or lets the host's do so, goes on with its ring. */
    if (thread != vmp_current || !atomic_load(&thread->busy))
        vmp_ring_free(&thread->ring);
    thread->ring.data = NULL;
    thread->last.links = NULL;
    thread->last.chain = (struct vmp_chain){ 0 };
    thread->path = NULL;
    thread->spliced = NULL;
    thread->announced = false;
    thread->is_stuck = false;
    atomic_store(&thread->poll.session, 0);
    atomic_store(&thread->recorded.joined, 0);
    vmp_jit_leave_to_parent(&thread->jit);
}

void
vmp_session_leave_to_parent(void)
{
    if (vmp_session.writer)
        vmp_writer_leave_to_parent(vmp_session.writer);
    vmp_observer_leave_to_parent();
    vmp_memory_close();
    vmp_pauses_end();
    memset(&vmp_session, 0, sizeof(vmp_session));
    vmp_recorder_set_session(0);
    vmp_jit_set_emits(NULL);
    vmp_stacks_leave_to_parent(vmp_current ? vmp_current->head.stack : NULL);
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        /* The event is the parent's; its descriptor is not. Timers are not
         * inherited. */
        vmp_clock_leave_to_parent(&t->clock);
        forget_session(t);
        atomic_store(&t->busy, false);
        atomic_store(&t->is_replaced, false);
        atomic_store(&t->looks, VMP_LOOKS_NONE);
        if (t == vmp_current) {
            t->tid = gettid();
        } else {
            vmp_stack_release(t->head.stack ? t->head.stack : t->leaving);
            /* Else its walker would be asked for the next thread. */
            vmp_thread_recycle(t);
        }
    }
    vmp_rings_drop();
}
