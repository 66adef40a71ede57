/* SPDX-License-Identifier: MIT */

/*
 * Everything that the toy VM has to do to be profiled by libvmprof. What is
 * done once is in profile.c; what runs with the program is inline here, and
 * the interpreter calls it where a call begins, ends, or is skipped.
 */
#ifndef TOY_PROFILE_H
#define TOY_PROFILE_H

#include "frame.h"
#include "native.h"
#include "program.h"

#include <stdio.h>
#include <vmprof/vmprof.h>

/* Once, before anything else. All int results are 0 or a negative errno. */
int
profile_init(void);

/* Functions get ids when they have been compiled, and lose them before they
 * are freed. */
int
profile_add_program(struct program *program);
void
profile_remove_program(const struct program *program);

/* Each thread that runs bytecode does so between these two. */
int
profile_attach(const char *name, struct vmprof_thread **out);
void
profile_detach(struct vmprof_thread *thread);

/* Profile into a file, which stays the caller's; stop, however it was started,
 * and write a summary unless it is NULL. */
int
profile_start(int fd, double interval, enum vmprof_mode mode,
              uint32_t jit_emits, enum vmprof_jit_inner jit_inner);
int
profile_stop(FILE *summary);

/* Rows of bytecodes and types since the last time, as lines of JSON. */
int
profile_write_types(vmprof_write_function write, void *user);

/* The same, for the JIT of a later run of this version. */
int
profile_save_types(const char *version, vmprof_write_function write,
                   void *user);

/* What programs can do about it. Results as of vmprof_pause(). */
int
profile_pause(void);
int
profile_resume(void);

/* A call begins. The frame's pc is the position cell: it is always up to date,
 * and never moves while the frame lives. */
static inline void
profile_enter(struct vmprof_thread *thread, struct frame *frame,
              uintptr_t stack_pointer)
{
    frame->token = vmprof_enter_at(thread, frame->function->id,
                                   VMPROF_KIND_CODE, &frame->pc, stack_pointer);
}

/* A call returns. */
static inline void
profile_leave(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_execute_code_leave(thread, frame->token);
}

/* Before the running function changes, and in loops: a sample that is due is
 * taken here. Now and then it is also time to look at what is counted. */
static inline bool
profile_poll(struct vmprof_thread *thread)
{
    return vmprof_poll(thread);
}

/* After what took long: its time is not for whoever polls next. */
static inline void
profile_poll_now(struct vmprof_thread *thread)
{
    if (thread)
        thread->poll_countdown =
            vmprof_poll_expired(thread, thread->poll_countdown);
}

/* Whether instructions or calls are counted. */
static inline bool
profile_counts(const struct vmprof_thread *thread)
{
    return vmprof_wants_count(thread);
}

/* An exception has skipped all calls above this one, which goes on. */
static inline void
profile_catch(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_execute_code_repair(thread, frame->token);
}

/* The types that a profile should tell of an instruction: those of so many
 * values at the top of the stack. */
static inline uint32_t
profile_type_count(enum opcode opcode, uint32_t word)
{
    static const uint8_t counts[] = {
#define TYPES(name, effect, types) types,
        OPCODES(TYPES)
#undef TYPES
    };

    return opcode == OP_CALL ? (uint32_t)operand_of(word) + 1 : counts[opcode];
}

extern vmprof_type_id profile_types[]; /* by enum value_type */

/* The types that an instruction has most likely: those that its first counter is
 * for. Returns how many there are, as profile_type_count(). */
static inline uint32_t
profile_usual_types(enum opcode opcode, uint32_t word, enum value_type types[2])
{
    types[0] = types[1] = VALUE_INT;
    if (opcode == OP_GET_INDEX)
        types[0] = VALUE_LIST;
    else if (opcode == OP_GET_ATTRIBUTE)
        types[0] = VALUE_OBJECT;
    else if (opcode == OP_CALL)
        types[0] = VALUE_FUNCTION;
    else if (opcode == OP_NOT)
        types[0] = VALUE_BOOL;
    return profile_type_count(opcode, word);
}

static inline __attribute__((always_inline)) bool
profile_is_usual(enum opcode opcode, uint32_t word, const struct value *sp)
{
    enum value_type usual[2];
    const uint32_t count = profile_usual_types(opcode, word, usual);

    if (count == 2)
        return sp[-2].type == usual[0] && sp[-1].type == usual[1];
    return count == 0 || (count == 1 && sp[-1].type == usual[0]);
}

