/* SPDX-License-Identifier: MIT */

/* The loop that runs bytecode. Calls of the language do not nest in C. */
#include "interp.h"
#include "calls.h"
#include "jit.h"

/* Labels as values are what a threaded interpreter is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* Run the instruction at pc. The pc cell is written each time, so that it is
 * right whenever a sample is taken; relaxed: only this thread's signal handler
 * and observers read it. */
#define DISPATCH()                                                             \
    do {                                                                       \
        __atomic_store_n(&frame->pc, (uintptr_t)pc, __ATOMIC_RELAXED);         \
        word = *pc;                                                            \
        goto *table[word & 0xff];                                              \
    } while (0)
#define NEXT()                                                                 \
    do {                                                                       \
        pc++;                                                                  \
        DISPATCH();                                                            \
    } while (0)

/* Whether instructions are counted is looked at where loops and calls end: what
 * other threads set for this one holds from there on. */
#define LOOK()                                                                 \
    do {                                                                       \
        table = profile_table(profile, labels);                                \
    } while (0)

/* The countdown of those is in a register of the loop. What sets how bytecodes
 * are profiled finds it in the thread's record in the meantime. */
#define LEND()                                                                 \
    do {                                                                       \
        profile->bytecode_countdown = bytecodes;                               \
    } while (0)
#define TAKE_BACK()                                                            \
    do {                                                                       \
        bytecodes = profile->bytecode_countdown;                               \
    } while (0)

#define COLLECT_IF_DUE()                                                       \
    do {                                                                       \
        if (interp->heap.size > interp->heap.threshold) {                      \
            frame->sp = sp;                                                    \
            heap_collect(interp);                                              \
        }                                                                      \
    } while (0)

/* What is told of calls for functions that are profiled whole. */
#define TELL(what, of)                                                         \
    do {                                                                       \
        LEND();                                                                \
        what(profile, of);                                                     \
        TAKE_BACK();                                                           \
        LOOK();                                                                \
    } while (0)

/* Another frame runs now: one that begins, or one that goes on. */
#define LOAD(what)                                                             \
    do {                                                                       \
        frame = interp->current->frame;                                        \
        if (VMPROF_EXPECT(vmprof_has_candidates(profile), 0))                  \
            TELL(what, frame);                                                 \
        pc = (const uint32_t *)frame->pc;                                      \
        sp = frame->sp;                                                        \
        if (VMPROF_EXPECT(interp->truth != NULL, 0))                           \
            truth_switch(interp->truth, frame->function->index);               \
    } while (0)

#define TRY(call)                                                              \
    do {                                                                       \
        if (VMPROF_EXPECT(!(call), 0))                                         \
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

/* Where an instruction begins: one that is counted comes in through the second
 * label. */
#define OPCODE_AT(name)                                                        \
    truth_##name                                                               \
        : type_truth_count(interp->type_truth, frame->function, pc, sp);       \
    count_##name : bytecodes = profile_count(profile, bytecodes, OP_##name,    \
                                             frame, pc, sp);                   \
    do_##name:

