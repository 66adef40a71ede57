/* SPDX-License-Identifier: MIT */

/* Operations that are C functions, the same for all back ends. Each does what
 * interp.c does for the instruction that it was made of. */
#include "calls.h"
#include "jit_trace.h"

const struct jit_guard jit_finished;
const struct jit_guard jit_thrown;
const struct jit_guard jit_left;

static struct frame *
leave(struct interp *interp, const struct jit_guard *exit)
{
    interp->jit->exit = exit;
    return NULL;
}

static struct frame *
check(struct interp *interp, struct frame *frame, bool succeeded)
{
    return succeeded ? frame : leave(interp, &jit_thrown);
}

/* So many values live on: a collection may be due. */
static struct frame *
collect(struct interp *interp, struct frame *frame, size_t depth)
{
    if (interp->heap.size > interp->heap.threshold) {
        frame->sp = frame->slots + depth;
        heap_collect(interp);
    }
    return frame;
}

static struct frame *
do_operate(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    struct value *slots = frame->slots;
    struct value result;

    if (!operate(interp, opcode_of(word_at(op->pc)), slots[op->a], slots[op->b],
                 &result))
        return leave(interp, &jit_thrown);
    slots[op->to] = result;
    return collect(interp, frame, op->depth - 1u);
}

static struct frame *
do_negate(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    struct value *value = &frame->slots[op->a];

    return check(interp, frame,
                 operate(interp, OP_SUBTRACT, value_int(0), *value, value));
}

static struct frame *
do_equal(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    struct value *slots = frame->slots;
    bool unequal = opcode_of(word_at(op->pc)) == OP_UNEQUAL;

    (void)interp;
    slots[op->to] =
        value_bool(value_equal(slots[op->a], slots[op->b]) != unequal);
    return frame;
}

static struct frame *
do_list(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    struct value list = value_cell(VALUE_LIST, heap_new_list(&interp->heap));

    for (size_t i = op->to; i < op->depth; i++)
        list_push(&interp->heap, list.list, frame->slots[i]);
    frame->slots[op->to] = list;
    return collect(interp, frame, op->to + 1u);
}

static struct frame *
do_object(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    frame->slots[op->to] =
        value_cell(VALUE_OBJECT, heap_new_object(&interp->heap));
    return collect(interp, frame, op->to + 1u);
}

static struct frame *
do_get_index(struct interp *interp, struct frame *frame,
             const struct jit_op *op)
{
    struct value *slots = frame->slots;
    struct value result;

    if (!get_index(interp, slots[op->a], slots[op->b], &result))
        return leave(interp, &jit_thrown);
    slots[op->to] = result;
    return collect(interp, frame, op->depth - 1u);
}

static struct frame *
do_set_index(struct interp *interp, struct frame *frame,
             const struct jit_op *op)
{
    struct value *slots = frame->slots;

    return check(interp, frame,
                 set_index(interp, slots[op->a], slots[op->b], slots[op->to]));
}

static struct frame *
do_get_attribute(struct interp *interp, struct frame *frame,
                 const struct jit_op *op)
{
    return check(interp, frame,
                 get_attribute(interp, frame->slots[op->a], op->value,
                               &frame->slots[op->to]));
}

static struct frame *
do_set_attribute(struct interp *interp, struct frame *frame,
                 const struct jit_op *op)
{
    return check(interp, frame,
                 set_attribute(interp, frame->slots[op->a], op->value,
                               frame->slots[op->b]));
}

static struct frame *
do_poll(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    (void)op;
    profile_poll(interp->profile);
    if (VMPROF_EXPECT(jit_must_look(interp->jit), 0))
        return leave(interp, &jit_left);
    return frame;
}

