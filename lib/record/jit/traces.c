/* SPDX-License-Identifier: MIT */

#include "traces.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../os/clock.h"
#include "../fork.h"
#include "../lock.h"
#include "../session.h"
#include "ranges.h"
#include "ring.h"
#include "sinks/sinks.h"

enum {
    MOST_GUARDS = 65535,
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

/* The trace that an id belongs to, its own or a guard's; NULL: none. */
static struct vmp_trace *
owner_of(vmprof_jit_id id)
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

static struct vmp_trace *
find(vmprof_jit_id id)
{
    struct vmp_trace *const trace = owner_of(id);

    return trace && trace->id == id ? trace : NULL;
}

static bool
is_registered(const struct vmp_trace *trace)
{
    return trace && trace->state == VMP_TRACE_REGISTERED;
}

static void
queue(struct vmp_trace *trace, unsigned news)
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

/* What nobody needs any more of a trace that is gone. */
static void
shrink(struct vmp_trace *trace)
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

static int
add(struct vmp_trace *trace)
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

static void
free_trace(struct vmp_trace *trace)
{
    if (!trace)
        return;
    free(trace->counters);
    free(trace->reason);
    free(trace);
}

int
vmprof_reserve_trace(uint64_t guard_count, struct vmprof_reserved_trace *out)
{
    struct vmp_trace *trace;
    int r = -ENOMEM;

    if (guard_count > MOST_GUARDS)
        return -EINVAL;
    vmp_fork_prepare();
    trace = calloc(1, sizeof(*trace));
    if (!trace)
        return -ENOMEM;
    trace->guard_count = (uint32_t)guard_count;
    trace->state = VMP_TRACE_RESERVED;
    trace->counters = calloc(1 + guard_count, sizeof(*trace->counters));
    if (trace->counters) {
        vmp_traces_lock();
        r = add(trace);
        vmp_traces_unlock();
    }
    if (r < 0) {
        free_trace(trace);
        return r;
    }
    out->id = trace->id;
    out->first_guard = guard_count ? trace->id + 1 : 0;
    out->counters = trace->counters;
    return 0;
}

/* A trace's guards are as many as were reserved, whatever becomes of it. */
static int
guards_of(vmprof_jit_id id, uint64_t *count)
{
    const struct vmp_trace *trace;
    int r = -ENOENT;

    vmp_traces_lock();
    trace = find(id);
    if (trace && trace->state != VMP_TRACE_UNREGISTERED &&
        trace->state != VMP_TRACE_ABORTED) {
        *count = trace->guard_count;
        r = 0;
    }
    vmp_traces_unlock();
    return r;
}

/* Have handlers find it at `address`; NULL: nowhere. */
static int
place(struct vmp_trace *trace, const void *address, uint64_t length)
{
    const uintptr_t from = trace->is_placed ? (uintptr_t)trace->address : 0,
                    to = (uintptr_t)address;
    int r = 0;

    if (to && vmp_ranges_overlap(to, (uint32_t)length, trace->id))
        return -EEXIST;
    if (from && to)
        r = vmp_ranges_move(from, to, (uint32_t)length);
    else if (to)
        r = vmp_ranges_add(to, (uint32_t)length, trace->id);
    else if (from)
        vmp_ranges_remove(from);
    if (r < 0)
        return r;
    trace->is_placed = to != 0;
    trace->placed_ns = vmp_now_ns(CLOCK_MONOTONIC);
    return 0;
}

/* Takes both on success. */
static int
tell(struct vmp_trace *trace, struct vmp_told **told,
     struct vmp_machine_code **code)
{
    struct vmp_told *const told_before = trace->told;
    struct vmp_machine_code *const code_before = trace->code;
    const int r = place(trace, (*told)->is.address, (*told)->is.length);

