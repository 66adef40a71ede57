/* SPDX-License-Identifier: MIT */

#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "code.h"
#include "drain.h"
#include "events/recorded_drain.h"
#include "events/usdt.h"
#include "helper.h"
#include "interp/readout.h"
#include "jit/drain.h"
#include "layers/layers.h"
#include "memory.h"
#include "session.h"
#include "symbols.h"

enum {
    LONGEST_WAIT_MS = 60, /* what is older than 100 ms is in the file */
    EVENTS_WAIT_MS = 20,
    SHORTEST_WAIT_MS = 5,
    STATS_EVERY_NS = 1000 * 1000 * 1000,
};

struct vmp_writer {
    pthread_t thread;
    struct vmp_output *output;
    struct vmp_session_info info;
    struct vmp_encoder *encoder;
    struct vmp_drain drain;
    struct vmp_symbols symbols; /* of a log with native frames */
    struct vmp_jit_drain *jit;  /* NULL: there are no events of traces */
    struct vmp_recorded_drain *recorded; /* NULL: a log has no place for them */
    uint32_t thread_count;               /* announced */
    unsigned wait_ms;
    uint64_t stats_ns; /* when they were written last */
    uint64_t mark;     /* of the last round; see code.h */

    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping; /* under the mutex */
};

static size_t
name_of(void *user, uint64_t code, char *buffer)
{
    (void)user;
    return vmp_code_name(code, buffer);
}

/* That the encoder has let out; it counts a chunk's when they are taken. */
static uint64_t
count_samples(const struct vmp_writer *writer)
{
    uint64_t written, unwritten;

    vmp_encoder_count(writer->encoder, &written, &unwritten);
    return written;
}

static void
symbol_of(void *user, const struct vmp_module_info *module, uint64_t address,
          struct vmp_symbol *out)
{
    struct vmp_writer *const writer = user;

    vmp_symbols_find(&writer->symbols, module, address, out);
}

static int
write_bytes(void *user, const void *data, size_t size)
{
    struct vmp_writer *const writer = user;

    return vmp_output_put(writer->output, data, size, count_samples(writer));
}

static uint64_t
since_start(const struct vmp_writer *writer, uint64_t time_ns)
{
    const uint64_t start_ns = writer->info.monotonic_ns;

    return time_ns > start_ns ? time_ns - start_ns : 0;
}

static void
describe(struct vmp_writer *writer, const struct vmp_thread *thread)
{
    const struct vmp_thread_info info = {
        .name = thread->name,
        .id = (uint64_t)thread->tid,
        .start_ns = since_start(writer, thread->start_ns),
        .end_ns = thread->end_ns ? since_start(writer, thread->end_ns) : 0,
        .cpu_ns = thread->cpu_end_ns > thread->cpu_start_ns
                      ? thread->cpu_end_ns - thread->cpu_start_ns
                      : 0,
    };

    vmp_encoder_thread(writer->encoder, thread->stream.thread, &info);
}

/* How full a ring is decides how soon to come again. */
static void
adapt(struct vmp_writer *writer, const struct vmp_ring *ring)
{
    const size_t used = atomic_load(&ring->head) - atomic_load(&ring->tail);

    if (used > ring->size / 8)
        writer->wait_ms = SHORTEST_WAIT_MS;
}

/* So are events, of which each round says the time. */
static void
adapt_to_events(struct vmp_writer *writer, enum vmp_flow flow)
{
    if (flow == VMP_FLOW_FILLS)
        writer->wait_ms = SHORTEST_WAIT_MS;
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
    enum vmp_thread_state state;
    bool sampled;

    vmp_threads_lock();
    state = thread->state;
    sampled = vmp_is_sampled(thread);
    vmp_threads_unlock();
    if (state == VMP_THREAD_FREE || (!sampled && state != VMP_THREAD_ENDED))
        return;

    if (sampled && !thread->announced) {
        thread->stream.thread = writer->thread_count++;
        thread->announced = true;
        describe(writer, thread);
    }
    if (sampled) {
        adapt(writer, &thread->ring);
        vmp_drain(&writer->drain, thread);
        drain_events(writer, thread, is_last || state == VMP_THREAD_ENDED);
        drain_recorded(writer, thread);
    }
    if (state != VMP_THREAD_ENDED)
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

/* Write what the encoder let out, and tell of it. */
static void
flush(struct vmp_writer *writer)
{
    uint64_t encoded, refused;

    vmp_output_flush(writer->output, count_samples(writer));
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

/* Of bytecodes, types, traces and layers, for which a vmprof log has no place. */
static bool
takes_rows(void)
{
    return vmp_session.format != VMPROF_FORMAT_LOG;
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
    if (takes_rows())
        vmp_layers_write(writer->encoder, since_start(writer, now_ns));
    vmp_encoder_stats(writer->encoder, since_start(writer, now_ns), &counters);
}

static void
drain_all(struct vmp_writer *writer, bool is_last)
{
    const uint64_t mark = vmp_codes_mark();
    struct vmp_thread *newest;

    writer->wait_ms = writer->wait_ms * 2 < LONGEST_WAIT_MS
                          ? writer->wait_ms * 2
                          : LONGEST_WAIT_MS;
    vmp_threads_lock();
    vmp_session_retry_clocks();
    newest = vmp_threads;
    vmp_threads_unlock();
    if (writer->drain.unwinder)
        vmp_unwinder_begin(writer->drain.unwinder);
    vmp_tell_begin(&writer->drain.traces);
    /* Records are never unmapped, and the links behind one never change. */
    for (struct vmp_thread *t = newest; t; t = t->next)
        drain_thread(writer, t, is_last);
    vmp_tell_end(&writer->drain.traces);
    if (takes_rows())
        vmp_layers_name(writer->encoder);
    vmp_codes_bury(writer->mark);
    writer->mark = mark;
    write_stats(writer, is_last);
}

static void
write_rows(struct vmp_writer *writer)
{
    if (takes_rows())
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
    for (struct vmp_thread *t = newest; t; t = t->next)
        if (t->announced)
            describe(writer, t);
}

/* Returns false when it is time to end. */
static bool
wait_a_while(struct vmp_writer *writer)
{
    struct timespec until;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)writer->wait_ms * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&writer->mutex);
    if (!writer->stopping)
        pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
    stopping = writer->stopping;
    pthread_mutex_unlock(&writer->mutex);
    return !stopping;
}

