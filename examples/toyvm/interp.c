/* SPDX-License-Identifier: MIT */

/* The loop that runs bytecode. Calls of the language do not nest in C. */

/* Else gcc has one jump for many instructions, which then all look alike to the
 * processor, and keeps what they have in common on the stack. */
#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC optimize("no-crossjumping", "no-gcse")
#endif

#include "interp.h"

#include "calls.h"
#include "jit.h"

/* Labels as values are what a threaded interpreter is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* In the C frame of the loop that runs, and of the others: all are called by the
 * same function. Native frames are put around calls by it. */
#define HERE() ((uintptr_t)__builtin_frame_address(0))

/* Why a loop has ended. */
enum outcome {
    RETURNED, /* from main: there is no frame left */
    THROWN,   /* and nobody caught it */
    SWITCHED, /* the other loop goes on where this one was */
};

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

/* The countdown of instructions is in a register of the loop that counts. What
 * sets how they are profiled finds it in the thread's record in the meantime. */
#define LEND()                                                                 \
    do {                                                                       \
        if (COUNTED)                                                           \
            profile->bytecode_countdown = bytecodes;                           \
    } while (0)
#define TAKE_BACK()                                                            \
    do {                                                                       \
        if (COUNTED)                                                           \
            bytecodes = profile->bytecode_countdown;                           \
    } while (0)

/* Whether this is the loop to run is looked at where a poll has counted down,
 * and after what the program itself may have set. */
#define LOOK()                                                                 \
    do {                                                                       \
        if (!HAS_JIT && VMPROF_EXPECT(profile_counts(profile) != COUNTED, 0))  \
            goto other_loop;                                                   \
        CHOOSE();                                                              \
    } while (0)
#define POLL()                                                                 \
    do {                                                                       \
        if (profile_poll(profile))                                             \
            LOOK();                                                            \
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
        CHOOSE();                                                              \
    } while (0)

/* Another frame runs now: one that begins, or one that goes on. */
#define LOAD(what)                                                             \
    do {                                                                       \
        frame = interp->current->frame;                                        \
        if (COUNTED && VMPROF_EXPECT(vmprof_has_candidates(profile), 0))       \
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

/* The loop is there twice, so that instructions which are not counted pay
 * nothing for those that may be. */
#define LABEL(name, effect, types) [OP_##name] = &&do_##name,
#define RUN_LOOP                   run_plain
#define COUNTED                    false
#define TABLES()                   static const void *const table[] = { OPCODES(LABEL) }
#define CHOOSE()                   (void)0
#define OPCODE_AT(name)            do_##name:
#define HAS_JIT                    false
#define JIT()                      (void)0
#include "loop.h"
#undef LABEL
#undef RUN_LOOP
#undef COUNTED
#undef TABLES
#undef CHOOSE
#undef OPCODE_AT

/* Instructions that are counted come in through the second label, those that
 * are counted twice, to prove it, through the third. */
#define LABEL(name, effect, types)                                             \
    [OP_##name] = &&do_##name, [OP_##name + VMPROF_COUNTING] = &&count_##name,
#define TRUTH_LABEL(name, effect, types)                                       \
    [OP_##name] = &&do_##name, [OP_##name + VMPROF_COUNTING] = &&truth_##name,
#define RUN_LOOP run_counted
#define COUNTED  true
#define TABLES()                                                               \
    static const void *const usual[] = { OPCODES(LABEL) };                     \
    static const void *const with_truth[] = { OPCODES(TRUTH_LABEL) };          \
    const void *const *const labels = interp->type_truth ? with_truth : usual; \
    const void *const *table /* labels, or a part of them */
#define CHOOSE() (void)(table = profile_table(profile, labels))
#define OPCODE_AT(name)                                                        \
    truth_##name                                                               \
        : type_truth_count(interp->type_truth, frame->function, pc, sp);       \
    count_##name : bytecodes = profile_count(profile, bytecodes, OP_##name,    \
                                             frame, pc, sp);                   \
    do_##name:
#include "loop.h"
#undef RUN_LOOP
#undef TABLES
#undef CHOOSE
#undef OPCODE_AT
#undef HAS_JIT
#undef JIT

/* With a JIT, that has the first look at loops and calls, and while it records
 * at each instruction. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define HOOK(name, effect, types)                                              \
    [OP_##name] = &&jit, [OP_##name + VMPROF_COUNTING] = &&jit,
#define RUN_LOOP run_jit
#define HAS_JIT  true
#define TABLES()                                                               \
    static const void *const usual[] = { OPCODES(LABEL) };                     \
    static const void *const hooked[] = { OPCODES(LABEL) HOOK(LOOP, , )        \
                                              HOOK(CALL, , ) };                \
    static const void *const recorded[] = { OPCODES(HOOK) };                   \
    enum jit_next next;                                                        \
    const void *const *table /* hooked or recorded, or a part of them */
#define CHOOSE()                                                               \
    (void)(table = profile_table(profile, jit_records(interp->jit) ? recorded  \
                                                                   : hooked))
#define OPCODE_AT(name)                                                        \
    count_##name : bytecodes = profile_count(profile, bytecodes, OP_##name,    \
                                             frame, pc, sp);                   \
    do_##name:
#define JIT()                                                                  \
    do {                                                                       \
    jit:                                                                       \
        LEND();                                                                \
        next = jit_step(interp, frame, pc, sp, HERE());                        \
        TAKE_BACK();                                                           \
        CHOOSE();                                                              \
        if (next == JIT_THROW)                                                 \
            goto thrown;                                                       \
        if (next == JIT_INTERPRET)                                             \
            goto *profile_table(profile, usual)[word & 0xff];                  \
        LOAD(profile_go_on);                                                   \
        DISPATCH();                                                            \
    } while (0)
#include "loop.h"

bool
interp_run(struct interp *interp, struct value *result)
{
    struct vmprof_thread *const profile = interp->profile;
    enum outcome outcome;

    interp->current->frame->token = 0; /* the loop enters it */
    profile_begin_call(profile, interp->current->frame);
    do
        outcome = interp->jit               ? run_jit(interp, result)
                  : profile_counts(profile) ? run_counted(interp, result)
                                            : run_plain(interp, result);
    while (outcome == SWITCHED);
    return outcome == RETURNED;
}
