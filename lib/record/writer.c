/* SPDX-License-Identifier: MIT */

/* What the writer does in each round. */

#include "writing.h"

#include "code.h"
#include "interp/readout.h"
#include "layers/layers.h"
#include "memory.h"
#include "session.h"

enum {
    LONGEST_WAIT_MS = 60, /* what is older than 100 ms is in the file */
    EVENTS_WAIT_MS = 20,
    STATS_EVERY_NS = 1000 * 1000 * 1000,
};

uint64_t
vmp_writer_samples(const struct vmp_writer *writer)
{
    uint64_t written, unwritten;

    vmp_encoder_count(writer->encoder, &written, &unwritten);
    return written;
}

static uint64_t
since_start(const struct vmp_writer *writer, uint64_t time_ns)
{
    const uint64_t start_ns = writer->info.monotonic_ns;

    return time_ns > start_ns ? time_ns - start_ns : 0;
}

/* In the session, but for its pauses. */
static uint64_t
cpu_used(const struct vmp_thread *thread)
{
    const uint64_t from_ns = thread->cpu_start_ns + thread->left_out_ns;

    return thread->cpu_end_ns > from_ns ? thread->cpu_end_ns - from_ns : 0;
}

static void
describe(struct vmp_writer *writer, const struct vmp_thread *thread)
{
    const struct vmp_thread_info info = {
        .name = thread->name,
        .id = (uint64_t)thread->tid,
        .start_ns = since_start(writer, thread->start_ns),
        .end_ns = thread->end_ns ? since_start(writer, thread->end_ns) : 0,
        .cpu_ns = cpu_used(thread),
    };

    vmp_encoder_thread(writer->encoder, thread->stream.thread, &info);
}

/* How full a ring is decides how soon to come again. */
static void
adapt(struct vmp_writer *writer, const struct vmp_ring *ring)
{
    const size_t used = atomic_load(&ring->head) - atomic_load(&ring->tail);

    if (used > ring->size / 8)
        writer->wait_ms = VMP_WRITER_SHORTEST_MS;
}

/* So are events, of which each round says the time. */
static void
adapt_to_events(struct vmp_writer *writer, enum vmp_flow flow)
{
    if (flow == VMP_FLOW_FILLS)
        writer->wait_ms = VMP_WRITER_SHORTEST_MS;
    else if (flow == VMP_FLOW_COMES && writer->wait_ms > EVENTS_WAIT_MS)
        writer->wait_ms = EVENTS_WAIT_MS;
}

static void
drain_events(struct vmp_writer *writer, struct vmp_thread *thread, bool is_last)
{
    uint64_t cpu_ns;

    if (!writer->jit)
        return;
    vmp_threads_lock();
    cpu_ns = thread->cpu_end_ns;
    vmp_threads_unlock();
    vmp_jit_mark(writer->jit, &thread->jit, thread->tid, cpu_ns);
    if (!is_last)
        adapt_to_events(writer, vmp_jit_flow(writer->jit, &thread->jit));
    /* A trace is known before it is entered, and so before the mark. */
    vmp_tell_news(&writer->drain.traces);
    vmp_jit_drain(writer->jit, &thread->jit, thread->stream.thread, is_last);
}

static void
drain_recorded(struct vmp_writer *writer, struct vmp_thread *thread)
{
    if (!writer->recorded)
        return;
    adapt_to_events(writer,
                    vmp_recorded_flow(writer->recorded, &thread->recorded));
    vmp_recorded_drain(writer->recorded, &thread->recorded,
                       thread->stream.thread, vmp_session.recorded);
}

static void
drain_thread(struct vmp_writer *writer, struct vmp_thread *thread, bool is_last)
{
    const bool sampled = thread->is_drained, ended = thread->has_ended;

    if (sampled && !thread->announced) {
        thread->stream.thread = writer->thread_count++;
        thread->announced = true;
        describe(writer, thread);
    }
    if (sampled) {
        adapt(writer, &thread->ring);
        vmp_drain(&writer->drain, thread);
        drain_events(writer, thread, is_last || ended);
        drain_recorded(writer, thread);
    }
    if (!ended)
        return;
    if (sampled)
        describe(writer, thread);
    vmp_threads_lock();
    vmp_session_bury(thread);
    vmp_threads_unlock();
}

