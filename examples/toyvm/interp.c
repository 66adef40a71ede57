/* SPDX-License-Identifier: MIT */

/* The loop that runs bytecode. Calls of the language do not nest in C. */
#include "interp.h"

#include "native.h"

/* Labels as values are what a threaded interpreter is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

static bool
check_native_call(struct interp *interp, const struct native *native,
                  size_t count)
{
    if (count >= native->min_count && count <= native->max_count)
        return true;
    return throw_error(interp, "%s does not take %zu arguments", native->name,
                       count);
}

static bool
call_function(struct interp *interp, struct value callee,
              const struct value *arguments, size_t count)
{
    struct frame *frame;

    if (!check_call(interp, callee, count))
        return false;
    frame =
        push_frame(interp, interp->current, callee.function, arguments, count);
    if (frame)
        profile_enter(interp->profile, frame);
    return frame != NULL;
}

static bool
call_native(struct interp *interp, const struct native *native,
            const struct value *arguments, size_t count, struct value *result)
{
    bool returned;

    if (!check_native_call(interp, native, count))
        return false;
    if (interp->truth)
        truth_switch(interp->truth, truth_native(interp->program, native));
    returned = profile_call_native(interp->profile, native, interp, arguments,
                                   count, result);
    if (interp->truth)
        truth_switch(interp->truth, interp->current->frame->function->index);
    return returned;
}

/* Returns false when main has returned: there is no frame left. */
static bool
leave_function(struct interp *interp)
{
    struct coroutine *coroutine = interp->current;

    profile_leave(interp->profile, coroutine->frame);
    pop_frame(coroutine);
    if (coroutine->frame)
        return true;
    if (coroutine == &interp->main)
        return false;
    coroutine_finish(interp);
    return true;
}

/* Run the instruction at pc. The pc cell is written each time, so that it is
 * right whenever a sample is taken; relaxed: only this thread's signal handler
 * and observers read it. */
#define DISPATCH()                                                             \
    do {                                                                       \
        __atomic_store_n(&frame->pc, (uintptr_t)pc, __ATOMIC_RELAXED);         \
        word = *pc;                                                            \
        goto *labels[word & 0xff];                                             \
    } while (0)
#define NEXT()                                                                 \
    do {                                                                       \
        pc++;                                                                  \
        DISPATCH();                                                            \
    } while (0)

#define COLLECT_IF_DUE()                                                       \
    do {                                                                       \
        if (interp->heap.size > interp->heap.threshold) {                      \
            frame->sp = sp;                                                    \
            heap_collect(interp);                                              \
        }                                                                      \
    } while (0)

/* Another frame runs now. */
#define LOAD()                                                                 \
    do {                                                                       \
        frame = interp->current->frame;                                        \
        pc = (const uint32_t *)frame->pc;                                      \
        sp = frame->sp;                                                        \
        if (__builtin_expect(interp->truth != NULL, 0))                        \
            truth_switch(interp->truth, frame->function->index);               \
    } while (0)

#define TRY(call)                                                              \
    do {                                                                       \
        if (__builtin_expect(!(call), 0))                                      \
            goto thrown;                                                       \
    } while (0)

#define BOTH(tag) (sp[-2].type == VALUE_##tag && sp[-1].type == VALUE_##tag)

/* Two operands become one; all but the usual cases are in operator.c. */
#define ARITHMETIC(builtin, operator)                                          \
    do {                                                                       \
        int64_t number;                                                        \
                                                                               \
        if (BOTH(INT)) {                                                       \
            (void)builtin(sp[-2].integer, sp[-1].integer, &number);            \
            sp[-2].integer = number;                                           \
        } else if (BOTH(FLOAT)) {                                              \
            sp[-2].number = sp[-2].number operator sp[-1].number;              \
        } else {                                                               \
            goto slow;                                                         \
        }                                                                      \
        sp--;                                                                  \
        NEXT();                                                                \
    } while (0)

#define COMPARE(operator)                                                      \
    do {                                                                       \
        if (!BOTH(INT))                                                        \
            goto slow;                                                         \
        sp[-2] = value_bool(sp[-2].integer operator sp[-1].integer);           \
        sp--;                                                                  \
        NEXT();                                                                \
    } while (0)

