/* SPDX-License-Identifier: MIT */

/* The loop that runs bytecode. Calls of the language do not nest in C. */

/* Else gcc has one jump for many instructions, which then all look alike to the
 * processor, and keeps what they have in common on the stack. */
#if defined(__GNUC__) && !defined(__clang__)
#    pragma GCC optimize("no-crossjumping", "no-gcse")
#endif

#include "interp.h"

#include "calls.h"
#include "events.h"
#include "jit.h"

#include <string.h>

/* Labels as values are what a threaded interpreter is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* In the C frame of the loop that runs, and of the other one: both are called by
 * the same function. Native frames are put around calls by it. */
#define HERE() ((uintptr_t)__builtin_frame_address(0))

/* A countdown that does not end while a loop runs without looking. */
#define NOT_COUNTED ((int64_t)1 << 62)

/* Why a loop has ended. */
enum outcome {
    RETURNED, /* from main: there is no frame left */
    THROWN,   /* and nobody caught it */
    SWITCHED, /* the other loop goes on where this one was */
};

/* What the tables of labels have for instructions with an event to tell; and what
 * a loop does that tests for events itself, which the usual one does not. See
 * events.h. */
#if TOY_EVENTS == 1
#    define TELLING [OPCODE_TOLD... OPCODE_TOLD + 127] = &&told,
#else
#    define TELLING
#endif
#if TOY_EVENTS == 2
#    define TEST(events)                                                       \
        do {                                                                   \
            if (vmprof_wants_event(profile, events))                           \
                TRY(events_at(interp, frame, pc, sp));                         \
        } while (0)
#else
#    define TEST(events) (void)0
#endif
#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

/* Run the instruction at pc. The pc cell is written each time, so that it is
 * right whenever a sample is taken; relaxed: only this thread's signal handler
 * and observers read it. */
#define DISPATCH()                                                             \
    do {                                                                       \
        __atomic_store_n(&frame->pc, (uintptr_t)pc, __ATOMIC_RELAXED);         \
        word = word_at(pc);                                                    \
        goto *table[word & 0xff];                                              \
    } while (0)
#define NEXT()                                                                 \
    do {                                                                       \
        pc++;                                                                  \
        DISPATCH();                                                            \
    } while (0)

/* Whether this is the loop to run is looked at where a poll has counted down,
 * and after what the program itself may have set. */
#define LOOK(so_far)                                                           \
    do {                                                                       \
        if (VMPROF_EXPECT(HAS_CHANGED(), 0) && MAY_SWITCH()) {                 \
            interp->begun = so_far;                                            \
            if (!COUNTS && interp->begun == COUNTED)                           \
                interp->begun = TOLD;                                          \
            goto other_loop;                                                   \
        }                                                                      \
    } while (0)
#define POLL()                                                                 \
    do {                                                                       \
        if (profile_poll(profile)) {                                           \
            SETTLE();                                                          \
            LOOK(COUNTED);                                                     \
        }                                                                      \
    } while (0)

#define JUMP_BY(offset)                                                        \
    do {                                                                       \
        pc += 1 + (offset);                                                    \
        BEGIN_RUN();                                                           \
        DISPATCH();                                                            \
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
    } while (0)

/* Another frame runs now, so many instructions behind where it was: one that
 * begins, or one that goes on. */
#define LOAD(what, skipped)                                                    \
    do {                                                                       \
        frame = interp->current->frame;                                        \
        pc = (const uint32_t *)frame->pc + (skipped);                          \
        sp = frame->sp;                                                        \
        if (VMPROF_EXPECT(interp->truth != NULL, 0))                           \
            truth_switch(interp->truth, frame->function->index);               \
        if (COUNTS && VMPROF_EXPECT(vmprof_has_candidates(profile), 0)) {      \
            TELL(what, frame);                                                 \
            LOOK(NOT_BEGUN);                                                   \
        }                                                                      \
        FIND_COUNTERS();                                                       \
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
            COUNT_USUAL();                                                     \
            (void)builtin(sp[-2].integer, sp[-1].integer, &number);            \
            sp[-2].integer = number;                                           \
        } else if (BOTH(FLOAT)) {                                              \
            COUNT_FLOATS();                                                    \
            sp[-2].number = sp[-2].number operator sp[-1].number;              \
        } else {                                                               \
            COUNT_OTHER();                                                     \
            goto slow;                                                         \
        }                                                                      \
        sp--;                                                                  \
        NEXT();                                                                \
    } while (0)