bool
interp_run(struct interp *interp, struct value *result)
{
    static const void *const plain[] = {
#define LABEL(name, effect, types)                                             \
    [OP_##name] = &&do_##name, [OP_##name + VMPROF_COUNTING] = &&count_##name,
        OPCODES(LABEL)
#undef LABEL
    };
    static const void *const with_truth[] = {
#define LABEL(name, effect, types)                                             \
    [OP_##name] = &&do_##name, [OP_##name + VMPROF_COUNTING] = &&truth_##name,
        OPCODES(LABEL)
#undef LABEL
    };
    const void *const *const unhooked = interp->type_truth ? with_truth : plain;
    /* With a JIT: it has the first look at loops and calls, and while it records
     * at each instruction. */
    const void *hooked[sizeof(plain) / sizeof(*plain)];
    const void *recorded[sizeof(plain) / sizeof(*plain)];
    const void *const *labels = interp->jit ? hooked : unhooked;
    struct vmprof_thread *const profile = interp->profile;
    const void *const *table; /* labels, or a part of them */
    struct frame *frame;
    const uint32_t *pc;
    struct value *sp;
    struct value value;
    uint32_t word;
    int64_t bytecodes;
    enum jit_next what;

    for (size_t i = 0; interp->jit && i < sizeof(plain) / sizeof(*plain); i++) {
        uint32_t opcode = i % VMPROF_COUNTING;

        recorded[i] = &&jit;
        hooked[i] =
            opcode == OP_LOOP || opcode == OP_CALL ? &&jit : unhooked[i];
    }
    profile_enter(profile, interp->current->frame);
    profile_begin_call(profile, interp->current->frame);
    TAKE_BACK();
    LOOK();
    LOAD(profile_go_on);
    DISPATCH();

    OPCODE_AT(CONSTANT)
    *sp++ = frame->function->constants[operand_of(word)];
    NEXT();

    OPCODE_AT(NIL)
    *sp++ = value_nil();
    NEXT();

    OPCODE_AT(TRUE)
    *sp++ = value_bool(true);
    NEXT();

    OPCODE_AT(FALSE)
    *sp++ = value_bool(false);
    NEXT();

    OPCODE_AT(INT)
    *sp++ = value_int(operand_of(word));
    NEXT();

    OPCODE_AT(POP)
    sp--;
    NEXT();

    OPCODE_AT(GET_LOCAL)
    *sp++ = frame->slots[operand_of(word)];
    NEXT();

    OPCODE_AT(SET_LOCAL)
    frame->slots[operand_of(word)] = *--sp;
    NEXT();

    OPCODE_AT(ADD)
    ARITHMETIC(__builtin_add_overflow, +);

    OPCODE_AT(SUBTRACT)
    ARITHMETIC(__builtin_sub_overflow, -);

    OPCODE_AT(MULTIPLY)
    ARITHMETIC(__builtin_mul_overflow, *);

    OPCODE_AT(LESS)
    COMPARE(<);

    OPCODE_AT(LESS_EQUAL)
    COMPARE(<=);

    OPCODE_AT(GREATER)
    COMPARE(>);

    OPCODE_AT(GREATER_EQUAL)
    COMPARE(>=);

    OPCODE_AT(DIVIDE)
    goto slow;

    OPCODE_AT(REMAINDER)
slow:
    TRY(operate(interp, (enum opcode)(word & 0xff), sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(NEGATE)
    TRY(operate(interp, OP_SUBTRACT, value_int(0), sp[-1], &value));
    sp[-1] = value;
    NEXT();

    OPCODE_AT(NOT)
    sp[-1] = value_bool(!value_is_true(sp[-1]));
    NEXT();

    OPCODE_AT(EQUAL)
    sp--;
    sp[-1] = value_bool(value_equal(sp[-1], sp[0]));
    NEXT();

    OPCODE_AT(UNEQUAL)
    sp--;
    sp[-1] = value_bool(!value_equal(sp[-1], sp[0]));
    NEXT();

    OPCODE_AT(JUMP)
    pc += operand_of(word);
    NEXT();

    OPCODE_AT(LOOP)
    profile_poll(profile);
    LOOK();
    pc += operand_of(word);
    NEXT();

    OPCODE_AT(JUMP_IF_FALSE)
    if (!value_is_true(*--sp))
        pc += operand_of(word);
    NEXT();

    OPCODE_AT(AND)
    if (value_is_true(sp[-1]))
        sp--;
    else
        pc += operand_of(word);
    NEXT();

    OPCODE_AT(OR)
    if (value_is_true(sp[-1]))
        pc += operand_of(word);
    else
        sp--;
    NEXT();

    OPCODE_AT(LIST)
    value = value_cell(VALUE_LIST, heap_new_list(&interp->heap));
    for (int32_t i = -operand_of(word); i < 0; i++)
        list_push(&interp->heap, value.list, sp[i]);
    sp -= operand_of(word);
    *sp++ = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(OBJECT)
    *sp++ = value_cell(VALUE_OBJECT, heap_new_object(&interp->heap));
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(INIT_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp--;
    NEXT();

    OPCODE_AT(GET_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(get_attribute(interp, sp[-1], value, &sp[-1]));
    NEXT();

    OPCODE_AT(SET_ATTRIBUTE)
    value = frame->function->constants[operand_of(word)];
    TRY(set_attribute(interp, sp[-2], value, sp[-1]));
    sp -= 2;
    NEXT();

    OPCODE_AT(GET_INDEX)
    TRY(get_index(interp, sp[-2], sp[-1], &value));
    *--sp = value_nil();
    sp[-1] = value;
    COLLECT_IF_DUE();
    NEXT();

    OPCODE_AT(SET_INDEX)
    TRY(set_index(interp, sp[-3], sp[-2], sp[-1]));
    sp -= 3;
    NEXT();

    OPCODE_AT(CALL)
    {
        size_t count = (size_t)operand_of(word);
        struct value *arguments = sp - count;

        profile_poll(profile);
        frame->sp = arguments - 1;
        if (arguments[-1].type == VALUE_NATIVE) {
            bool returned;

            LEND();
            returned = call_native(interp, arguments[-1].native, arguments,
                                   count, &value);
            TAKE_BACK();
            LOOK();
            TRY(returned);
            sp = arguments;
            sp[-1] = value;
            COLLECT_IF_DUE();
            NEXT();
        }
        TRY(call_function(interp, arguments[-1], arguments, count));
        LOAD(profile_begin_call);
        DISPATCH();
    }

    OPCODE_AT(RETURN)
    profile_poll(profile);
    LOOK();
    value = sp[-1];
    if (VMPROF_EXPECT(vmprof_has_candidates(profile), 0))
        TELL(profile_end_call, frame);
    if (!leave_function(interp)) {
        LEND();
        *result = value;
        return true;
    }
    *interp->current->frame->sp++ = value;
    LOAD(profile_go_on);
    NEXT();

    OPCODE_AT(THROW)
    interp->thrown = sp[-1];
    goto thrown;

    OPCODE_AT(RESUME)
    profile_poll(profile);
    {
        bool resumed;

        frame->sp = sp - 2;
        LEND();
        resumed = coroutine_resume(interp, sp[-2], sp[-1]);
        TAKE_BACK();
        LOOK();
        TRY(resumed);
        LOAD(profile_go_on);
        DISPATCH();
    }

    OPCODE_AT(YIELD)
    profile_poll(profile);
    frame->sp = sp - 1;
    TRY(coroutine_yield(interp, sp[-1]));
    LOOK();
    frame->pc = (uintptr_t)(pc + 1); /* where it is resumed */
    LOAD(profile_go_on);
    NEXT();

jit:
    LEND();
    what = jit_step(interp, frame, pc, sp);
    TAKE_BACK();
    labels = jit_records(interp->jit) ? recorded : hooked;
    LOOK();
    if (what == JIT_INTERPRET)
        goto *profile_table(profile, unhooked)[word & 0xff];
    if (what == JIT_GO_ON) {
        LOAD(profile_go_on);
        DISPATCH();
    }

thrown:
    LEND();
    if (!unwind(interp))
        return false;
    TAKE_BACK();
    LOOK();
    LOAD(profile_go_on);
    DISPATCH();
}