bool
interp_run(struct interp *interp, struct value *result)
{
    static const void *const labels[] = {
#define LABEL(name, effect) [OP_##name] = &&do_##name,
        OPCODES(LABEL)
#undef LABEL
    };
    struct frame *frame;
    const uint32_t *pc;
    struct value *sp;
    struct value value;
    uint32_t word;

    profile_enter(interp->profile, interp->current->frame);
    LOAD();
    DISPATCH();

do_CONSTANT:
    *sp++ = frame->function->constants[operand_of(word)];
    NEXT();

do_NIL:
    *sp++ = value_nil();
    NEXT();

do_TRUE:
    *sp++ = value_bool(true);
    NEXT();

do_FALSE:
    *sp++ = value_bool(false);
    NEXT();

do_INT:
    *sp++ = value_int(operand_of(word));
    NEXT();

do_POP:
    sp--;
    NEXT();

do_GET_LOCAL:
    *sp++ = frame->slots[operand_of(word)];
    NEXT();

do_SET_LOCAL:
    frame->slots[operand_of(word)] = *--sp;
    NEXT();

do_ADD:
    ARITHMETIC(__builtin_add_overflow, +);

do_SUBTRACT:
    ARITHMETIC(__builtin_sub_overflow, -);

do_MULTIPLY:
    ARITHMETIC(__builtin_mul_overflow, *);

do_LESS:
    COMPARE(<);

do_LESS_EQUAL:
    COMPARE(<=);

do_GREATER:
    COMPARE(>);

do_GREATER_EQUAL:
    COMPARE(>=);

do_DIVIDE:
do_REMAINDER:
slow:
    TRY(operate(interp, (enum opcode)(word & 0xff), sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

do_NEGATE:
    TRY(operate(interp, OP_SUBTRACT, value_int(0), sp[-1], &value));
    sp[-1] = value;
    NEXT();

do_NOT:
    sp[-1] = value_bool(!value_is_true(sp[-1]));
    NEXT();

do_EQUAL:
    sp--;
    sp[-1] = value_bool(value_equal(sp[-1], sp[0]));
    NEXT();

do_UNEQUAL:
    sp--;
    sp[-1] = value_bool(!value_equal(sp[-1], sp[0]));
    NEXT();

do_JUMP:
    pc += operand_of(word);
    NEXT();

do_LOOP:
    profile_poll(interp->profile);
    pc += operand_of(word);
    NEXT();

do_JUMP_IF_FALSE:
    if (!value_is_true(*--sp))
        pc += operand_of(word);
    NEXT();

do_AND:
    if (value_is_true(sp[-1]))
        sp--;
    else
        pc += operand_of(word);
    NEXT();

do_OR:
    if (value_is_true(sp[-1]))
        pc += operand_of(word);
    else
        sp--;
    NEXT();

do_LIST:
    value = value_cell(VALUE_LIST, heap_new_list(&interp->heap));
    for (int32_t i = -operand_of(word); i < 0; i++)
        list_push(&interp->heap, value.list, sp[i]);
    sp -= operand_of(word);
    *sp++ = value;
    COLLECT_IF_DUE();
    NEXT();

do_OBJECT:
    *sp++ = value_cell(VALUE_OBJECT, heap_new_object(&interp->heap));
    COLLECT_IF_DUE();
    NEXT();

do_INIT_ATTRIBUTE:
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp--;
    NEXT();

do_GET_ATTRIBUTE:
    value = frame->function->constants[operand_of(word)];
    TRY(get_attribute(interp, sp[-1], value, &sp[-1]));
    NEXT();

do_SET_ATTRIBUTE:
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp -= 2;
    NEXT();

do_GET_INDEX:
    TRY(get_index(interp, sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

do_SET_INDEX:
    TRY(set_index(interp, sp[-3], sp[-2], sp[-1]));
    sp -= 3;
    NEXT();

do_CALL : {
    size_t count = (size_t)operand_of(word);
    struct value *arguments = sp - count;

    profile_poll(interp->profile);
    frame->sp = arguments - 1;
    if (arguments[-1].type == VALUE_NATIVE) {
        TRY(call_native(interp, arguments[-1].native, arguments, count,
                        &value));
        sp = arguments;
        sp[-1] = value;
        COLLECT_IF_DUE();
        NEXT();
    }
    TRY(call_function(interp, arguments[-1], arguments, count));
    LOAD();
    DISPATCH();
}

do_RETURN:
    profile_poll(interp->profile);
    value = sp[-1];
    if (!leave_function(interp)) {
        *result = value;
        return true;
    }
    *interp->current->frame->sp++ = value;
    LOAD();
    NEXT();

do_THROW:
    interp->thrown = sp[-1];
    goto thrown;

do_RESUME:
    profile_poll(interp->profile);
    frame->sp = sp - 2;
    TRY(coroutine_resume(interp, sp[-2], sp[-1]));
    LOAD();
    DISPATCH();

do_YIELD:
    profile_poll(interp->profile);
    frame->sp = sp - 1;
    TRY(coroutine_yield(interp, sp[-1]));
    frame->pc = (uintptr_t)(pc + 1); /* where it is resumed */
    LOAD();
    NEXT();

thrown:
    if (!unwind(interp))
        return false;
    LOAD();
    DISPATCH();
}
