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

/* The part of a table of labels by opcode that the loop goes on with: behind
 * VMPROF_COUNTING labels are those of instructions that are counted. */
static inline const void *const *
profile_table(const struct vmprof_thread *thread, const void *const *labels)
{
    return labels + vmprof_counting(thread);
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

/* Of a function, on a thread. */
struct profile_sites {
    struct vmprof_hit_site *sites;
    bool are_asked;
};

/* What the library knows an instruction by that has two operands or fewer. */
static inline __attribute__((always_inline)) uint64_t
profile_key(uint32_t count, const struct value *sp)
{
    if (count == 2)
        return vmprof_key_of_two(profile_types[sp[-2].type],
                                 profile_types[sp[-1].type]);
    if (count == 1)
        return vmprof_key_of_one(profile_types[sp[-1].type]);
    return vmprof_key_of_none();
}

/* Count an instruction that was hit before with the same types: where it has
 * these mostly, or else where many share the room. */
static inline __attribute__((always_inline)) bool
profile_count_here(const struct vmprof_hit_site *site, enum opcode opcode,
                   const uint32_t *pc, const struct value *sp)
{
    const uint32_t count = profile_type_count(opcode, word_at(pc));

    return count <= 2 && vmprof_count_at_site(site, profile_key(count, sp));
}

static inline __attribute__((always_inline)) bool
profile_count_again(struct vmprof_thread *thread, int64_t countdown,
                    enum opcode opcode, const uint32_t *pc,
                    const struct value *sp)
{
    const uint32_t count = profile_type_count(opcode, word_at(pc));

    return count <= 2 && vmprof_count_hit(thread, countdown, (uintptr_t)pc,
                                          profile_key(count, sp));
}

/* Where instructions of a function are counted on this thread; NULL: there is
 * no room. The cache has room for each function. */
static inline struct vmprof_hit_site *
profile_sites(struct vmprof_thread *thread, const struct function *function,
              struct profile_sites *cache)
{
    struct profile_sites *const cached = &cache[function->index];

    if (VMPROF_EXPECT(!cached->are_asked, 0)) {
        cached->sites = vmprof_hit_sites(thread, function->id, function->count);
        cached->are_asked = true;
    }
    return cached->sites;
}

/* What the library hands on to profile.c for an instruction that is a hit. */
struct profile_operands {
    uint32_t word;
    const struct value *sp;
};

int64_t
profile_hit(struct vmprof_thread *thread, int64_t countdown,
            const struct function *function, const uint32_t *pc,
            const struct value *sp);

/* Functions can be profiled whole for some calls. A call begins, ends, or goes
 * on after another one. */
static inline void
profile_begin_call(struct vmprof_thread *thread, struct frame *frame)
{
    frame->mark = vmprof_count_call(thread, frame->function->id);
}

static inline void
profile_end_call(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_count_return(thread, frame->mark);
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
