/* SPDX-License-Identifier: MIT */

/* What a VM tells of its traces. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../os/clock.h"
#include "../fork.h"
#include "ranges.h"
#include "ring.h"
#include "sinks/sinks.h"
#include "table.h"

enum {
    MOST_GUARDS = 65535,
};

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
    trace->counters = calloc((size_t)guard_count + 1, sizeof(*trace->counters));
    if (trace->counters) {
        vmp_traces_lock();
        r = vmp_trace_add(trace);
        vmp_traces_unlock();
    }
    if (r < 0) {
        vmp_trace_free(trace);
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
    trace = vmp_trace_find(id);
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
    vmp_trace_queue(trace, VMP_NEWS_ALL);
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
        trace = vmp_trace_find(id);
        /* Another thread may have unregistered it meanwhile. */
        r = trace->state == VMP_TRACE_RESERVED || vmp_trace_is_registered(trace)
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
    trace = vmp_trace_find(id);
    if (vmp_trace_is_registered(trace))
        length = trace->address ? (int64_t)trace->told->is.length : -EINVAL;
    vmp_traces_unlock();
    return length;
}

/* The trace may be another's now than it was when its code was read. */
static int
move(vmprof_jit_id id, const void *address, int64_t length,
     struct vmp_machine_code **code)
{
    struct vmp_trace *const trace = vmp_trace_find(id);
    struct vmp_machine_code *const before = trace->code;
    int r;

    if (!vmp_trace_is_registered(trace))
        return -ENOENT;
    if (!trace->address || trace->told->is.length != (uint64_t)length)
        return -EINVAL;
    r = place(trace, address, (uint64_t)length);
    if (r < 0)
        return r;
    trace->address = address;
    trace->code = *code;
    *code = before;
    vmp_trace_queue(trace, VMP_NEWS_STATE | VMP_NEWS_CODE);
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
    struct vmp_trace *const trace = vmp_trace_owner(guard);

    if (!vmp_trace_is_registered(trace) || guard == trace->id ||
        (bridge && !vmp_trace_is_registered(vmp_trace_find(bridge))))
        return -ENOENT;
    if (!trace->bridges) {
        trace->bridges = calloc(trace->guard_count, sizeof(*trace->bridges));
        if (!trace->bridges)
            return -ENOMEM;
    }
    trace->bridges[guard - trace->id - 1] = bridge;
    vmp_trace_queue(trace, VMP_NEWS_GUARDS);
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
    trace = vmp_trace_find(id);
    if (vmp_trace_is_registered(trace)) {
        place(trace, NULL, 0);
        trace->state = VMP_TRACE_UNREGISTERED;
        trace->until_ns = trace->placed_ns;
        vmp_trace_queue(trace, VMP_NEWS_STATE);
        if (!trace->is_queued)
            vmp_trace_shrink(trace);
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
    struct vmp_trace *const trace = vmp_trace_find(id);

    if (!trace || trace->state != VMP_TRACE_RESERVED)
        return -ENOENT;
    trace->state = VMP_TRACE_ABORTED;
    trace->since_ns = from->since_ns;
    trace->aborted_code = from->aborted_code;
    trace->aborted_line = from->aborted_line;
    trace->reason = from->reason;
    from->reason = NULL;
    vmp_trace_queue(trace, VMP_NEWS_STATE);
    return 0;
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
            is_queued = vmp_trace_pass(trace);
        vmp_traces_unlock();
    }
    if (!is_queued)
        vmp_trace_free(trace);
    return r;
}

uint32_t
vmprof_wanted_emits(void)
{
    return vmp_jit_wanted_emits();
}
