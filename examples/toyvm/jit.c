/* SPDX-License-Identifier: MIT */

/* When to record, when to run what was compiled, and what to do after it. */
#include "interp.h"
#include "jit_profile.h"
#include "jit_trace.h"
#include "jit_truth.h"
#include "jit_types.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

void
jit_start(struct interp *interp, const struct jit_settings *settings,
          const char *thread)
{
    const struct program *program = interp->program;
    struct jit *jit;

    if (settings->backend == JIT_OFF)
        return;
    jit = allocate(sizeof(*jit));
    jit->interp = interp;
    jit->settings = *settings;
    jit->loops = allocate(program->function_count * sizeof(*jit->loops));
    jit->calls = allocate(program->function_count * sizeof(*jit->calls));
    if (settings->truth)
        jit->truth = jit_truth_start(thread, settings->clock);
    interp->jit = jit;
}

const struct jit_settings *
jit_settings_of(const struct jit *jit)
{
    return jit ? &jit->settings : NULL;
}

void
jit_stop(struct interp *interp)
{
    struct jit *jit = interp->jit;
    struct jit_trace *next;

    if (!jit)
        return;
    if (jit->recorder.trace)
        jit_abort(jit, "the thread has ended");
    if (jit->truth)
        jit_truth_stop(jit);
    for (struct jit_trace *trace = jit->traces; trace; trace = next) {
        next = trace->next;
        jit_retire(trace);
        jit_free_trace(trace);
    }
    for (size_t i = 0; i < interp->program->function_count; i++)
        free(jit->loops[i]);
    free(jit->loops);
    free(jit->calls);
    free(jit);
    interp->jit = NULL;
}

bool
jit_records(const struct jit *jit)
{
    return jit->recorder.trace != NULL;
}

struct jit_spot *
jit_loop_spot(struct jit *jit, const struct function *function,
              const uint32_t *header)
{
    struct jit_spot **spots = &jit->loops[function->index];

    if (!*spots)
        *spots = allocate(function->count * sizeof(**spots));
    return &(*spots)[header - function->code];
}

/* Whether it is time to record; not while something else is. */
static bool
is_hot(struct jit *jit, struct jit_spot *spot)
{
    if (++spot->count < spot->threshold || jit->recorder.trace ||
        spot->tries == JIT_TRIES_MAX)
        return false;
    spot->count = 0;
    return true;
}

/* A guard that fails often is where another path begins. */
static void
look_at_guard(struct jit *jit, struct jit_guard *guard)
{
    if (++guard->failures < jit->settings.bridge || jit->recorder.trace ||
        guard->trace->is_invalid || guard->tries == JIT_TRIES_MAX)
        return;
    guard->failures = 0;
    jit_record_bridge(jit, guard);
}

/* Run a trace in the frame that is current. */
static enum jit_next
run(struct jit *jit, struct jit_trace *trace)
{
    struct interp *interp = jit->interp;
    enum vmprof_phase phase =
        vmprof_set_phase(interp->profile, VMPROF_PHASE_COMPILED);
    const struct jit_guard *exit;

    jit_tell(jit, VMPROF_EVENT_JIT_ENTERED, trace);
    jit->nesting++;
    exit = trace->enter(interp, interp->current->frame, trace);
    jit->nesting--;
    (void)vmprof_set_phase(interp->profile, phase);
    jit_tell(jit, VMPROF_EVENT_JIT_LEFT, trace);
    if (exit->trace)
        look_at_guard(jit, &exit->trace->guards[exit->number]);
    if (jit->has_invalid)
        jit_reap(jit);
    return exit == &jit_thrown ? JIT_THROW : JIT_GO_ON;
}

static enum jit_next
at_loop(struct jit *jit, struct frame *frame, const uint32_t *pc)
{
    const uint32_t *header = pc + 1 + operand_of(word_at(pc));
    struct jit_spot *spot = jit_loop_spot(jit, frame->function, header);

    if (spot->trace && jit_hides_events(jit, spot->trace))
        return JIT_INTERPRET;
    if (spot->trace) {
        profile_poll(jit->interp->profile);
        frame->pc = (uintptr_t)header;
        return run(jit, spot->trace);
    }
    if (spot->threshold == 0)
        spot->threshold =
            jit_types_threshold(&jit->settings, frame->function, header, pc);
    if (is_hot(jit, spot))
        jit_record_root(jit, spot, JIT_LOOP, frame, frame->function, header);
    return JIT_INTERPRET;
}

/* The trace of a function that is called, in a frame of its own. */
static enum jit_next
enter_function(struct jit *jit, struct frame *frame, struct jit_trace *trace,
               const struct value *arguments)
{
    struct interp *interp = jit->interp;
    const struct function *function = arguments[-1].function;
    struct frame *pushed;

    profile_poll(interp->profile);
    frame->sp -= function->arity + 1;
    pushed = push_frame(interp, interp->current, function, arguments,
                        function->arity);
    if (!pushed)
        return JIT_THROW;
    profile_enter(interp->profile, pushed, jit->stack_pointer);
    if (interp->truth)
        truth_switch(interp->truth, function->index);
    return run(jit, trace);
}

/* Functions are recorded later than loops, so that those that a loop calls
 * become a part of it. */
static enum jit_next
at_call(struct jit *jit, struct frame *frame, const uint32_t *pc,
        const struct value *sp)
{
    size_t count = (size_t)operand_of(word_at(pc));
    const struct value *callee = sp - count - 1;
    const struct function *function = callee->function;
    struct jit_spot *spot;

    if (callee->type != VALUE_FUNCTION || function->arity != count)
        return JIT_INTERPRET;
    spot = &jit->calls[function->index];
    if (spot->trace && jit_hides_events(jit, spot->trace))
        return JIT_INTERPRET;
    if (spot->trace)
        return enter_function(jit, frame, spot->trace, callee + 1);
    if (spot->threshold == 0)
        spot->threshold = jit->settings.hot + jit->settings.hot / 2 + 1;
    if (is_hot(jit, spot))
        jit_record_root(jit, spot, JIT_METHOD, frame, function, function->code);
    return JIT_INTERPRET;
}

enum jit_next
jit_step(struct interp *interp, struct frame *frame, const uint32_t *pc,
         struct value *sp, uintptr_t stack_pointer)
{
    struct jit *jit = interp->jit;

    jit->stack_pointer = stack_pointer;
    frame->sp = sp;
    if (jit->recorder.trace)
        jit_record(jit, frame, pc, sp);
    if (jit->recorder.trace && !jit->recorder.skips)
        return JIT_INTERPRET;
    /* All bytecodes of some calls are to be seen. */
    if (vmprof_has_candidates(interp->profile))
        return JIT_INTERPRET;
    if (opcode_of(word_at(pc)) == OP_LOOP)
        return at_loop(jit, frame, pc);
    if (opcode_of(word_at(pc)) == OP_CALL)
        return at_call(jit, frame, pc, sp);
    return JIT_INTERPRET;
}
