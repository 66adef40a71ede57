/* SPDX-License-Identifier: MIT */

/* Samples of a vmprof log, gathered by thread and handed over in batches. */
#include <errno.h>
#include <string.h>

#include "store.h"
#include "vmprof_log.h"

#define MOST_MEMORY_KB ((uint64_t)1 << 50)

static int
send_batch(struct log *log, struct log_batch *from)
{
    const struct batch batch = {
        .thread = from->thread,
        .count = from->count,
        .nodes = from->nodes,
        .times_ns = from->times_ns,
        .weights_ns = from->weights_ns,
        .phases = from->phases,
        .states = from->states,
        .memory_kb = log->layout.memory ? from->memory_kb : NULL,
    };

    from->count = 0;
    log->profile->sample_count += batch.count;
    if (log->on_batch && batch.count)
        log->stopped = log->on_batch(log->user, log->profile, &batch);
    return log->stopped ? -ECANCELED : 0;
}

int
log_flush(struct log *log)
{
    int result = 0;

    for (unsigned i = 0; i < LOG_BATCHES && !result; i++)
        result = send_batch(log, &log->batches[i]);
    return result;
}

int64_t
log_find_thread(struct log *log, uint64_t id)
{
    bool is_new;
    int64_t thread;

    if (log->samples && id == log->last_thread_id)
        return log->last_thread;
    thread = vmp_intern(&log->thread_ids, log->session, id, &is_new);
    if (thread < 0 || (is_new && store_thread(log->profile, log->session) < 0))
        return -ENOMEM;
    log->profile->threads[thread].id = id;
    log->last_thread = (uint32_t)thread;
    log->last_thread_id = id;
    return thread;
}

/* Versions up to 6 have no times; then samples are a period apart. */
static uint64_t
sample_time(const struct log *log, const struct log_record *record)
{
    if (!log->layout.times && !log->layout.seconds)
        return log->samples * log->interval_ns;
    return record->time_ns > log->start_offset_ns
               ? record->time_ns - log->start_offset_ns
               : 0;
}

static void
saw_memory(struct session *session, uint64_t memory_kb)
{
    if (memory_kb > MOST_MEMORY_KB)
        return;
    if (!session->has_memory)
        session->memory_first_kb = session->memory_least_kb = memory_kb;
    session->has_memory = true;
    if (memory_kb > session->memory_most_kb)
        session->memory_most_kb = memory_kb;
    if (memory_kb < session->memory_least_kb)
        session->memory_least_kb = memory_kb;
}

/* Threads share the batches: one that is in use is sent first. */
static int
open_batch(struct log *log, uint32_t thread, struct log_batch **batch)
{
    int result = 0;

    *batch = &log->batches[thread % LOG_BATCHES];
    if ((*batch)->thread != thread || (*batch)->count == LOG_BATCH_SIZE)
        result = send_batch(log, *batch);
    (*batch)->thread = thread;
    return result;
}

static void
put_sample(struct log *log, struct log_batch *batch,
           const struct log_record *record, uint32_t node, uint8_t phase)
{
    struct session *session = &log->profile->sessions[log->session];
    const uint64_t time_ns = sample_time(log, record);

    batch->nodes[batch->count] = node;
    batch->times_ns[batch->count] = time_ns;
    batch->weights_ns[batch->count] = record->count * log->interval_ns;
    batch->memory_kb[batch->count] = record->memory_kb;
    batch->phases[batch->count] = phase;
    batch->states[batch->count] = 0;
    batch->count++;
    if (time_ns > session->end_ns)
        session->end_ns = time_ns;
    if (log->layout.memory)
        saw_memory(session, record->memory_kb);
    if (record->count > 1)
        log_repaired(log, REPAIR_COUNT);
    log->samples++;
}

int
log_sample(struct log *log, const struct log_record *record,
           struct stack_hash hash)
{
    uint8_t phase;
    const int64_t node = log_stack_node(log, record, hash, &phase);
    const int64_t thread = log_find_thread(log, record->thread);
    struct log_batch *batch;
    int result;

    if (node < 0 || thread < 0)
        return -ENOMEM;
    result = open_batch(log, (uint32_t)thread, &batch);
    if (!result)
        put_sample(log, batch, record, (uint32_t)node, phase);
    return result;
}