    if (r < 0)
        return r;
    if (trace->state == VMP_TRACE_RESERVED)
        trace->since_ns = trace->placed_ns;
    trace->address = (*told)->is.address;
    trace->state = VMP_TRACE_REGISTERED;
    trace->told = *told;
    trace->code = *code;
    *told = told_before;
    *code = code_before;
    queue(trace, VMP_NEWS_ALL);
    return 0;
}

int
vmprof_register_trace(vmprof_jit_id id, const struct vmprof_trace *given)
{
    struct vmprof_trace checked;
    struct vmp_machine_code *code = NULL;
    struct vmp_told *told, *shown = NULL;
    uint64_t guard_count;
    int r = given ? guards_of(id, &guard_count) : -EINVAL;

    if (r == 0)
        r = vmp_told_check(given, guard_count, &checked);
    if (r < 0)
        return r;
    told = vmp_told_new(&checked);
    if (checked.address)
        code = vmp_machine_code_new(checked.address, checked.length);
    if (told && atomic_load(&vmp_sinks_open))
        shown = vmp_told_share(told);
    r = -ENOMEM;
    if (told && (code || !checked.address)) {
        struct vmp_trace *trace;

        vmp_traces_lock();
        trace = find(id);
        /* Another thread may have unregistered it meanwhile. */
        r = trace->state == VMP_TRACE_RESERVED || is_registered(trace)
                ? tell(trace, &told, &code)
                : -ENOENT;
        vmp_traces_unlock();
    }
    vmp_told_free(told);
    vmp_machine_code_free(code);
    if (shown && r == 0)
        vmp_sinks_place(id, shown, checked.address);
    else
        vmp_told_free(shown);
    return r;
}

/* The length of a registered trace's machine code, or a negative errno. */
static int64_t
length_of(vmprof_jit_id id)
{
    const struct vmp_trace *trace;
    int64_t length = -ENOENT;

    vmp_traces_lock();
    trace = find(id);
    if (is_registered(trace))
        length = trace->address ? (int64_t)trace->told->is.length : -EINVAL;
    vmp_traces_unlock();
    return length;
}

/* The trace may be another's now than it was when its code was read. */
static int
move(vmprof_jit_id id, const void *address, int64_t length,
     struct vmp_machine_code **code)
{
    struct vmp_trace *const trace = find(id);
    struct vmp_machine_code *const before = trace->code;
    int r;