#define COMPARE(operator)                                                      \
    do {                                                                       \
        if (!BOTH(INT)) {                                                      \
            COUNT_OTHER();                                                     \
            goto slow;                                                         \
        }                                                                      \
        COUNT_USUAL();                                                         \
        sp[-2] = value_bool(sp[-2].integer operator sp[-1].integer);           \
        sp--;                                                                  \
        NEXT();                                                                \
    } while (0)

/* The loop is there four times, so that instructions which are neither counted
 * nor looked at by a JIT pay nothing for those that may be. */
#define LABEL(name, effect, types) [OP_##name] = &&do_##name,
#define RUN_LOOP                   run_plain
#define COUNTS                     false
#define HAS_CHANGED()              profile_counts(profile)
#define TABLES()                   static const void *const table[] = { OPCODES(LABEL) TELLING }
#define OPCODE_AT(name)            do_##name:
#define LEND()                     (void)0
#define TAKE_BACK()                (void)0
#define SETTLE()                   (void)0
#define BEGIN_RUN()                (void)0
#define LEAVE_RUN()                (void)0
#define GIVE_BACK_RUN()            (void)0
#define GO_ON_COUNTED()            (void)0
#define FIND_COUNTERS()            (void)0
#define COUNT_USUAL()              (void)0
#define COUNT_FLOATS()             (void)0
#define COUNT_OTHER()              (void)0
#define MAY_SWITCH()               true
#define HOOK()                     (void)0
#define OUT_OF_LINE()              (void)0
#include "loop.h"
#undef RUN_LOOP
#undef TABLES
#undef MAY_SWITCH
#undef OUT_OF_LINE

/* With a JIT: it has the first look at loops and calls, and while it records at
 * each instruction, and that is not to be interrupted. */
#define STEP(name, effect, types) [OP_##name] = &&jit,
#define RUN_LOOP                  run_jit
#define TABLES()                                                               \
    static const void *const plain[] = { OPCODES(LABEL) };                     \
    static const void *const hooked[] = { OPCODES(HOOKED_LABEL) TELLING };     \
    static const void *const recorded[] = { OPCODES(STEP) TELLING };           \
    const void *const *table = jit_records(interp->jit) ? recorded : hooked;   \
    enum jit_next next
