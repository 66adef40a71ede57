/* SPDX-License-Identifier: MIT */

#include "jit_profile.h"

#include "interp.h"
#include "jit_trace.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <vmprof/emit.h>
#include <vmprof/trace.h>

/* Without memory there is no profile of a trace; it runs nevertheless. */
static void
complain(const struct jit_trace *trace, int error)
{
    fprintf(stderr, "toyvm: a trace cannot be profiled: %s: %s\n", trace->name,
            vmprof_strerror(error));
}

void
jit_profile_reserve(struct jit_trace *trace)
{
    struct vmprof_reserved_trace reserved;
    int error = vmprof_reserve_trace(trace->guard_count, &reserved);

    if (error) {
        complain(trace, error);
        return;
    }
    trace->id = reserved.id;
    trace->first_guard = reserved.first_guard;
    trace->counters = reserved.counters;
    trace->emits = trace->jit->settings.emits ? trace->jit->settings.emits
                                              : vmprof_wanted_emits();
}

/* The function, the instruction and its line of each place. */
static struct vmprof_trace_place *
make_places(const struct jit_trace *trace)
{
    struct vmprof_trace_place *places =
        allocate(trace->place_count * sizeof(*places));

    for (size_t i = 0; i < trace->place_count; i++) {
        const struct jit_place *place = &trace->places[i];

        places[i].code = place->function->id;
        places[i].offset = (uint64_t)(place->pc - place->function->code);
        places[i].line = jit_line(trace, (uint32_t)i);
        places[i].parent = place->parent;
    }
    return places;
}

/* A position where the place changes: operations of one are in a row. */
static struct vmprof_trace_position *
make_positions(const struct jit_trace *trace, uint64_t *count)
{
    struct vmprof_trace_position *positions =
        allocate((trace->op_count + 1) * sizeof(*positions));

    *count = 0;
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct jit_op *op = &trace->ops[i];

        if (i == 0 || op->place != op[-1].place)
            positions[(*count)++] =
                (struct vmprof_trace_position){ op->offset, op->place };
    }
    return positions;
}

/* Text that is as long as it takes. */
static char *
make_text(const struct jit_op *op)
{
    char text[160];

    jit_format_op(op, text, sizeof(text));
    return strdup(text);
}

static struct vmprof_trace_operation *
make_operations(const struct jit_trace *trace)
{
    struct vmprof_trace_operation *operations =
        allocate((trace->op_count + 1) * sizeof(*operations));

    for (size_t i = 0; i < trace->op_count; i++) {
        const struct jit_op *op = &trace->ops[i];

        operations[i] = (struct vmprof_trace_operation){
            .offset = op->offset,
            .place = op->place + 1,
            .guard = op->guard,
            .text = make_text(op),
        };
    }
    return operations;
}

static struct vmprof_trace_guard *
make_guards(const struct jit_trace *trace,
            const struct vmprof_trace_operation *operations)
{
    struct vmprof_trace_guard *guards =
        allocate((trace->guard_count + 1) * sizeof(*guards));

    for (size_t i = 0; i < trace->guard_count; i++) {
        const struct jit_guard *guard = &trace->guards[i];

        guards[i] = (struct vmprof_trace_guard){
            .offset = guard->offset,
            .place = trace->ops[guard->op].place + 1,
            .text = operations[guard->op].text,
        };
    }
    return guards;
}

static void
describe(const struct jit_trace *trace, struct vmprof_trace *out)
{
    vmprof_trace_init(out);
    out->kind = trace->kind;
    out->end = trace->end;
    out->name = trace->name;
    out->code = trace->function->id;
    out->offset = (uint64_t)(trace->start - trace->function->code);
    out->line = function_line(trace->function, (uintptr_t)trace->start);
    if (trace->from)
        out->guard = trace->from->trace->first_guard + trace->from->number;
    if (trace->target)
        out->target = trace->target->id;
    out->address = trace->code;
    out->length = trace->code_size;
    if (trace->code)
        out->loop_offset = (uint64_t)(trace->label - trace->code);
    out->emits = trace->emits;
    if (trace->code)
        out->frame = VMPROF_TRACE_FRAME_POINTER;
}

