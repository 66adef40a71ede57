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

/* Labels as values are what a threaded interpreter is made of. */
#pragma GCC diagnostic ignored "-Wpedantic"

/* In the C frame of the loop that runs, and of the other one: both are called by
 * the same function. Native frames are put around calls by it. */
#define HERE() ((uintptr_t)__builtin_frame_address(0))

enum {
    STEPPING = 256, /* parts of the tables of labels */
    IDLE = 512,
    AT_SITES = 768,
};

#define SITE_SCALE (sizeof(struct vmprof_hit_site) / sizeof(uint32_t))

/* A countdown that does not end while a loop runs without looking. */
#define NOT_COUNTED ((int64_t)1 << 62)

/* Why a loop has ended. */
enum outcome {
    RETURNED, /* from main: there is no frame left */
    THROWN,   /* and nobody caught it */
    SWITCHED, /* the other loop goes on where this one was */
};

/* What the tables of labels have for instructions with an event to tell, from
 * some opcode on; and what a loop does that tests for events itself, which the
 * usual one does not. See events.h. */
#if TOY_EVENTS == 1
#    define TOLD(first)                                                        \
        [(first) + OPCODE_TOLD...(first) + OPCODE_TOLD + 127] = &&told,
#else
#    define TOLD(first)
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
#define LOOK()                                                                 \
    do {                                                                       \
        if (VMPROF_EXPECT(profile_counts(profile) != COUNTED, 0) &&            \
            MAY_SWITCH())                                                      \
            goto other_loop;                                                   \
    } while (0)
