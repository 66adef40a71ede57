/* SPDX-License-Identifier: MIT */

#include "tell.h"

#include <stdlib.h>

#include "../../format/traces.h"

static void
tell_lists(struct vmp_encoder *encoder, const struct vmp_trace_copy *copy,
           bool is_again)
{
    const struct vmprof_trace *const told = &copy->is.told->is;
    const uint32_t id = copy->is.id;

    if (told->place_count || is_again)
        vmp_encoder_places(encoder, id, told->places, told->place_count);
    if (told->position_count || is_again)
        vmp_encoder_positions(encoder, id, told->positions,
                              told->position_count);
    if (told->operation_count || is_again)
        vmp_encoder_operations(encoder, id, told->operations,
                               told->operation_count);
}

static uint64_t
since(const struct vmp_telling *telling, uint64_t time_ns)
{
    return time_ns > telling->start_ns ? time_ns - telling->start_ns : 0;
}

static void
tell_state(struct vmp_telling *telling, const struct vmp_trace_copy *copy)
{
    const struct vmp_trace *const trace = &copy->is;
    const struct vmp_trace_info info = {
        .id = trace->id,
        .first_guard = trace->id + 1,
        .guard_count = trace->guard_count,
        .told = trace->told ? &trace->told->is : NULL,
        .code = trace->aborted_code,
        .line = trace->aborted_line,
        .parent = copy->parent,
        .address = (uintptr_t)trace->address,
        .reason = trace->reason,
        .state = trace->state == VMP_TRACE_RESERVED ? VMP_TRACE_REGISTERED
                                                    : trace->state,
        .since_ns = since(telling, trace->since_ns),
        .until_ns = since(telling, trace->until_ns),
        .has_since = trace->since_ns >= telling->start_ns,
        .has_until = trace->state == VMP_TRACE_UNREGISTERED,
    };

    vmp_encoder_trace(telling->encoder, &info);
}

static void
tell(struct vmp_telling *telling, const struct vmp_trace_copy *copy)
{
    const struct vmp_told *const told = copy->is.told;
    const struct vmp_machine_code *const code = copy->is.code;
    const bool is_again = copy->trace->is_told;

    copy->trace->is_told = true;
    tell_state(telling, copy);
    if (!told)
        return;
    if (copy->news & VMP_NEWS_LISTS)
        tell_lists(telling->encoder, copy, is_again);
    if (copy->news & (VMP_NEWS_LISTS | VMP_NEWS_GUARDS) && told->is.guard_count)
        vmp_encoder_guards(telling->encoder, copy->is.id, told->is.guards,
                           copy->bridges, told->is.guard_count);
    if (copy->news & VMP_NEWS_CODE && code)
        vmp_encoder_machine_code(telling->encoder, copy->is.id, code->bytes,
                                 code->size);
}

void
vmp_tell_news(struct vmp_telling *telling)
{
    struct vmp_trace_copy copy;

    if (!telling->has_chunks)
        return;
    while (vmp_traces_next(&copy)) {
        tell(telling, &copy);
        vmp_trace_copy_free(&copy);
    }
    vmp_encoder_finish_traces(telling->encoder);
}

void
vmp_tell_begin(struct vmp_telling *telling)
{
    vmp_tell_news(telling);
    if (!telling->has_chunks)
        telling->gone = vmp_traces_queued();
}

void
vmp_tell_end(struct vmp_telling *telling)
{
    struct vmp_trace_copy copy;

    for (; telling->gone && vmp_traces_next(&copy); telling->gone--)
        vmp_trace_copy_free(&copy);
}

void
vmp_tell_open(const struct vmp_telling *telling)
{
    vmp_traces_record(telling->has_chunks ? VMP_RECORD_TRACES
                                          : VMP_RECORD_GONE_TRACES);
}

void
vmp_tell_close(void)
{
    vmp_traces_record(VMP_RECORD_NO_TRACES);
}

/* One that is gone, or that was registered a moment ago. */
static void
tell_one(struct vmp_telling *telling, vmprof_jit_id id)
{
    struct vmp_trace_copy copy;

    if (!vmp_traces_get(id, &copy))
        return;
    tell(telling, &copy);
    vmp_trace_copy_free(&copy);
    vmp_encoder_finish_traces(telling->encoder);
}

/* A log has no offsets, but the address of each trace. */
static struct vmp_place
place_in(const struct vmp_telling *telling, const struct vmp_trace *trace,
         uint64_t running)
{
    if (!telling->has_chunks)
        return (struct vmp_place){
            .offset = vmp_traces_address(trace),
            .has_offset = true,
        };
    return (struct vmp_place){
        .offset = running >> VMP_RUNS_AT_SHIFT,
        .has_offset = running & VMP_RUNS_AT,
    };
}

int64_t
vmp_tell_frame(struct vmp_telling *telling, uint64_t running)
{
    const vmprof_jit_id id = running & (VMPROF_JIT_MAX_IDS - 1);
    const struct vmp_trace *const trace = id ? vmp_traces_lookup(id) : NULL;
    struct vmp_place place;

    if (!trace)
        return 0;
    if (telling->has_chunks && !trace->is_told)
        tell_one(telling, id);
    place = place_in(telling, trace, running);
    if (!telling->has_chunks && !place.offset)
        return 0;
    return vmp_encoder_trace_frame(telling->encoder, id, &place);
}

/* Those of one trace. */
static void
tell_counts_of(struct vmp_telling *telling, struct vmp_trace *trace)
{
    const uint32_t count = 1 + trace->guard_count;

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t now =
            __atomic_load_n(&trace->counters[i], __ATOMIC_RELAXED);

        if (now == (trace->told_counts ? trace->told_counts[i] : 0))
            continue;
        if (!trace->told_counts)
            trace->told_counts = calloc(count, sizeof(*trace->told_counts));
        if (!trace->told_counts)
            return;
        if (!trace->is_told)
            tell_one(telling, trace->id);
        trace->told_counts[i] = now;
        vmp_encoder_count_of(telling->encoder, trace->id + i, now);
    }
}

void
vmp_tell_counts(struct vmp_telling *telling, uint64_t time_ns)
{
    struct vmp_trace *trace;
    uint32_t index = 0;

    if (!telling->has_chunks)
        return;
    vmp_encoder_begin_counts(telling->encoder, since(telling, time_ns));
    while ((trace = vmp_traces_next_counted(&index, telling->start_ns)))
        tell_counts_of(telling, trace);
    vmp_encoder_finish_counts(telling->encoder);
}