void
jit_profile_register(struct jit_trace *trace)
{
    struct vmprof_trace_place *places = make_places(trace);
    struct vmprof_trace_operation *operations = make_operations(trace);
    struct vmprof_trace_guard *guards = make_guards(trace, operations);
    struct vmprof_trace about;
    int error = 0;

    describe(trace, &about);
    about.places = places;
    about.place_count = trace->place_count;
    about.positions = make_positions(trace, &about.position_count);
    about.guards = guards;
    about.guard_count = trace->guard_count;
    about.operations = operations;
    about.operation_count = trace->op_count;
    if (trace->id)
        error = vmprof_register_trace(trace->id, &about);
    if (error)
        complain(trace, error);
    for (size_t i = 0; i < trace->op_count; i++)
        free((char *)(uintptr_t)operations[i].text);
    free((void *)(uintptr_t)about.positions);
    free(operations);
    free(guards);
    free(places);
}

void
jit_profile_stitch(const struct jit_guard *guard)
{
    uint32_t id = guard->trace->first_guard + guard->number;
    int error = vmprof_stitch_bridge(id, guard->bridge ? guard->bridge->id : 0);

    if (error)
        complain(guard->trace, error);
}

void
jit_profile_unregister(const struct jit_trace *trace)
{
    int error = trace->id ? vmprof_unregister_trace(trace->id) : 0;

    if (error)
        complain(trace, error);
}

void
jit_profile_abort(const struct jit_trace *trace, const char *reason)
{
    int error = vmprof_abort_trace(
        trace->id, trace->function->id,
        function_line(trace->function, (uintptr_t)trace->start), reason);

    if (error)
        complain(trace, error);
}

/* What an event names: a guard where control leaves through one. */
static uint32_t
id_of(const struct jit_trace *trace, const struct jit_guard *guard)
{
    return guard ? trace->first_guard + guard->number : trace->id;
}

/* Entries of a trace are counted, and exits through guards. */
static uint64_t *
counter_of(enum jit_edge edge, const struct jit_trace *trace,
           const struct jit_guard *guard)
{
    if (guard)
        return &trace->counters[1 + guard->number];
    if (edge == JIT_EDGE_ENTER || edge == JIT_EDGE_JUMP)
        return &trace->counters[0];
    return NULL;
}

void
jit_edge(struct jit *jit, enum jit_edge edge, struct jit_trace *trace,
         struct jit_guard *guard, bool is_inner)
{
    struct vmprof_thread *profile = jit->interp->profile;
    uint64_t *counter = counter_of(edge, trace, guard);

    if (jit->truth)
        jit_truth_edge(jit->truth, edge, trace, guard);
    if (counter && (trace->emits & VMPROF_EMIT_COUNT))
        ++*counter;
    if (edge == JIT_EDGE_ENTER)
        vmprof_jit_enter(profile, trace->id, trace->emits);
    else if (edge == JIT_EDGE_JUMP && is_inner)
        vmprof_jit_jump_inner(profile, trace->id, trace->emits);
    else if (edge == JIT_EDGE_JUMP)
        vmprof_jit_jump(profile, trace->id, trace->emits);
    else if (edge == JIT_EDGE_EXIT)
        vmprof_jit_exit(profile, id_of(trace, guard), trace->emits);
    else if (edge == JIT_EDGE_CALL)
        vmprof_jit_call(profile, trace->id, trace->emits);
    else
        vmprof_jit_return(profile, trace->id, trace->emits);
}

size_t
jit_profile_emit(enum jit_edge edge, const struct jit_trace *trace,
                 const struct jit_guard *guard, bool is_inner, uint8_t *code)
{
    enum {
        SCRATCH = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 6 | 1 << 7,
        R13 = 13
    };
    struct vmprof_emit emit;
    int size;

    vmprof_emit_init(&emit);
    emit.edge = (uint32_t)edge;
    emit.id = id_of(trace, guard);
    emit.emits = trace->emits;
    emit.is_inner = is_inner;
    emit.base = VMPROF_BASE_REGISTER;
    emit.base_register = R13;
    emit.scratch = SCRATCH; /* rax, rcx, rdx, rsi, rdi */
    emit.counter = counter_of(edge, trace, guard);
    if (!emit.counter)
        emit.emits &= ~(uint32_t)VMPROF_EMIT_COUNT;
    size = vmprof_emit_edge(&emit, code, JIT_PROFILE_EDGE_MAX);
    if (size < 0)
        complain(trace, size);
    return size < 0 ? 0 : (size_t)size;
}