/* Under the lock. */
static void
tell_losses(const struct vmp_drain *drain)
{
    vmp_session.locations_lost = drain->locations_lost;
    vmp_session.native_cut = drain->native_cut;
    vmp_session.native_failed = drain->native_failed;
    vmp_session.stacks_cut = drain->stacks_cut;
}

void
vmp_writer_flush(struct vmp_writer *writer)
{
    uint64_t encoded, refused;

    vmp_output_flush(writer->output, vmp_writer_samples(writer));
    vmp_encoder_count(writer->encoder, &encoded, &refused);
    vmp_threads_lock();
    vmp_session.samples_written = vmp_output_samples(writer->output);
    vmp_session.samples_unwritten =
        encoded + refused - vmp_session.samples_written;
    vmp_session.bytes_written = vmp_output_bytes(writer->output);
    vmp_session.write_error = vmp_output_error(writer->output);
    tell_losses(&writer->drain);
    vmp_threads_unlock();
}

static void
write_stats(struct vmp_writer *writer, bool at_once)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    struct vmp_counters counters;
    struct vmp_recorded_counts recorded[VMP_RECORDED_KINDS];

    if (now_ns - writer->stats_ns < STATS_EVERY_NS && !at_once)
        return;
    writer->stats_ns = now_ns;
    vmp_threads_lock();
    vmp_session_check_clocks();
    vmp_memory_check();
    tell_losses(&writer->drain);
    vmp_session_count(&counters);
    vmp_session_count_recorded(recorded);
    vmp_threads_unlock();
    if (writer->recorded)
        vmp_recorded_write_totals(writer->recorded, recorded);
    vmp_tell_counts(&writer->drain.traces, now_ns);
    if (vmp_writer_takes_rows())
        vmp_layers_write(writer->encoder, since_start(writer, now_ns));
    vmp_encoder_stats(writer->encoder, since_start(writer, now_ns), &counters);
}

/* Those that there is something to do for, chosen at once: threads that come and
 * go want the lock, too. All others stay as they are until they are buried. */
static struct vmp_thread *
choose_threads(void)
{
    struct vmp_thread *first = NULL, **link = &first;

    vmp_threads_lock();
    vmp_session_retry_clocks();
    vmp_session.ended_count = 0;
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        t->is_drained = t->state != VMP_THREAD_FREE && vmp_is_sampled(t);
        t->has_ended = t->state == VMP_THREAD_ENDED;
        if (t->is_drained || t->has_ended) {
            *link = t;
            link = &t->next_drained;
        }
    }
    *link = NULL;
    vmp_threads_unlock();
    return first;
}

void
vmp_writer_round(struct vmp_writer *writer, bool is_last)
{
    const uint64_t mark = vmp_codes_mark();
    struct vmp_thread *next;

    writer->wait_ms = writer->wait_ms * 2 < LONGEST_WAIT_MS
                          ? writer->wait_ms * 2
                          : LONGEST_WAIT_MS;
    next = choose_threads();
    if (writer->drain.unwinder)
        vmp_unwinder_begin(writer->drain.unwinder);
    vmp_tell_begin(&writer->drain.traces);
    while (next) {
        struct vmp_thread *const thread = next;

        next = thread->next_drained; /* it may be another's when it is buried */
        drain_thread(writer, thread, is_last);
    }
    vmp_tell_end(&writer->drain.traces);
    if (vmp_writer_takes_rows())
        vmp_layers_name(writer->encoder);
    vmp_codes_bury(writer->mark);
    writer->mark = mark;
    write_stats(writer, is_last);
}

void
vmp_writer_rows(struct vmp_writer *writer)
{
    if (vmp_writer_takes_rows())
        vmp_readout_write(writer->encoder, writer->info.monotonic_ns);
}

/* What is known of the threads that outlive the session. */
static void
describe_all(struct vmp_writer *writer)
{
    struct vmp_thread *newest;

    vmp_threads_lock();
    newest = vmp_threads;
    vmp_threads_unlock();
    /* Records are never unmapped, and the links behind one never change. */
    for (struct vmp_thread *t = newest; t; t = t->next)
        if (t->announced)
            describe(writer, t);
}

void
vmp_writer_finish(struct vmp_writer *writer)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);

    vmp_writer_round(writer, true);
    vmp_tell_close();
    vmp_layers_close();
    if (vmp_writer_takes_rows())
        vmp_readout_close(writer->encoder, writer->info.monotonic_ns);
    describe_all(writer);
    vmp_encoder_end(writer->encoder, since_start(writer, now_ns));
    vmp_writer_flush(writer);
}