static struct frame *
do_call_native(struct interp *interp, struct frame *frame,
               const struct jit_op *op)
{
    struct value *callee = &frame->slots[op->a];
    size_t count = op->depth - op->a - 1u;
    struct value result;

    profile_poll(interp->profile);
    frame->sp = callee;
    if (!call_native(interp, callee->native, callee + 1, count, &result))
        return leave(interp, &jit_thrown);
    *callee = result;
    (void)collect(interp, frame, op->a + 1u);
    if (VMPROF_EXPECT(!jit_must_look(interp->jit), 1))
        return frame;
    frame->pc += sizeof(uint32_t); /* the call is over */
    frame->sp = callee + 1;
    return leave(interp, &jit_left);
}

static struct frame *
do_push(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    struct value *callee = &frame->slots[op->a];
    size_t count = op->depth - op->a - 1u;

    /* All bytecodes of some calls are to be seen. */
    if (vmprof_has_candidates(interp->profile) || jit_must_look(interp->jit))
        return leave(interp, &jit_left);
    profile_poll(interp->profile);
    frame->sp = callee;
    if (!call_function(interp, *callee, callee + 1, count,
                       interp->jit->stack_pointer))
        return leave(interp, &jit_thrown);
    frame = interp->current->frame;
    if (interp->truth)
        truth_switch(interp->truth, frame->function->index);
    return frame;
}

static struct frame *
return_value(struct interp *interp, struct frame *frame,
             const struct jit_op *op)
{
    struct value value = frame->slots[op->a];
    struct frame *caller;

    profile_poll(interp->profile);
    profile_end_call(interp->profile, frame);
    profile_leave(interp->profile, frame);
    pop_frame(interp->current);
    caller = interp->current->frame;
    *caller->sp++ = value;
    if (interp->truth)
        truth_switch(interp->truth, caller->function->index);
    return caller;
}

static struct frame *
do_return(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    return return_value(interp, frame, op);
}

/* The first frame of a coroutine and of a thread is left by the interpreter. */
static struct frame *
do_finish(struct interp *interp, struct frame *frame, const struct jit_op *op)
{
    if (!frame->caller)
        return leave(interp, &jit_left);
    frame = return_value(interp, frame, op);
    frame->pc += sizeof(uint32_t); /* the call is over */
    return frame;
}

/* The frame of what is called is there. If it was left but by returning, so is
 * this trace. */
static struct frame *
do_call_trace(struct interp *interp, struct frame *frame,
              const struct jit_op *op)
{
    struct jit *jit = interp->jit;
    struct frame *caller = frame->caller;
    const struct jit_guard *exit;

    if (jit->nesting == JIT_NESTING_MAX || op->target->is_invalid)
        return leave(interp, &jit_left);
    jit->nesting++;
    exit = op->target->enter(interp, frame, op->target);
    jit->nesting--;
    if (exit != &jit_finished)
        return leave(interp, exit);
    /* The interpreter would go on behind the call: so does this trace. */
    caller->pc -= sizeof(uint32_t);
    return caller;
}

const jit_helper jit_helpers[] = {
    [JIT_OPERATE - JIT_FIRST_HELPER] = do_operate,
    [JIT_NEGATE - JIT_FIRST_HELPER] = do_negate,
    [JIT_EQUAL - JIT_FIRST_HELPER] = do_equal,
    [JIT_LIST - JIT_FIRST_HELPER] = do_list,
    [JIT_OBJECT - JIT_FIRST_HELPER] = do_object,
    [JIT_GET_INDEX - JIT_FIRST_HELPER] = do_get_index,
    [JIT_SET_INDEX - JIT_FIRST_HELPER] = do_set_index,
    [JIT_GET_ATTRIBUTE - JIT_FIRST_HELPER] = do_get_attribute,
    [JIT_SET_ATTRIBUTE - JIT_FIRST_HELPER] = do_set_attribute,
    [JIT_POLL - JIT_FIRST_HELPER] = do_poll,
    [JIT_CALL_NATIVE - JIT_FIRST_HELPER] = do_call_native,
    [JIT_PUSH - JIT_FIRST_HELPER] = do_push,
    [JIT_RETURN - JIT_FIRST_HELPER] = do_return,
    [JIT_FINISH - JIT_FIRST_HELPER] = do_finish,
    [JIT_CALL_TRACE - JIT_FIRST_HELPER] = do_call_trace,
};
