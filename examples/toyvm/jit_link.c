/* SPDX-License-Identifier: MIT */

/* The life of a trace: it is installed where it begins, and taken away with all
 * that leads to it. */
#include "interp.h"
#include "jit_profile.h"
#include "jit_trace.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

struct jit_trace *
jit_new_trace(struct jit *jit, enum jit_kind kind)
{
    struct jit_trace *trace = allocate(sizeof(*trace));

    trace->jit = jit;
    trace->kind = kind;
    return trace;
}

void
jit_free_trace(struct jit_trace *trace)
{
    jit_free_code(trace);
    free(trace->ops);
    free(trace->guards);
    free(trace->places);
    free(trace->truth);
    free(trace);
}

void
jit_name(struct jit_trace *trace)
{
    static const char *const kinds[] = {
        [JIT_LOOP] = "loop",
        [JIT_ENTRY_BRIDGE] = "entry",
        [JIT_BRIDGE] = "bridge",
        [JIT_METHOD] = "method",
    };

    snprintf(trace->name, sizeof(trace->name), "%s %u %.30s:%u",
             kinds[trace->kind], trace->id, trace->function->name,
             function_line(trace->function, (uintptr_t)trace->start));
}

/* Where nothing had to be allocated by the system, nothing can fail. */
static bool
compile(struct jit *jit, struct jit_trace *trace)
{
    if (jit->settings.backend == JIT_MACHINE)
        return jit_assemble(trace);
    jit_thread(trace);
    return true;
}

bool
jit_install(struct jit *jit, struct jit_trace *trace)
{
    jit_profile_reserve(trace);
    jit_name(trace);
    if (!compile(jit, trace))
        return false;
    jit_profile_register(trace);
    jit_tell(jit, VMPROF_EVENT_JIT_COMPILED, trace);
    jit->events_version = 0; /* to be looked at again */
    trace->next = jit->traces;
    jit->traces = trace;
    if (trace->spot) {
        trace->spot->trace = trace;
        return true;
    }
    trace->from->bridge = trace;
    jit_patch(trace->from);
    jit_profile_stitch(trace->from);
    return true;
}

bool
jit_is_inner(const struct jit_trace *from, const struct jit_trace *to)
{
    const struct jit_trace *bridge = from->kind == JIT_BRIDGE ? from : to;

    return from->root == to->root && bridge->kind == JIT_BRIDGE &&
           bridge->target == bridge->root;
}

void
jit_retire(struct jit_trace *trace)
{
    if (trace->is_freed)
        return;
    trace->is_freed = true;
    jit_profile_unregister(trace);
    if (trace->spot)
        trace->spot->trace = NULL;
    if (trace->from && !trace->from->trace->is_freed) {
        trace->from->bridge = NULL;
        jit_patch(trace->from);
        jit_profile_stitch(trace->from);
    }
}

static bool
has_function(const struct jit_trace *trace, const struct function *function)
{
    for (size_t i = 0; i < trace->place_count; i++) {
        if (trace->places[i].function == function)
            return true;
    }
    return false;
}

/* What it was made from, or jumps to, or calls is not valid any more. */
static bool
leads_to_invalid(const struct jit_trace *trace)
{
    if (trace->root->is_invalid ||
        (trace->from && trace->from->trace->is_invalid))
        return true;
    for (size_t i = 0; i < trace->op_count; i++) {
        if (trace->ops[i].target && trace->ops[i].target->is_invalid)
            return true;
    }
    return false;
}

/* Until nothing changes any more. */
static void
spread(struct jit *jit)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (struct jit_trace *trace = jit->traces; trace;
             trace = trace->next) {
            if (!trace->is_invalid && leads_to_invalid(trace))
                changed = trace->is_invalid = true;
        }
    }
}

void
jit_invalidate(struct interp *interp, const struct function *function)
{
    struct jit *jit = interp->jit;

    if (!jit)
        return;
    if (jit->recorder.trace)
        jit_abort(jit, "a function was invalidated");
    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next) {
        if (!trace->is_invalid && has_function(trace, function))
            trace->is_invalid = jit->has_invalid = true;
    }
    spread(jit);
    if (jit->nesting == 0)
        jit_reap(jit);
}

/* No trace runs: those that are invalid can go. What led to them is kept for the
 * truth alone. */
void
jit_reap(struct jit *jit)
{
    if (jit->nesting > 0)
        return;
    jit->has_invalid = false;
    for (struct jit_trace *trace = jit->traces; trace; trace = trace->next) {
        if (trace->is_invalid && !trace->is_freed) {
            jit_tell(jit, VMPROF_EVENT_JIT_INVALIDATED, trace);
            jit_retire(trace);
            jit_free_code(trace);
        }
    }
}
