/* SPDX-License-Identifier: MIT */

#include "table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../lock.h"
#include "ranges.h"

enum {
    FIRST_SIZE = 64,
    MOST_PASSING = 4096, /* aborts that wait for the writer */
};

/* Of aborts that had no id of their own, half of all there are. */
static const uint32_t MOST_PASSING_ID = VMPROF_JIT_MAX_IDS / 2;

static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* Under the lock. */
static struct {
    struct vmp_trace **list; /* in the order of ids */
    uint32_t count, size;
    uint32_t next_id;
    enum vmp_recording recording;
    unsigned queued;
    struct vmp_trace *first, **end; /* of the queue */
    unsigned passing;               /* in it */
} traces = { .next_id = 1, .end = &traces.first };

void
vmp_traces_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_traces_unlock(void)
{
    vmp_unlock(&lock);
}

struct vmp_trace *
vmp_trace_owner(vmprof_jit_id id)
{
    uint32_t low = 0, high = traces.count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (traces.list[middle]->id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low ||
        id - traces.list[low - 1]->id > traces.list[low - 1]->guard_count)
        return NULL;
    return traces.list[low - 1];
}

struct vmp_trace *
vmp_trace_find(vmprof_jit_id id)
{
    struct vmp_trace *const trace = vmp_trace_owner(id);

    return trace && trace->id == id ? trace : NULL;
}

void
vmp_trace_queue(struct vmp_trace *trace, unsigned news)
{
    if (traces.recording == VMP_RECORD_NO_TRACES ||
        (traces.recording == VMP_RECORD_GONE_TRACES &&
         trace->state != VMP_TRACE_UNREGISTERED))
        return;
    trace->news |= news;
    if (trace->is_queued)
        return;
    trace->is_queued = true;
    traces.queued++;
    trace->next = NULL;
    *traces.end = trace;
    traces.end = &trace->next;
}

void
vmp_trace_shrink(struct vmp_trace *trace)
{
    struct vmp_told *brief;

    if (trace->is_brief)
        return;
    brief = vmp_told_brief(trace->told);
    vmp_machine_code_free(trace->code);
    trace->code = NULL;
    free(trace->bridges);
    trace->bridges = NULL;
    if (!brief)
        return;
    vmp_told_free(trace->told);
    trace->told = brief;
    trace->is_brief = true;
}

static int
grow_list(void)
{
    const uint32_t size = traces.size ? traces.size * 2 : FIRST_SIZE;
    struct vmp_trace **const list = realloc(traces.list, size * sizeof(*list));

    if (!list)
        return -ENOMEM;
    traces.list = list;
    traces.size = size;
    return 0;
}

int
vmp_trace_add(struct vmp_trace *trace)
{
    if (trace->guard_count >= VMPROF_JIT_MAX_IDS - traces.next_id)
        return -ENOSPC;
    if (traces.count == traces.size && grow_list() < 0)
        return -ENOMEM;
    trace->id = traces.next_id;
    traces.next_id += 1 + trace->guard_count;
    traces.list[traces.count++] = trace;
    return 0;
}

void
vmp_trace_free(struct vmp_trace *trace)
{
    if (!trace)
        return;
    free(trace->counters);
    free(trace->reason);
    free(trace);
}

bool
vmp_trace_pass(struct vmp_trace *trace)
{
    if (traces.recording != VMP_RECORD_TRACES ||
        traces.next_id >= MOST_PASSING_ID || traces.passing == MOST_PASSING)
        return false;
    traces.passing++;
    trace->id = traces.next_id++;
    trace->state = VMP_TRACE_ABORTED;
    trace->is_passing = true;
    vmp_trace_queue(trace, VMP_NEWS_STATE);
    return true;
}

/* What a file need not be told any more; or what it has been told, unless there
 * is more of it. */
static void
settle(struct vmp_trace *trace)
{
    if (trace->is_passing)
        vmp_trace_free(trace);
    else if (trace->state == VMP_TRACE_UNREGISTERED && !trace->is_queued)
        vmp_trace_shrink(trace);
}

