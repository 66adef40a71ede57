/* SPDX-License-Identifier: MIT */

/* Follows the interpreter from where a path begins to where it ends. */
#include "interp.h"
#include "jit_profile.h"
#include "jit_trace.h"
#include "memory.h"

struct jit_op *
jit_add_op(struct jit *jit, enum jit_operation operation)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_trace *trace = recorder->trace;
    struct jit_op *op;

    trace->ops = make_room(trace->ops, trace->op_count, &trace->op_capacity,
                           sizeof(*trace->ops));
    op = &trace->ops[trace->op_count++];
    *op = (struct jit_op){
        .operation = operation,
        .place = recorder->place,
        .depth = (uint16_t)recorder->depth,
        .pc = trace->places[recorder->place].pc,
    };
    return op;
}

void
jit_add_guard(struct jit *jit, struct jit_op *op, const uint32_t *pc,
              size_t depth)
{
    struct jit_trace *trace = jit->recorder.trace;
    struct jit_guard *guard;

    trace->guards = make_room(trace->guards, trace->guard_count,
                              &trace->guard_capacity, sizeof(*trace->guards));
    guard = &trace->guards[trace->guard_count];
    *guard = (struct jit_guard){
        .trace = trace,
        .number = (uint32_t)trace->guard_count,
        .op = (uint32_t)(op - trace->ops),
        .pc = pc,
        .depth = (uint16_t)depth,
    };
    op->guard = (uint32_t)++trace->guard_count;
}

struct jit_level *
jit_push_level(struct jit *jit, const struct function *function, uint32_t place,
               uint32_t call_depth)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_level *level;

    if (recorder->level + 1 == JIT_LEVELS)
        return NULL;
    level = &recorder->levels[++recorder->level];
    level->frame = NULL;
    level->function = function;
    level->place = place;
    level->call_depth = call_depth;
    for (size_t i = 0; i <= function->max_depth; i++)
        level->known[i] =
            (struct jit_known){ .type = JIT_UNKNOWN, .copy_of = JIT_NO_SLOT };
    return level;
}

static uint32_t
add_place(struct jit_trace *trace, const struct function *function,
          const uint32_t *pc, uint32_t parent)
{
    trace->places = make_room(trace->places, trace->place_count,
                              &trace->place_capacity, sizeof(*trace->places));
    trace->places[trace->place_count] =
        (struct jit_place){ function, pc, parent };
    return (uint32_t)trace->place_count++;
}

void
jit_record_place(struct jit *jit, const struct function *function,
                 const uint32_t *pc, size_t depth)
{
    struct jit_recorder *recorder = &jit->recorder;

    recorder->place = add_place(recorder->trace, function, pc,
                                recorder->levels[recorder->level].place);
    recorder->depth = (uint32_t)depth;
}

static struct jit_trace *
begin(struct jit *jit, enum jit_kind kind)
{
    struct jit_recorder *recorder = &jit->recorder;

    recorder->trace = jit_new_trace(jit, kind);
    recorder->spot = NULL;
    recorder->guard = NULL;
    recorder->caller = NULL;
    recorder->skips = false;
    recorder->ends = false;
    recorder->level = -1;
    recorder->phase =
        (int)vmprof_set_phase(jit->interp->profile, VMPROF_PHASE_TRACING);
    return recorder->trace;
}

void
jit_record_root(struct jit *jit, struct jit_spot *spot, enum jit_kind kind,
                struct frame *frame, const struct function *function,
                const uint32_t *start)
{
    struct jit_trace *trace = begin(jit, kind);
    struct jit_level *level = jit_push_level(jit, function, 0, 0);

    trace->root = trace;
    trace->spot = spot;
    trace->function = function;
    trace->start = start;
    jit->recorder.spot = spot;
    jit->recorder.expected = start;
    if (kind == JIT_LOOP)
        level->frame = frame;
    else
        jit->recorder.caller = frame;
}

/* The calls that a guard lies in, the outermost first, with their frames. */
static void
push_levels(struct jit *jit, const struct jit_trace *from, uint32_t place)
{
    struct jit_recorder *recorder = &jit->recorder;
    const struct jit_place *inner = &from->places[place];
    uint32_t call = 0;

    if (inner->parent) {
        const struct jit_place *outer = &from->places[inner->parent - 1];

        push_levels(jit, from, inner->parent - 1);
        call = 1 + add_place(recorder->trace, outer->function, outer->pc,
                             recorder->levels[recorder->level].place);
    }
    (void)jit_push_level(jit, inner->function, call, 0);
}

void
jit_record_bridge(struct jit *jit, struct jit_guard *guard)
{
    struct jit_trace *trace = begin(jit, JIT_BRIDGE);
    struct frame *frame = jit->interp->current->frame;
    const struct jit_op *op = &guard->trace->ops[guard->op];

    push_levels(jit, guard->trace, op->place);
    for (int i = jit->recorder.level; i >= 0; i--, frame = frame->caller) {
        struct jit_level *level = &jit->recorder.levels[i];

        level->frame = frame;
        if (i > 0)
            level->call_depth =
                (uint32_t)(frame->caller->sp - frame->caller->slots);
    }
    trace->root = guard->trace->root;
    trace->from = guard;
    trace->function = guard->trace->places[op->place].function;
    trace->start = guard->pc;
    jit->recorder.guard = guard;
    jit->recorder.expected = guard->pc;
}

