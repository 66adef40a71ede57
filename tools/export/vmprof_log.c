/* SPDX-License-Identifier: MIT */

/*
 * The vmprof log: one for each process, one behind the other, by the encoder
 * that records them. Names are known when all is read, and go before samples,
 * so samples wait in memory, equal ones in a row as one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analyse/unsampled.h"
#include "format/format.h"
#include "vmprof_log.h"

enum {
    ASSUMED_INTERVAL_NS = 1000000,
};

static bool
is_same(const struct run *a, const struct run *b)
{
    return a->node == b->node && a->thread == b->thread &&
           a->state == b->state && a->weight_ns == b->weight_ns &&
           a->memory_kb == b->memory_kb;
}

static int
add_run(struct runs *runs, const struct run *run)
{
    if (runs->count && is_same(&runs->rows[runs->count - 1], run) &&
        runs->rows[runs->count - 1].count < UINT32_MAX) {
        runs->rows[runs->count - 1].count++;
        return 0;
    }
    if (runs->count == runs->room) {
        const size_t room = runs->room ? runs->room * 2 : 256;
        struct run *rows = reallocarray(runs->rows, room, sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        runs->rows = rows;
        runs->room = room;
    }
    runs->rows[runs->count++] = *run;
    return 0;
}

static int
have_session(struct writing *writing, uint32_t session)
{
    struct runs *sessions;

    if (session < writing->session_count)
        return 0;
    sessions =
        reallocarray(writing->sessions, (size_t)session + 1, sizeof(*sessions));
    if (!sessions)
        return -ENOMEM;
    while (writing->session_count <= session)
        sessions[writing->session_count++] = (struct runs){ 0 };
    writing->sessions = sessions;
    return 0;
}

static int
add_batch(void *user, const struct profile *profile, const struct batch *batch)
{
    struct writing *writing = user;
    const uint32_t session = profile->threads[batch->thread].session;
    int result = have_session(writing, session);

    for (uint32_t i = 0; i < batch->count && !result; i++) {
        const struct run run = {
            .node = batch->nodes[i],
            .thread = batch->thread,
            .count = 1,
            .state = batch->states[i] & SAMPLE_OFF_CPU,
            .weight_ns = batch->weights_ns[i],
            .memory_kb = batch->memory_kb ? batch->memory_kb[i] : 0,
        };

        losses_see(&writing->losses, profile, batch, i);
        result = add_run(&writing->sessions[session], &run);
    }
    return result;
}

static int
write_bytes(void *user, const void *data, size_t size)
{
    struct writing *writing = user;
    FILE *file = writing->job->output->file;

    return fwrite(data, 1, size, file) == size ? 0 : -EIO;
}

static int
write_run(struct writing *writing, const struct run *run)
{
    const struct profile *profile = &writing->job->profile;
    const int64_t node = log_find_node(writing, run->node);
    const bool gap =
        run->node &&
        frame_is_gap(&profile->frames[profile->nodes[run->node].frame]);
    int result = 0;

    if (node < 0)
        return (int)node;
    vmp_encoder_memory(writing->encoder, run->memory_kb);
    vmp_encoder_begin(writing->encoder, &writing->streams[run->thread]);
    for (uint32_t i = 0; i < run->count && result >= 0; i++)
        result = gap ? vmp_encoder_gap(writing->encoder, (uint32_t)node, 0,
                                       run->weight_ns, 0)
                     : vmp_encoder_sample(writing->encoder, (uint32_t)node, 0,
                                          run->weight_ns, 0,
                                          run->state ? VMP_STATE_OFF_CPU : 0);
    return result;
}

static int
write_threads(struct writing *writing, uint32_t session)
{
    const struct profile *profile = &writing->job->profile;
    int result = 0;

    for (uint32_t i = 0; i < profile->thread_count && !result; i++) {
        const struct thread *thread = &profile->threads[i];
        const struct vmp_thread_info info = { .name = thread->name,
                                              .id = thread->id };

        if (thread->session == session)
            result = vmp_encoder_thread(writing->encoder, i, &info);
        writing->streams[i] = (struct vmp_stream){ .thread = i };
    }
    return result;
}

static int
write_counters(struct writing *writing, const struct session *session)
{
    const struct session_stats *stats = &session->stats;
    const struct vmp_counters counters = {
        .expirations = stats->expirations,
        .samples = stats->samples,
        .lost_ring_full = stats->lost_ring_full,
        .lost_busy = stats->lost_busy,
        .lost_switching = stats->lost_switching,
        .lost_walker = stats->lost_walker,
        .lost_overrun = stats->lost_overrun,
        .stacks_cut = stats->stacks_cut,
        .frames_cut = stats->frames_cut,
        .overflows = stats->overflows,
        .locations_lost = stats->locations_lost,
        .clock_failures = stats->clock_failures,
        .sampled_ns = stats->sampled_ns,
        .polled = stats->polled,
        .held_back = stats->held_back,
        .system_ticks = stats->system_ticks,
        .native_cut = stats->native_cut,
        .native_failed = stats->native_failed,
        .clock_retries = stats->clock_retries,
    };

    if (!session->has_stats)
        return 0;
    return vmp_encoder_stats(writing->encoder, session->end_ns, &counters);
}

static int
open_session(struct writing *writing, const struct session *session)
{
    const struct vmp_session_info info = {
        .vm_name = session->vm_name,
        .os = session->os && *session->os ? session->os : NULL,
        .machine = session->machine,
        .library = session->library_version,
        .program = session->program,
        .unix_ns = session->unix_ns,
        .monotonic_ns = session->monotonic_ns,
        .interval_ns =
            session->interval_ns ? session->interval_ns : ASSUMED_INTERVAL_NS,
        .pid = session->pid,
        .mode = session->mode,
        .clock = session->clock,
    };
    const struct vmp_log_options options = {
        .memory = session->has_memory,
        .native = writing->losses.machine_code != 0,
        .lines = writing->losses.has_lines,
        .has_traces = true,
        .symbol_of = log_symbol_of,
    };
    int result = vmp_encoder_new_log(&writing->encoder, &options, write_bytes,
                                     log_name_of, writing);

    return result < 0 ? result : vmp_encoder_open(writing->encoder, &info);
}

static int
write_session(struct writing *writing, uint32_t index)
{
    const struct profile *profile = &writing->job->profile;
    const struct session *session = &profile->sessions[index];
    const struct runs *runs =
        index < writing->session_count ? &writing->sessions[index] : NULL;
    int result = open_session(writing, session);

    memset(writing->nodes, 0, profile->node_count * sizeof(*writing->nodes));
    memset(writing->frames, 0, profile->frame_count * sizeof(*writing->frames));
    if (result >= 0)
        result = write_threads(writing, index);
    for (size_t i = 0; runs && i < runs->count && result >= 0; i++)
        result = write_run(writing, &runs->rows[i]);
    if (result >= 0)
        result = vmp_encoder_finish(writing->encoder);
    if (result >= 0)
        result = write_counters(writing, session);
    if (result >= 0)
        result = vmp_encoder_end(writing->encoder, session->end_ns);
    vmp_encoder_free(writing->encoder);
    writing->encoder = NULL;
    return result;
}

static int
write_all(struct writing *writing)
{
    const struct profile *profile = &writing->job->profile;
    int result = log_find_starts(writing);

    writing->nodes = calloc((size_t)profile->node_count + 1, sizeof(uint32_t));
    writing->frames =
        calloc((size_t)profile->frame_count + 1, sizeof(uint32_t));
    writing->streams =
        calloc((size_t)profile->thread_count + 1, sizeof(*writing->streams));
    if (!writing->nodes || !writing->frames || !writing->streams)
        result = -ENOMEM;
    for (uint32_t i = 0; i < profile->session_count && result >= 0; i++)
        result = write_session(writing, i);
    return result;
}

/* What samples stand for, by thread; then what they do not. */
static int
find_unsampled(struct writing *writing)
{
    const struct profile *profile = &writing->job->profile;
    uint64_t *ns = calloc((size_t)profile->thread_count + 1, sizeof(*ns));

    if (!ns)
        return -ENOMEM;
    for (uint32_t i = 0; i < writing->session_count; i++)
        for (size_t j = 0; j < writing->sessions[i].count; j++) {
            const struct run *run = &writing->sessions[i].rows[j];

            ns[run->thread] += run->weight_ns * run->count;
        }
    unsampled_by_thread(profile, ns);
    for (uint32_t i = 0; i < profile->thread_count; i++)
        writing->losses.unsampled_ns += ns[i];
    free(ns);
    return 0;
}

static void
free_all(struct writing *writing)
{
    for (uint32_t i = 0; i < writing->session_count; i++)
        free(writing->sessions[i].rows);
    free(writing->sessions);
    free(writing->nodes);
    free(writing->frames);
    free(writing->streams);
    free(writing->starts);
}

int
export_vmprof_log(struct export_job *job)
{
    struct writing writing = { .job = job };
    int result = export_read(job, false, add_batch, &writing);

    if (!result) {
        losses_find(&writing.losses, &job->profile, job->lines);
        /* What the file has no room for is said when it is closed. */
        if (find_unsampled(&writing) || write_all(&writing) == -ENOMEM)
            result = export_out_of_memory(job);
        else
            losses_tell(&writing.losses, &job->profile);
    }
    free_all(&writing);
    return result;
}
