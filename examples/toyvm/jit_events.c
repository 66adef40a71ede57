/* SPDX-License-Identifier: MIT */

/* Compiled code tells no events of its instructions: while somebody wants one,
 * what was compiled of that instruction does not run, nor what leads there. */
#include "events.h"
#include "jit_trace.h"

static bool
has_told_instruction(const struct jit_trace *trace)
{
    for (size_t i = 0; i < trace->place_count; i++) {
        if (events_are_told(trace->places[i].pc))
            return true;
    }
    return false;
}

static bool
leads_to_told(const struct jit_trace *trace)
{
    for (size_t i = 0; i < trace->op_count; i++) {
        if (trace->ops[i].target && trace->ops[i].target->is_told)
            return true;
    }
    for (size_t i = 0; i < trace->guard_count; i++) {
        if (trace->guards[i].bridge && trace->guards[i].bridge->is_told)
            return true;
    }
    return false;
}

static void
look(struct jit *jit)
{
    bool changed = true;

    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next)
        trace->is_told = has_told_instruction(trace);
    while (changed) {
        changed = false;
        for (struct jit_trace *trace = jit->traces; trace;
             trace = trace->next) {
            if (!trace->is_told && leads_to_told(trace))
                changed = trace->is_told = true;
        }
    }
}

bool
jit_must_look(const struct jit *jit)
{
    return jit->events_version != events_version();
}

bool
jit_hides_events(struct jit *jit, const struct jit_trace *trace)
{
    const uint64_t version = events_version();

    if (VMPROF_EXPECT(jit->events_version != version, 0)) {
        look(jit);
        jit->events_version = version;
    }
    return trace->is_told;
}

void
jit_tell(struct jit *jit, int kind, const struct jit_trace *trace)
{
    const struct vmprof_event event = {
        .kind = (uint32_t)kind,
        .line = function_line(trace->function, (uintptr_t)trace->start),
        .code = trace->function->id,
        .offset = (uint64_t)(trace->start - trace->function->code),
        .target = trace->id,
        .object = (void *)(uintptr_t)trace->name,
    };

    if (events_want(jit->interp, kind))
        (void)vmprof_fire_event(jit->interp->profile, &event);
}