static void
finish(struct vmp_writer *writer)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);

    drain_all(writer, true);
    vmp_tell_close();
    vmp_layers_close();
    if (takes_rows())
        vmp_readout_close(writer->encoder, writer->info.monotonic_ns);
    describe_all(writer);
    vmp_encoder_end(writer->encoder, since_start(writer, now_ns));
    flush(writer);
}

static void *
run(void *user)
{
    struct vmp_writer *const writer = user;

    pthread_setname_np(pthread_self(), "vmprof-writer");
    vmp_encoder_open(writer->encoder, &writer->info);
    flush(writer);
    while (wait_a_while(writer)) {
        drain_all(writer, false);
        write_rows(writer);
        flush(writer);
        vmp_usdt_check();
    }
    finish(writer);
    return NULL;
}

static void
free_writer(struct vmp_writer *writer)
{
    vmp_unwinder_free(writer->drain.unwinder);
    vmp_encoder_free(writer->encoder);
    free(writer->jit);
    free(writer->recorded);
    vmp_symbols_free(&writer->symbols);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

static int
new_encoder(struct vmp_writer *writer)
{
    const struct vmp_log_options log = {
        .memory = vmp_session.has_memory,
        .native = vmp_session.native != VMPROF_NATIVE_OFF,
        .lines = vmp_session.has_lines,
        .has_traces = vmp_session.has_traces,
        .symbol_of = symbol_of,
    };

    if (vmp_session.format == VMPROF_FORMAT_LOG)
        return vmp_encoder_new_log(&writer->encoder, &log, write_bytes, name_of,
                                   writer);
    return vmp_encoder_new(&writer->encoder, write_bytes, name_of, writer);
}

static int
new_events(struct vmp_writer *writer)
{
    if (!(vmp_session.jit.emits & VMPROF_EMIT_EVENT))
        return 0;
    writer->jit = calloc(1, sizeof(*writer->jit));
    if (!writer->jit)
        return -ENOMEM;
    writer->jit->encoder = writer->encoder;
    writer->jit->start_ns = writer->info.monotonic_ns;
    writer->jit->session = vmp_session.number;
    return 0;
}

static int
new_recorded(struct vmp_writer *writer)
{
    if (!takes_rows())
        return 0;
    writer->recorded = calloc(1, sizeof(*writer->recorded));
    if (!writer->recorded)
        return -ENOMEM;
    writer->recorded->encoder = writer->encoder;
    writer->recorded->start_ns = writer->info.monotonic_ns;
    writer->recorded->session = vmp_session.number;
    return 0;
}

int
vmp_writer_start(struct vmp_writer **out, struct vmp_output *output,
                 const struct vmp_session_info *info)
{
    struct vmp_writer *const writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer)
        return -ENOMEM;
    writer->output = output;
    writer->info = *info;
    writer->wait_ms = SHORTEST_WAIT_MS;
    vmp_helper_condition(&writer->wake);
    pthread_mutex_init(&writer->mutex, NULL);
    r = new_encoder(writer);
    if (r == 0 && vmp_session.has_memory)
        vmp_encoder_memory(writer->encoder, vmp_memory_kb());
    writer->drain.encoder = writer->encoder;
    writer->drain.start_ns = info->monotonic_ns;
    writer->drain.traces = (struct vmp_telling){
        .encoder = writer->encoder,
        .start_ns = info->monotonic_ns,
        .has_chunks = takes_rows(),
    };
    writer->drain.main_loop = (struct vmp_extent){
        (uintptr_t)vmp_session.main_loop,
        (uintptr_t)vmp_session.main_loop_end,
    };
    writer->drain.has_memory = vmp_session.has_memory;
    if (r == 0 && vmp_session.native)
        r = vmp_unwinder_new(&writer->drain.unwinder, writer->encoder,
                             &writer->drain.traces);
    /* Not by its thread: what happens at once is the session's, too. */
    if (r == 0)
        vmp_tell_open(&writer->drain.traces);
    if (r == 0)
        r = new_events(writer);
    if (r == 0)
        r = new_recorded(writer);
    /* Before the thread, whose first round may write of them. */
    if (r == 0 && takes_rows())
        vmp_layers_open();
    if (r == 0)
        r = vmp_helper_start(&writer->thread, run, writer);
    if (r < 0) {
        vmp_layers_close();
        vmp_tell_close();
        free_writer(writer);
        return r;
    }
    if (takes_rows())
        vmp_readout_open();
    *out = writer;
    return 0;
}

void
vmp_writer_stop(struct vmp_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    vmp_output_hurry(writer->output);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    vmp_output_stop(writer->output);
    free_writer(writer);
}

void
vmp_writer_leave_to_parent(struct vmp_writer *writer)
{
    vmp_output_leave_to_parent(writer->output);
}