static void
stop(struct jit *jit)
{
    jit->recorder.trace = NULL;
    (void)vmprof_set_phase(jit->interp->profile,
                           (enum vmprof_phase)jit->recorder.phase);
}

/* Each time it takes twice as long until the next try. */
void
jit_abort(struct jit *jit, const char *reason)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_trace *trace = recorder->trace;

    jit_profile_abort(trace, reason);
    jit_name(trace);
    jit_tell(jit, VMPROF_EVENT_JIT_ABORTED, trace);
    if (recorder->spot) {
        recorder->spot->tries++;
        recorder->spot->threshold *= 2;
    } else {
        recorder->guard->tries++;
    }
    jit_free_trace(trace);
    stop(jit);
}

/* The path is recorded. */
static void
finish(struct jit *jit)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_trace *trace = recorder->trace;
    struct vmprof_thread *profile = jit->interp->profile;

    (void)vmprof_set_phase(profile, VMPROF_PHASE_OPTIMISING);
    jit_optimise(trace);
    (void)vmprof_set_phase(profile, VMPROF_PHASE_BACKEND);
    if (!jit_install(jit, trace)) {
        jit_abort(jit, "the system does not give memory for machine code");
        return;
    }
    stop(jit);
}

/* The trace ends with a jump to what is compiled for this place, or back to its
 * own beginning. */
static void
end_with_jump(struct jit *jit, struct jit_trace *target)
{
    struct jit_trace *trace = jit->recorder.trace;

    jit_add_op(jit, JIT_JUMP)->target = target;
    trace->target = target;
    trace->end = target == trace ? JIT_TO_LABEL : JIT_TO_TARGET;
    if (trace->kind != JIT_BRIDGE && target != trace)
        trace->kind = JIT_ENTRY_BRIDGE;
    finish(jit);
}

void
jit_record_call(struct jit *jit, struct jit_trace *target)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_trace *trace = recorder->trace;
    const struct jit_level *callee = &recorder->levels[recorder->level--];
    const struct jit_place *call = &trace->places[callee->place - 1];

    jit_add_op(jit, JIT_CALL_TRACE)->target = target;
    recorder->place = callee->place - 1;
    recorder->expected = call->pc + 1;
    recorder->skips = true;
    recorder->skipped = 0;
    jit_add_guard(jit, jit_add_op(jit, JIT_GUARD_VALID), recorder->expected,
                  callee->call_depth + 1u);
}

/* What is called runs in the meantime, compiled or not. */
static bool
has_returned(struct jit *jit, const struct frame *frame, const uint32_t *pc)
{
    struct jit_recorder *recorder = &jit->recorder;

    if (frame == recorder->levels[recorder->level].frame &&
        pc == recorder->expected)
        recorder->skips = false;
    else if (frame == recorder->levels[recorder->level].frame ||
             ++recorder->skipped == JIT_SKIPPED_MAX)
        jit_abort(jit, "a trace that is called did not return");
    return recorder->trace && !recorder->skips;
}

/* The frame of a call that has begun since. */
static void
meet_frame(struct jit *jit, struct frame *frame)
{
    struct jit_recorder *recorder = &jit->recorder;
    struct jit_level *level = &recorder->levels[recorder->level];
    const struct frame *caller =
        recorder->level > 0 ? level[-1].frame : recorder->caller;

    if (!level->frame && frame->caller == caller &&
        frame->function == level->function)
        level->frame = frame;
}

/* What is compiled for the place that recording has come to. */
static struct jit_trace *
find_target(struct jit *jit, const struct frame *frame, const uint32_t *pc)
{
    struct jit_trace *trace = jit->recorder.trace;

    if (trace->kind == JIT_LOOP && pc == trace->start &&
        jit->recorder.level == 0 && trace->op_count > 0)
        return trace;
    return jit_loop_spot(jit, frame->function, pc)->trace;
}

static void
record_instruction(struct jit *jit, struct frame *frame, const uint32_t *pc,
                   struct value *sp)
{
    struct jit_trace *target = find_target(jit, frame, pc);

    jit_record_place(jit, frame->function, pc, (size_t)(sp - frame->slots));
    if (target && jit->recorder.level == 0)
        end_with_jump(jit, target);
    else if (target)
        jit_record_call(jit, target);
    else if (jit_translate(jit, frame, pc, sp) && jit->recorder.ends)
        finish(jit);
}

void
jit_record(struct jit *jit, struct frame *frame, const uint32_t *pc,
           struct value *sp)
{
    struct jit_recorder *recorder = &jit->recorder;

    if (recorder->skips && !has_returned(jit, frame, pc))
        return;
    meet_frame(jit, frame);
    if (frame != recorder->levels[recorder->level].frame ||
        pc != recorder->expected)
        jit_abort(jit, "an exception or another coroutine");
    else if (recorder->trace->op_count > JIT_OPS_MAX)
        jit_abort(jit, "the path is too long");
    else
        record_instruction(jit, frame, pc, sp);
}