#define POLL()                                                                 \
    do {                                                                       \
        if (profile_poll(profile)) {                                           \
            LOOK();                                                            \
            SETTLE();                                                          \
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

/* Another frame runs now: one that begins, or one that goes on. */
#define LOAD(what)                                                             \
    do {                                                                       \
        frame = interp->current->frame;                                        \
        if (COUNTED && VMPROF_EXPECT(vmprof_has_candidates(profile), 0))       \
            TELL(what, frame);                                                 \
        FIND_SITES();                                                          \
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

/* The loop is there three times, so that instructions which are neither counted
 * nor looked at by a JIT pay nothing for those that may be. */
#define LABEL(name, effect, types) [OP_##name] = &&do_##name,
#define RUN_LOOP                   run_plain
#define COUNTED                    false
#define TABLES()                   static const void *const table[] = { OPCODES(LABEL) TOLD(0) }
#define OPCODE_AT(name)            do_##name:
#define LEND()                     (void)0
#define TAKE_BACK()                (void)0
#define SETTLE()                   (void)0
#define BEGIN_RUN()                (void)0
#define LEAVE_RUN()                (void)0
#define FIND_SITES()               (void)0
#define MAY_SWITCH()               true
#define HOOK()                     (void)0
#define JIT()                      (void)0
#include "loop.h"
#undef RUN_LOOP
#undef TABLES
#undef MAY_SWITCH
#undef JIT

/* With a JIT: it has the first look at loops and calls, and while it records at
 * each instruction, and that is not to be interrupted. */
#define STEP(name, effect, types) [OP_##name] = &&jit,
#define RUN_LOOP                  run_jit
#define TABLES()                                                               \
    static const void *const plain[] = { OPCODES(LABEL) TOLD(0) };             \
    static const void *const hooked[] = { OPCODES(HOOKED_LABEL) TOLD(0) };     \
    static const void *const recorded[] = { OPCODES(STEP) TOLD(0) };           \
    const void *const *table = jit_records(interp->jit) ? recorded : hooked;   \
    enum jit_next next
#define HOOKED_LABEL(name, effect, types)                                      \
    [OP_##name] =                                                              \
        OP_##name == OP_LOOP || OP_##name == OP_CALL ? &&jit : &&do_##name,
#define MAY_SWITCH() !jit_records(interp->jit)
#define JIT()                                                                  \
    do {                                                                       \
    jit:                                                                       \
        next = jit_step(interp, frame, pc, sp, HERE());                        \
        table = jit_records(interp->jit) ? recorded : hooked;                  \
        if (next == JIT_THROW)                                                 \
            goto thrown;                                                       \
        if (next == JIT_INTERPRET)                                             \
            goto *plain[opcode_of(word)];                                      \
        LOAD(profile_go_on);                                                   \
        LOOK();                                                                \
        DISPATCH();                                                            \
    } while (0)
#include "loop.h"
#undef LABEL
#undef RUN_LOOP
#undef COUNTED
#undef TABLES
#undef OPCODE_AT
#undef MAY_SWITCH
#undef HOOK
#undef JIT
#undef LEND
#undef TAKE_BACK
#undef SETTLE
#undef BEGIN_RUN
#undef LEAVE_RUN
#undef FIND_SITES

/* The countdown of instructions is in a register of the loop that counts. What
 * sets how they are profiled finds it in the thread's record in the meantime. */
#define LEND()                                                                 \
    do {                                                                       \
        if (bytecodes < NOT_COUNTED / 2)                                       \
            profile->bytecode_countdown = bytecodes;                           \
    } while (0)
#define TAKE_BACK()                                                            \
    do {                                                                       \
        stepping = labels + STEPPING;                                          \
        running = labels;                                                      \
        bytecodes = profile->bytecode_countdown;                               \
        if (!vmprof_counting(profile)) {                                       \
            bytecodes = NOT_COUNTED;                                           \
            running = labels + IDLE;                                           \
        }                                                                      \
        FIND_SITES();                                                          \
    } while (0)

/* What other threads have set. */
#define SETTLE()                                                               \
    do {                                                                       \
        LEND();                                                                \
        vmprof_look_at_counts(profile);                                        \
        TAKE_BACK();                                                           \
    } while (0)

/* Where each instruction is a hit, those of the function have counters. The
 * number is such that the site of an instruction is found by its address. */
#define FIND_SITES()                                                           \
    do {                                                                       \
        if (vmprof_counts_each(profile)) {                                     \
            const struct vmprof_hit_site *const first =                        \
                profile_sites(profile, frame->function, interp->sites);        \
                                                                               \
            sites = (uintptr_t)first -                                         \
                    SITE_SCALE * (uintptr_t)frame->function->code;             \
            stepping = labels + (first ? AT_SITES : STEPPING);                 \
        }                                                                      \
    } while (0)
#define SITE()                                                                 \
    ((const struct vmprof_hit_site *)(sites + SITE_SCALE * (uintptr_t)pc))

/* A run of instructions begins, which one can only leave at its end, by a jump
 * that gives back the rest, or by an exception. It is counted down as a whole if
 * none of it is a hit; only else each instruction is. */
#define BEGIN_RUN()                                                            \
    do {                                                                       \
        const int64_t length = function_run(frame->function, pc);              \
                                                                               \
        table = stepping;                                                      \
        if (bytecodes >= length) {                                             \
            bytecodes -= length;                                               \
            table = running;                                                   \
        }                                                                      \
    } while (0)
/* The rest of a run in which one was a hit. */
#define GO_ON_WITH_RUN()                                                       \
    do {                                                                       \
        const int64_t rest = function_run(frame->function, pc) - 1;            \
                                                                               \
        if (bytecodes >= rest) {                                               \
            bytecodes -= rest;                                                 \
            table = running;                                                   \
        }                                                                      \
    } while (0)
/* The instructions behind this one are not run. */
#define LEAVE_RUN()                                                            \
    do {                                                                       \
        if (table == running)                                                  \
            bytecodes += function_run(frame->function, pc) - 1;                \
    } while (0)

/* Instructions come in through a label for each part of the table: that of a run
 * which was counted down, that of instructions which are counted one by one, and
 * where none is. For the truth each is counted, besides. */
#define LABEL(name, effect, types)                                             \
    [OP_##name] = &&do_##name, [OP_##name + STEPPING] = &&count_##name,        \
    [OP_##name + IDLE] = &&do_##name, [OP_##name + AT_SITES] = &&here_##name,
#define TRUTH_LABEL(name, effect, types)                                       \
    [OP_##name] = &&truth_do_##name,                                           \
    [OP_##name + STEPPING] = &&truth_count_##name,                             \
    [OP_##name + IDLE] = &&do_##name,                                          \
    [OP_##name + AT_SITES] = &&truth_here_##name,
#define TOLD_EACH() TOLD(0) TOLD(STEPPING) TOLD(IDLE) TOLD(AT_SITES)
#define RUN_LOOP    run_counted
#define COUNTED     true
#define TABLES()                                                               \
    static const void *const usual[] = { OPCODES(LABEL) TOLD_EACH() };         \
    static const void *const with_truth[] = { OPCODES(TRUTH_LABEL)             \
                                                  TOLD_EACH() };               \
    const void *const *const labels = interp->type_truth ? with_truth : usual; \
    const void *const *table, *const *running, *const *stepping;               \
    uintptr_t sites = 0;                                                       \
    int64_t bytecodes
#define TRUTH() type_truth_count(interp->type_truth, frame->function, pc, sp)
#define COUNT(name)                                                            \
    do {                                                                       \
        if (VMPROF_EXPECT(--bytecodes < 0, 0) &&                               \
            !profile_count_again(profile, bytecodes, OP_##name, pc, sp)) {     \
            bytecodes =                                                        \
                profile_hit(profile, bytecodes, frame->function, pc, sp);      \
            GO_ON_WITH_RUN();                                                  \
        }                                                                      \
    } while (0)
/* clang-format off */
#define OPCODE_AT(name)                                                        \
    truth_do_##name:                                                           \
        TRUTH();                                                               \
        goto do_##name;                                                        \
    truth_here_##name:                                                         \
        TRUTH();                                                               \
    here_##name:                                                               \
        if (profile_count_here(SITE(), OP_##name, pc, sp))                     \
            goto do_##name;                                                    \
        goto count_##name;                                                     \
    truth_count_##name:                                                        \
        TRUTH();                                                               \
    count_##name:                                                              \
        COUNT(name);                                                           \
    do_##name:
/* clang-format on */
/* What is compiled runs, uncounted; what is to be is recorded by the loop that is
 * for it. */
#define MAY_SWITCH() true
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
#define JIT() (void)0
#include "loop.h"

static enum outcome
run_loop(struct interp *interp, struct value *result)
{
    bool counts = profile_counts(interp->profile);

    if (interp->jit && (!counts || jit_records(interp->jit)))
        return run_jit(interp, result);
    return counts ? run_counted(interp, result) : run_plain(interp, result);
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