static struct vmp_trace *
take_first(void)
{
    struct vmp_trace *const trace = traces.first;

    if (!trace)
        return NULL;
    traces.first = trace->next;
    if (!traces.first)
        traces.end = &traces.first;
    trace->is_queued = false;
    traces.queued--;
    traces.passing -= trace->is_passing;
    return trace;
}

/* Under the lock. */
static void
stop_recording(void)
{
    struct vmp_trace *trace;

    traces.recording = VMP_RECORD_NO_TRACES;
    while ((trace = take_first())) {
        trace->news = 0;
        settle(trace);
    }
}

void
vmp_traces_record(enum vmp_recording recording)
{
    vmp_traces_lock();
    stop_recording();
    traces.recording = recording;
    for (uint32_t i = 0; i < traces.count; i++) {
        struct vmp_trace *const trace = traces.list[i];

        trace->is_told = false;
        if (trace->told_counts)
            memset(trace->told_counts, 0,
                   (1 + trace->guard_count) * sizeof(*trace->told_counts));
        if (vmp_trace_is_registered(trace))
            vmp_trace_queue(trace, VMP_NEWS_ALL);
    }
    vmp_traces_unlock();
}

/* Under the lock. */
static void
copy(struct vmp_trace *trace, struct vmp_trace_copy *out)
{
    const size_t size = trace->guard_count * sizeof(*trace->bridges);
    const struct vmp_trace *from;

    out->bridges = NULL;
    if (trace->bridges && trace->news & (VMP_NEWS_LISTS | VMP_NEWS_GUARDS)) {
        out->bridges = malloc(size);
        if (out->bridges)
            memcpy(out->bridges, trace->bridges, size);
    }
    out->trace = trace;
    out->news = trace->news;
    out->is = *trace;
    out->is.told = vmp_told_share(trace->told);
    out->is.code = vmp_machine_code_share(trace->code);
    from = trace->told ? vmp_trace_owner(trace->told->is.guard) : NULL;
    out->parent = from ? from->id : trace->told ? trace->told->is.parent : 0;
    trace->news = 0;
}

unsigned
vmp_traces_queued(void)
{
    unsigned count;

    vmp_traces_lock();
    count = traces.queued;
    vmp_traces_unlock();
    return count;
}

bool
vmp_traces_next(struct vmp_trace_copy *out)
{
    struct vmp_trace *trace;

    vmp_traces_lock();
    trace = take_first();
    if (trace)
        copy(trace, out);
    vmp_ranges_reclaim();
    vmp_traces_unlock();
    return trace != NULL;
}

bool
vmp_traces_get(vmprof_jit_id id, struct vmp_trace_copy *out)
{
    struct vmp_trace *trace;

    vmp_traces_lock();
    trace = vmp_trace_find(id);
    if (trace) {
        trace->news = VMP_NEWS_ALL;
        copy(trace, out);
    }
    vmp_traces_unlock();
    return trace != NULL;
}

void
vmp_trace_copy_free(struct vmp_trace_copy *copy)
{
    vmp_told_free(copy->is.told);
    vmp_machine_code_free(copy->is.code);
    free(copy->bridges);
    vmp_traces_lock();
    settle(copy->trace);
    vmp_traces_unlock();
}

struct vmp_trace *
vmp_traces_lookup(vmprof_jit_id id)
{
    struct vmp_trace *trace;

    vmp_traces_lock();
    trace = vmp_trace_find(id);
    vmp_traces_unlock();
    return trace;
}

/* Whether its counters may have changed since. */
static bool
does_count(const struct vmp_trace *trace, uint64_t start_ns)
{
    return trace->told && trace->told->is.emits & VMPROF_EMIT_COUNT &&
           (vmp_trace_is_registered(trace) || trace->until_ns >= start_ns);
}

struct vmp_trace *
vmp_traces_next_counted(uint32_t *index, uint64_t start_ns)
{
    struct vmp_trace *trace = NULL;

    vmp_traces_lock();
    while (*index < traces.count && !trace) {
        trace = traces.list[(*index)++];
        if (!does_count(trace, start_ns))
            trace = NULL;
    }
    vmp_traces_unlock();
    return trace;
}

void
vmp_traces_leave_to_parent(void)
{
    vmp_ranges_leave_to_parent();
    stop_recording();
    vmp_traces_unlock();
}