/* Of a function, on a thread. */
struct profile_sites {
    struct vmprof_hit_site *sites;
    uint64_t *counters; /* PROFILE_WAYS of each instruction */
    bool are_asked;
};

enum {
    PROFILE_WAYS = 2,
};

/* Where instructions of a function are counted on this thread. The cache has
 * room for each function. */
void
profile_ask_sites(struct vmprof_thread *thread, const struct function *function,
                  struct profile_sites *sites);

static inline uint64_t *
profile_counters(struct vmprof_thread *thread, const struct function *function,
                 struct profile_sites *cache)
{
    struct profile_sites *const sites = &cache[function->index];

    if (VMPROF_EXPECT(!sites->are_asked, 0))
        profile_ask_sites(thread, function, sites);
    return sites->counters;
}

/* An instruction is a hit: a countdown has run out there. Returns the next one.
 */
int64_t
profile_hit(struct vmprof_thread *thread, const struct function *function,
            const uint32_t *pc, const struct value *sp);

/* Count down for an instruction, by the thread's own countdown, and count it if
 * it is a hit. */
void
profile_count(struct vmprof_thread *thread, const struct function *function,
              const struct profile_sites *cache, const uint32_t *pc,
              const struct value *sp);

/* What the library hands on to profile.c for an instruction that is a hit. */
struct profile_operands {
    uint32_t word;
    const struct value *sp;
};

/* Functions can be profiled whole for some calls. A call begins, ends, or goes
 * on after another one. */
static inline void
profile_begin_call(struct vmprof_thread *thread, struct frame *frame)
{
    frame->mark = vmprof_count_call(thread, frame->function->id);
}

static inline void
profile_end_call(struct vmprof_thread *thread, struct frame *frame)
{
    vmprof_count_return(thread, frame->mark);
    frame->mark = 0;
}

static inline void
profile_go_on(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_count_resume(thread, frame->mark);
}

/* Builtins are frames too, of another kind and without a position. */
static inline bool
profile_call_native(struct vmprof_thread *thread, const struct native *native,
                    struct interp *interp, const struct value *arguments,
                    size_t count, struct value *result)
{
    enum vmprof_phase phase = vmprof_set_phase(thread, VMPROF_PHASE_NATIVE);
    vmprof_token token =
        vmprof_enter_kind(thread, native->id, VMPROF_KIND_NATIVE, NULL);
    native_function call = __atomic_load_n(&native->call, __ATOMIC_RELAXED);
    bool returned = call(interp, arguments, count, result);

    if (native->takes_long)
        profile_poll_now(thread);
    else
        profile_poll(thread);
    vmprof_execute_code_leave(thread, token);
    vmprof_set_phase(thread, phase);
    return returned;
}

/* And so is the collector. Inline, so that the function that collects is the one
 * whose stack pointer the frame keeps: native frames are merged by it. */
struct profile_gc {
    vmprof_token token;
    enum vmprof_phase phase;
};

extern vmprof_code_id profile_collector;

static inline struct profile_gc
profile_begin_gc(struct vmprof_thread *thread)
{
    return (struct profile_gc){
        .phase = vmprof_set_phase(thread, VMPROF_PHASE_GC),
        .token =
            vmprof_enter_kind(thread, profile_collector, VMPROF_KIND_GC, NULL),
    };
}

static inline void
profile_end_gc(struct vmprof_thread *thread, struct profile_gc gc)
{
    /* A collection is long enough for a look at the time. */
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
    vmprof_execute_code_leave(thread, gc.token);
    vmprof_set_phase(thread, gc.phase);
}

/* A coroutine has a stack of its own, which lies on top of its resumer's as
 * long as it runs. */
static inline int
profile_new_stack(struct vmprof_stack **out)
{
    return vmprof_new_stack(0, out);
}

static inline int
profile_resume_stack(struct vmprof_thread *thread, struct vmprof_stack *stack)
{
    return vmprof_resume_stack(thread, stack);
}

static inline void
profile_yield_stack(struct vmprof_thread *thread)
{
    (void)vmprof_yield_stack(thread);
}

static inline void
profile_free_stack(struct vmprof_stack *stack)
{
    (void)vmprof_free_stack(stack);
}

#endif