    if (!is_registered(trace))
        return -ENOENT;
    if (!trace->address || trace->told->is.length != (uint64_t)length)
        return -EINVAL;
    r = place(trace, address, (uint64_t)length);
    if (r < 0)
        return r;
    trace->address = address;
    trace->code = *code;
    *code = before;
    queue(trace, VMP_NEWS_STATE | VMP_NEWS_CODE);
    return 0;
}

int
vmprof_move_trace(vmprof_jit_id id, const void *address)
{
    const int64_t length = length_of(id);
    struct vmp_machine_code *code;
    int r;

    if (length < 0)
        return (int)length;
    if (!address || (uintptr_t)address + (uintptr_t)length < (uintptr_t)address)
        return -EINVAL;
    code = vmp_machine_code_new(address, (uint64_t)length);
    if (!code)
        return -ENOMEM;
    vmp_traces_lock();
    r = move(id, address, length, &code);
    vmp_traces_unlock();
    vmp_machine_code_free(code);
    if (r == 0 && atomic_load(&vmp_sinks_open))
        vmp_sinks_move(id, address);
    return r;
}

static int
stitch(vmprof_jit_id guard, vmprof_jit_id bridge)
{
    struct vmp_trace *const trace = owner_of(guard);

    if (!is_registered(trace) || guard == trace->id ||
        (bridge && !is_registered(find(bridge))))
        return -ENOENT;
    if (!trace->bridges) {
        trace->bridges = calloc(trace->guard_count, sizeof(*trace->bridges));
        if (!trace->bridges)
            return -ENOMEM;
    }
    trace->bridges[guard - trace->id - 1] = bridge;
    queue(trace, VMP_NEWS_GUARDS);
    return 0;
}

int
vmprof_stitch_bridge(vmprof_jit_id guard, vmprof_jit_id bridge)
{
    int r;

    vmp_traces_lock();
    r = stitch(guard, bridge);
    vmp_traces_unlock();
    return r;
}

int
vmprof_unregister_trace(vmprof_jit_id id)
{
    struct vmp_trace *trace;
    int r = -ENOENT;

    vmp_traces_lock();
    trace = find(id);
    if (is_registered(trace)) {
        place(trace, NULL, 0);
        trace->state = VMP_TRACE_UNREGISTERED;
        trace->until_ns = trace->placed_ns;
        queue(trace, VMP_NEWS_STATE);
        if (!trace->is_queued)
            shrink(trace);
        r = 0;
    }
    vmp_traces_unlock();
    if (r == 0 && atomic_load(&vmp_sinks_open))
        vmp_sinks_remove(id);
    return r;
}

/* Under the lock. */
static int
abort_reserved(vmprof_jit_id id, struct vmp_trace *from)
{
    struct vmp_trace *const trace = find(id);

    if (!trace || trace->state != VMP_TRACE_RESERVED)
        return -ENOENT;
    trace->state = VMP_TRACE_ABORTED;
    trace->since_ns = from->since_ns;
    trace->aborted_code = from->aborted_code;
    trace->aborted_line = from->aborted_line;
    trace->reason = from->reason;
    from->reason = NULL;
    queue(trace, VMP_NEWS_STATE);
    return 0;
}

/* Without an id it is only told to the file, under one that nobody else has; or
 * to nobody. Returns whether it was queued. */
static bool
pass(struct vmp_trace *trace)
{
    if (traces.recording != VMP_RECORD_TRACES ||
        traces.next_id >= MOST_PASSING_ID || traces.passing == MOST_PASSING)
        return false;
    traces.passing++;
    trace->id = traces.next_id++;
    trace->state = VMP_TRACE_ABORTED;
    trace->is_passing = true;
    queue(trace, VMP_NEWS_STATE);
    return true;
}

int
vmprof_abort_trace(vmprof_jit_id id, vmprof_code_id code, uint32_t line,
                   const char *reason)
{
    struct vmp_trace *const trace = calloc(1, sizeof(*trace));
    bool is_queued = false;
    int r = 0;

    if (!trace)
        return -ENOMEM;
    trace->aborted_code = code;
    trace->aborted_line = line;
    trace->since_ns = vmp_now_ns(CLOCK_MONOTONIC);
    if (reason) {
        trace->reason = strndup(reason, VMP_TRACE_TEXT - 1);
        r = trace->reason ? 0 : -ENOMEM;
    }
    if (r == 0) {
        vmp_traces_lock();
        if (id)
            r = abort_reserved(id, trace);
        else
            is_queued = pass(trace);
        vmp_traces_unlock();
    }
    if (!is_queued)
        free_trace(trace);
    return r;
}

uint32_t
vmprof_wanted_emits(void)
{
    return vmp_jit_wanted_emits();
}

/* What a file need not be told any more; or what it has been told. */
static void
settle(struct vmp_trace *trace)
{
    if (trace->is_passing)
        free_trace(trace);
    else if (trace->state == VMP_TRACE_UNREGISTERED)
        shrink(trace);
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
        if (is_registered(trace))
            queue(trace, VMP_NEWS_ALL);
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
    from = trace->told ? owner_of(trace->told->is.guard) : NULL;
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
    trace = find(id);
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
    trace = find(id);
    vmp_traces_unlock();
    return trace;
}

/* Whether its counters may have changed since. */
static bool
does_count(const struct vmp_trace *trace, uint64_t start_ns)
{
    return trace->told && trace->told->is.emits & VMPROF_EMIT_COUNT &&
           (is_registered(trace) || trace->until_ns >= start_ns);
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

bool
vmp_traces_find(uint64_t address, uint64_t time_ns, vmprof_jit_id *id,
                uint64_t *offset)
{
    struct vmp_range range;
    const struct vmp_trace *trace;
    bool was_there;

    if (!vmp_find_range((uintptr_t)address, &range))
        return false;
    vmp_traces_lock();
    trace = find(range.trace);
    was_there = trace && trace->is_placed &&
                (uintptr_t)trace->address == range.start &&
                trace->placed_ns <= time_ns;
    vmp_traces_unlock();
    *id = range.trace;
    *offset = address - range.start;
    return was_there;
}

/* The place that an offset has, as its index; -1: none. */
static int64_t
place_at(const struct vmprof_trace *told, uint64_t offset)
{
    uint64_t low = 0, high = told->position_count;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;

        if (told->positions[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? (int64_t)told->positions[low - 1].place : -1;
}

/* From a place outwards: parents come before. */
static uint32_t
collect(const struct vmprof_trace *told, int64_t place,
        struct vmprof_trace_place *out, uint32_t most)
{
    uint32_t count = 0;

    for (int64_t i = place; i >= 0 && count < most;
         i = (int64_t)told->places[i].parent - 1)
        out[count++] = told->places[i];
    for (uint32_t i = 0; i < count / 2; i++) {
        const struct vmprof_trace_place swapped = out[i];

        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swapped;
    }
    return count;
}

uint32_t
vmp_traces_inlined(const struct vmp_trace *trace, const uint64_t *offset,
                   struct vmprof_trace_place *out, uint32_t most)
{
    uint32_t count = 0;

    vmp_traces_lock();
    if (trace->told) {
        const struct vmprof_trace *const told = &trace->told->is;

        if (offset)
            count = collect(told, place_at(told, *offset), out, most);
        if (!count)
            out[count++] = (struct vmprof_trace_place){
                .code = told->code,
                .line = told->line,
            };
    }
    vmp_traces_unlock();
    return count;
}

uint64_t
vmp_traces_address(const struct vmp_trace *trace)
{
    uintptr_t address;

    vmp_traces_lock();
    address = (uintptr_t)trace->address;
    vmp_traces_unlock();
    return address;
}

uint32_t
vmp_traces_frame(vmprof_jit_id id, uint64_t *frame_size)
{
    const struct vmp_trace *trace;
    uint32_t frame = VMPROF_TRACE_FRAME_UNKNOWN;

    vmp_traces_lock();
    trace = find(id);
    if (trace && trace->told) {
        frame = trace->told->is.frame;
        *frame_size = trace->told->is.frame_size;
    }
    vmp_traces_unlock();
    return frame;
}

void
vmp_traces_leave_to_parent(void)
{
    vmp_ranges_leave_to_parent();
    stop_recording();
    vmp_traces_unlock();
}