#define HOOKED_LABEL(name, effect, types)                                      \
    [OP_##name] =                                                              \
        OP_##name == OP_LOOP || OP_##name == OP_CALL ? &&jit : &&do_##name,
#define MAY_SWITCH() !jit_records(interp->jit)
#define OUT_OF_LINE()                                                          \
    do {                                                                       \
    jit:                                                                       \
        next = jit_step(interp, frame, pc, sp, HERE());                        \
        table = jit_records(interp->jit) ? recorded : hooked;                  \
        if (next == JIT_THROW)                                                 \
            goto thrown;                                                       \
        if (next == JIT_INTERPRET)                                             \
            goto *plain[opcode_of(word)];                                      \
        LOAD(profile_go_on, 0);                                                \
        LOOK(NOT_BEGUN);                                                       \
        DISPATCH();                                                            \
    } while (0)
#include "loop.h"
#undef RUN_LOOP
#undef COUNTS
#undef HAS_CHANGED
#undef TABLES
#undef HOOK
#undef LEND
#undef TAKE_BACK
#undef SETTLE
#undef BEGIN_RUN
#undef LEAVE_RUN
#undef GIVE_BACK_RUN
#undef GO_ON_COUNTED
#undef FIND_COUNTERS
#undef MAY_SWITCH
#undef OUT_OF_LINE

/* Loops that count have their table of labels on the stack. With the truth, an
 * instruction is counted for that first. */
#define COUNTS       true
#define MAY_SWITCH() true
#define TABLES()                                                               \
    static const void *const usual[256] = { OPCODES(LABEL) TELLING };          \
    const void *table[256];                                                    \
    OWN_VARIABLES()
#define USUAL(opcode)      (interp->type_truth ? &&truth : usual[opcode])
#define WAITED_FOR(opcode) (interp->type_truth ? &&truth : waited_for[opcode])
#define FILL_TABLE()                                                           \
    do {                                                                       \
        memcpy(table, usual, sizeof(table));                                   \
        for (int i = 0; interp->type_truth && i < OPCODE_COUNT; i++)           \
            table[i] = &&truth;                                                \
    } while (0)
#define TRUTH() type_truth_count(interp->type_truth, frame->function, pc, sp)
/* What is compiled runs, uncounted; what is to be is recorded by the loop that is
 * for it. */
#undef OPCODE_AT
#define HOOK()                                                                 \
    do {                                                                       \
        if (VMPROF_EXPECT(interp->jit != NULL, 0)) {                           \
            enum jit_next next;                                                \
                                                                               \
            LEND();                                                            \
            next = jit_step(interp, frame, pc, sp, HERE());                    \
            TAKE_BACK();                                                       \
            if (next == JIT_THROW)                                             \
                goto thrown;                                                   \
            if (next == JIT_GO_ON || jit_records(interp->jit)) {               \
                LEND();                                                        \
                return SWITCHED;                                               \
            }                                                                  \
        }                                                                      \
    } while (0)

/* A countdown of instructions in a register. What sets how they are profiled finds
 * it in the thread's record in the meantime. */
#define RUN_LOOP                          run_counted
#define WAITED_LABEL(name, effect, types) [OP_##name] = &&hit_##name,
#define OWN_VARIABLES()                                                        \
    static const void *const waited_for[] = { OPCODES(WAITED_LABEL) };         \
    const uint32_t *hit = NULL;                                                \
    int64_t bytecodes;                                                         \
    FILL_TABLE()
#define HAS_CHANGED()                                                          \
    (!profile_counts(profile) ||                                               \
     (vmprof_counts_each(profile) &&                                           \
      profile_counters(profile, frame->function, interp->sites)))
#define LEND()                                                                 \
    do {                                                                       \
        if (bytecodes < NOT_COUNTED / 2)                                       \
            profile->bytecode_countdown = bytecodes;                           \
    } while (0)
#define TAKE_BACK()                                                            \
    do {                                                                       \
        bytecodes = profile->bytecode_countdown;                               \
        if (!vmprof_counting(profile))                                         \
            bytecodes = NOT_COUNTED;                                           \
    } while (0)
/* What other threads have set. */
#define SETTLE()                                                               \
    do {                                                                       \
        LEND();                                                                \
        vmprof_look_at_counts(profile);                                        \
        TAKE_BACK();                                                           \
    } while (0)

/* A run of instructions begins, which one can only leave at its end, by a jump
 * that gives back the rest, or by an exception. It is counted down as a whole. If
 * one of them is a hit, its opcode is looked at until that has come; the countdown
 * is below 0 as long. */
#define BEGIN_RUN()                                                            \
    do {                                                                       \
        const int64_t length = function_run(frame->function, pc);              \
                                                                               \
        bytecodes -= length;                                                   \
        if (VMPROF_EXPECT(bytecodes < 0, 0))                                   \
            WAIT_FOR_HIT(pc + bytecodes + length);                             \
    } while (0)
#define WAIT_FOR_HIT(instruction)                                              \
    do {                                                                       \
        hit = (instruction);                                                   \
        table[opcode_of(word_at(hit))] = WAITED_FOR(opcode_of(word_at(hit)));  \
    } while (0)
/* The instructions behind this one are not run. */
#define LEAVE_RUN()                                                            \
    do {                                                                       \
        if (VMPROF_EXPECT(bytecodes < 0, 0)) {                                 \
            table[opcode_of(word_at(hit))] = USUAL(opcode_of(word_at(hit)));   \
            bytecodes = hit - pc - 1;                                          \
        } else {                                                               \
            bytecodes += function_run(frame->function, pc) - 1;                \
        }                                                                      \
    } while (0)
/* Nor is this one. */
#define GIVE_BACK_RUN()                                                        \
    do {                                                                       \
        LEAVE_RUN();                                                           \
        bytecodes++;                                                           \
    } while (0)
/* With each instruction's own jump to the next, so that the processor expects the
 * usual one there. */
#define OPCODE_AT(name)                                                        \
    hit_##name : if (pc == hit)                                                \
    {                                                                          \
        const int64_t rest = function_run(frame->function, pc) - 1;            \
                                                                               \
        table[OP_##name] = USUAL(OP_##name);                                   \
        bytecodes = profile_hit(profile, frame->function, pc, sp) - rest;      \
        if (bytecodes < 0)                                                     \
            WAIT_FOR_HIT(pc + 1 + bytecodes + rest);                           \
    }                                                                          \
    do_##name:
#define OUT_OF_LINE()                                                          \
    do {                                                                       \
    truth:                                                                     \
        if (bytecodes < NOT_COUNTED / 2)                                       \
            TRUTH();                                                           \
        if (bytecodes < 0)                                                     \
            goto *waited_for[opcode_of(word)];                                 \
        goto *usual[opcode_of(word)];                                          \
    } while (0)
/* It was a run by itself. */
#define GO_ON_COUNTED() goto *table[opcode_of(word)]
#define FIND_COUNTERS() (void)0
#include "loop.h"
#undef RUN_LOOP
#undef OWN_VARIABLES
#undef HAS_CHANGED
#undef LEND
#undef TAKE_BACK
#undef SETTLE
#undef BEGIN_RUN
#undef LEAVE_RUN
#undef GIVE_BACK_RUN
#undef OUT_OF_LINE
#undef GO_ON_COUNTED
#undef FIND_COUNTERS
#undef LABEL
#undef OPCODE_AT
#undef COUNT_USUAL
#undef COUNT_FLOATS
#undef COUNT_OTHER

/* Where each instruction is a hit, it adds one to a counter of its own, where its
 * types are known. The counters are found by the instruction's address. */
#define RUN_LOOP run_each
#define OWN_VARIABLES()                                                        \
    static const void *const counted[] = { OPCODES(COUNTED_LABEL) };           \
    uintptr_t counters;                                                        \
    FILL_TABLE()
#define LABEL(name, effect, types)         [OP_##name] = &&count_##name,
#define COUNTED_LABEL(name, effect, types) [OP_##name] = &&do_##name,
#define HAS_CHANGED()                      (!profile_counts(profile) || !vmprof_counts_each(profile))
#define LEND()                             (void)0
#define TAKE_BACK()                        (void)0
#define SETTLE()                           vmprof_look_at_counts(profile)
#define BEGIN_RUN()                        (void)0
#define LEAVE_RUN()                        (void)0
#define GIVE_BACK_RUN()                    (void)0
#define COUNTER_SCALE                                                          \
    (PROFILE_WAYS * sizeof(uint64_t) / sizeof(*frame->function->code))
#define FIND_COUNTERS()                                                        \
    do {                                                                       \
        const uint64_t *const first =                                          \
            profile_counters(profile, frame->function, interp->sites);         \
                                                                               \
        if (VMPROF_EXPECT(!first, 0))                                          \
            goto other_loop;                                                   \
        counters = (uintptr_t)first -                                          \
                   COUNTER_SCALE * (uintptr_t)frame->function->code;           \
    } while (0)
#define COUNTER()      ((uint64_t *)(counters + COUNTER_SCALE * (uintptr_t)pc))
#define COUNT_USUAL()  vmprof_count_known(COUNTER())
#define COUNT_FLOATS() vmprof_count_known(COUNTER() + 1)
#define COUNT_OTHER()                                                          \
    profile_count(profile, frame->function, interp->sites, pc, sp)
/* Those from ADD on know their types themselves. */
#define OPCODE_AT(name)                                                        \
    count_##name : if (!KNOWS_TYPES(OP_##name))                                \
    {                                                                          \
        if (VMPROF_EXPECT(profile_is_usual(OP_##name, word, sp), 1))           \
            COUNT_USUAL();                                                     \
        else                                                                   \
            COUNT_OTHER();                                                     \
    }                                                                          \
    do_##name:
#define KNOWS_TYPES(opcode)                                                    \
    ((opcode) == OP_ADD || (opcode) == OP_SUBTRACT ||                          \
     (opcode) == OP_MULTIPLY || (opcode) == OP_LESS ||                         \
     (opcode) == OP_LESS_EQUAL || (opcode) == OP_GREATER ||                    \
     (opcode) == OP_GREATER_EQUAL)
#define OUT_OF_LINE()                                                          \
    do {                                                                       \
    truth:                                                                     \
        TRUTH();                                                               \
        goto *usual[opcode_of(word)];                                          \
    } while (0)
#define GO_ON_COUNTED() goto *counted[opcode_of(word)]
#include "loop.h"

static enum outcome
run_loop(struct interp *interp, struct value *result)
{
    struct vmprof_thread *const profile = interp->profile;
    const bool counts = profile_counts(profile);

    if (interp->jit && (!counts || jit_records(interp->jit)))
        return run_jit(interp, result);
    if (!counts)
        return run_plain(interp, result);
    vmprof_look_at_counts(profile);
    if (vmprof_counts_each(profile) &&
        profile_counters(profile, interp->current->frame->function,
                         interp->sites))
        return run_each(interp, result);
    return run_counted(interp, result);
}

bool
interp_run(struct interp *interp, struct value *result)
{
    struct vmprof_thread *const profile = interp->profile;
    enum outcome outcome;

    interp->current->frame->token = 0; /* the loop enters it */
    profile_begin_call(profile, interp->current->frame);
    do
        outcome = run_loop(interp, result);
    while (outcome == SWITCHED);
    return outcome == RETURNED;
}
