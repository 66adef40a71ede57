/* SPDX-License-Identifier: MIT */

/* The back end for any machine: a loop in C that runs operations. */
#include "interp.h"
#include "jit_profile.h"
#include "jit_trace.h"

/* Labels as values are what threaded code is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* So that a place in an operation's code is known, and sp where C needs it. */
static void
store_state(struct frame *frame, const struct jit_op *op)
{
    __atomic_store_n(&frame->pc, (uintptr_t)op->pc, __ATOMIC_RELAXED);
    frame->sp = frame->slots + op->depth;
}

static int64_t
divide(enum jit_operation operation, int64_t a, int64_t b)
{
    return operation == JIT_INT_DIVIDE ? a / b : a % b;
}

#define NEXT()                                                                 \
    do {                                                                       \
        op++;                                                                  \
        goto *labels[op->operation];                                           \
    } while (0)
#define GUARD(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            goto failed;                                                       \
        NEXT();                                                                \
    } while (0)
#define A      slots[op->a]
#define B      slots[op->b]
#define RESULT slots[op->to]
#define INT(builtin)                                                           \
    do {                                                                       \
        int64_t number;                                                        \
                                                                               \
        (void)builtin(A.integer, B.integer, &number);                          \
        RESULT = value_int(number);                                            \
        NEXT();                                                                \
    } while (0)
#define COMPARE(field, operator)                                               \
    do {                                                                       \
        RESULT = value_bool(A.field operator B.field);                         \
        NEXT();                                                                \
    } while (0)
#define FLOAT(operator)                                                        \
    do {                                                                       \
        RESULT = value_float(A.number operator B.number);                      \
        NEXT();                                                                \
    } while (0)

static const struct jit_guard *
run(struct interp *interp, struct frame *frame, struct jit_trace *trace)
{
    static const void *const labels[] = {
#define LABEL(name) [JIT_##name] = &&do_##name,
        JIT_OPERATIONS(LABEL)
#undef LABEL
    };
    struct jit *const jit = interp->jit;
    struct value *slots = frame->slots;
    const struct jit_op *op = trace->ops;
    struct jit_guard *guard;
    struct frame *next;

    jit_edge(jit, JIT_EDGE_ENTER, trace, NULL, false);
    goto *labels[op->operation];

do_CONSTANT:
    RESULT = op->value;
    NEXT();
do_COPY:
    RESULT = A;
    NEXT();
do_INT_ADD:
    INT(__builtin_add_overflow);
do_INT_SUBTRACT:
    INT(__builtin_sub_overflow);
do_INT_MULTIPLY:
    INT(__builtin_mul_overflow);
do_INT_DIVIDE:
do_INT_REMAINDER:
    RESULT = value_int(divide(op->operation, A.integer, B.integer));
    NEXT();
do_INT_EQUAL:
    COMPARE(integer, ==);
do_INT_UNEQUAL:
    COMPARE(integer, !=);
do_INT_LESS:
    COMPARE(integer, <);
do_INT_LESS_EQUAL:
    COMPARE(integer, <=);
do_INT_GREATER:
    COMPARE(integer, >);
do_INT_GREATER_EQUAL:
    COMPARE(integer, >=);
do_FLOAT_ADD:
    FLOAT(+);
do_FLOAT_SUBTRACT:
    FLOAT(-);
do_FLOAT_MULTIPLY:
    FLOAT(*);
do_FLOAT_DIVIDE:
    FLOAT(/);
do_FLOAT_LESS:
    COMPARE(number, <);
do_FLOAT_LESS_EQUAL:
    COMPARE(number, <=);
do_FLOAT_GREATER:
    COMPARE(number, >);
do_FLOAT_GREATER_EQUAL:
    COMPARE(number, >=);
do_NOT:
    A = value_bool(!A.boolean);
    NEXT();
do_LOAD_ITEM:
    RESULT = A.list->items[B.integer];
    NEXT();
do_STORE_ITEM:
    A.list->items[B.integer] = RESULT;
    NEXT();

do_GUARD_TYPE:
    GUARD(A.type == op->type);
do_GUARD_TRUE:
    GUARD(A.boolean);
do_GUARD_FALSE:
    GUARD(!A.boolean);
do_GUARD_POINTER:
    GUARD((const void *)A.function == op->pointer);
do_GUARD_DIVISOR:
    GUARD(A.integer != 0 && A.integer != -1);
do_GUARD_INDEX:
    GUARD((uint64_t)B.integer < A.list->count);
do_GUARD_VALID:
    GUARD(!trace->is_invalid);

do_JUMP:
    if (op->target != trace)
        jit_edge(jit, JIT_EDGE_JUMP, op->target, NULL,
                 jit_is_inner(trace, op->target));
    trace = op->target;
    op = trace->ops;
    goto *labels[op->operation];

do_LEAVE:
    store_state(frame, op);
    jit_edge(jit, JIT_EDGE_EXIT, trace, NULL, false);
    return &jit_left;

do_FINISH:
    store_state(frame, op);
    next = jit_helpers[JIT_FINISH - JIT_FIRST_HELPER](interp, frame, op);
    jit_edge(jit, JIT_EDGE_EXIT, trace, NULL, false);
    return next ? &jit_finished : jit->exit;

do_CALL_TRACE:
    store_state(frame, op);
    jit_edge(jit, JIT_EDGE_CALL, trace, NULL, false);
    next = jit_helpers[JIT_CALL_TRACE - JIT_FIRST_HELPER](interp, frame, op);
    jit_edge(jit, JIT_EDGE_RETURN, trace, NULL, false);
    goto helped;

do_OPERATE:
do_NEGATE:
do_EQUAL:
do_LIST:
do_OBJECT:
do_GET_INDEX:
do_SET_INDEX:
do_GET_ATTRIBUTE:
do_SET_ATTRIBUTE:
do_POLL:
do_CALL_NATIVE:
do_PUSH:
do_RETURN:
    store_state(frame, op);
    next = jit_helpers[op->operation - JIT_FIRST_HELPER](interp, frame, op);
helped:
    if (next) {
        frame = next;
        slots = frame->slots;
        NEXT();
    }
    jit_edge(jit, JIT_EDGE_EXIT, trace, NULL, false);
    return jit->exit;

failed:
    guard = &trace->guards[op->guard - 1];
    if (guard->bridge) {
        jit_edge(jit, JIT_EDGE_JUMP, guard->bridge, NULL,
                 jit_is_inner(trace, guard->bridge));
        trace = guard->bridge;
        op = trace->ops;
        goto *labels[op->operation];
    }
    frame->pc = (uintptr_t)guard->pc;
    frame->sp = slots + guard->depth;
    jit_edge(jit, JIT_EDGE_EXIT, trace, guard, false);
    return guard;
}

/* What is told of operations has their number instead of an address. */
void
jit_thread(struct jit_trace *trace)
{
    trace->enter = run;
    for (size_t i = 0; i < trace->op_count; i++)
        trace->ops[i].offset = (uint32_t)i;
    for (size_t i = 0; i < trace->guard_count; i++)
        trace->guards[i].offset = trace->guards[i].op;
}
