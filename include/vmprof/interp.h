/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Bytecodes and types: every n-th bytecode that a thread runs is a hit, counted
 * where it stands in its code object together with the types of its operands.
 *
 * The idea is that of Cinder's interpreter type profiling. New here: a period
 * may change at any time, a jittered one does not alias with loops, hits show
 * while a frame still runs, types and codes may die, and the figures of a site
 * always add up: hits = typed + other + untyped.
 *
 * A VM counts down at each bytecode, before it runs it, and pays for nothing
 * else as long as a count has not run out. One that dispatches through a table
 * can leave even that while it is off: see VMPROF_COUNTING, and one with two
 * loops: see vmprof_wants_count(). Other threads never touch a count: none begins
 * above VMPROF_COUNT_MOST, so that whatever is set for all threads takes effect
 * on each of them within so many bytecodes, or where a VM looks only at polls
 * within VMPROF_POLL_MOST of these, and at once on the thread that sets it.
 */
#ifndef VMPROF_INTERP_H
#define VMPROF_INTERP_H

#include <vmprof/code.h>
#include <vmprof/stack.h>

VMPROF_BEGIN_DECLS

enum {
    /** Operands of a bytecode that a tuple of types has, at most. @since 0.1 */
    VMPROF_MAX_OPERANDS = 8,
    /** Bytecodes that a thread runs before it looks at what was set, at most.
     * @since 0.1 */
    VMPROF_COUNT_MOST = 16384,
};

enum {
    /** What vmprof_thread::counting is while bytecodes are to be counted: a VM
     * of up to 256 opcodes can add it to the opcode that it dispatches on, and
     * pays for nothing else while its thread is off. @since 0.1 */
    VMPROF_COUNTING = 256,
    /** @private Of vmprof_thread::hit_cells. */
    VMPROF_HIT_CELLS = 1024,
};

/** The longest period there is, 2^40. @since 0.1 */
#define VMPROF_MAX_PERIOD ((uint64_t)1 << 40)

/**
 * A type of the VM's language. Never used again for another type. 0 is a
 * missing value, whose name is "<NULL>". @since 0.1
 */
typedef uint32_t vmprof_type_id;

/**
 * Tell the types of the operands of the bytecode that is about to run, the
 * deepest first; 0 for a missing value.
 *
 * @param operands  What the VM gave to vmprof_count_bytecode().
 *
 * @return How many, at most VMPROF_MAX_OPERANDS; 0: this bytecode is counted
 * without types.
 * @par Context
 * Runs on the thread that runs the bytecode. It must not call the library.
 * @since 0.1
 */
typedef int (*vmprof_operands_function)(
    void *user, uint64_t offset, uint32_t opcode, const void *operands,
    vmprof_type_id types[VMPROF_MAX_OPERANDS]);

/**
 * The name of an opcode, a string that stays; NULL: it has none.
 * @par Context
 * As vmprof_line_function.
 * @since 0.1
 */
typedef const char *(*vmprof_opcode_name_function)(void *user, uint32_t opcode);

/**
 * The line of the bytecode at @p offset in @p code; 0: unknown.
 *
 * @par Context
 * Runs on a thread that reads profiles or forgets the code, or on a thread of
 * the library while the VM runs, so it may only read what does not change while
 * the code object lives. vmprof_forget_code() waits for it; so it must neither
 * call the library nor wait for another thread.
 * @since 0.1
 */
typedef uint32_t (*vmprof_line_function)(void *user, void *code,
                                         uint64_t offset);

/**
 * A number that stands for the content of @p code: the same in each process
 * that has loaded the same code, another when its bytecode has changed. 0: none.
 * @par Context
 * As vmprof_line_function.
 * @since 0.1
 */
typedef uint64_t (*vmprof_hash_function)(void *user, void *code);

/**
 * Find the first bytecode at @p offset or behind it whose operands have types:
 * a profile then shows also those that were never hit.
 *
 * @param[in,out] offset  Where to look from, then where it is.
 * @param[out] opcode     What is there.
 *
 * @return 1, or 0: there is none.
 * @par Context
 * As vmprof_line_function.
 * @since 0.1
 */
typedef int (*vmprof_next_site_function)(void *user, void *code,
                                         uint64_t *offset, uint32_t *opcode);

/** How a class has its bytecodes profiled. Only grows at the end. @since 0.1 */
struct vmprof_interp_functions {
    uint64_t size;                           /**< set by ..._init() */
    vmprof_operands_function operands;       /**< NULL: counted without types */
    vmprof_opcode_name_function opcode_name; /**< NULL: a number */
    vmprof_line_function line;               /**< NULL: unknown */
    vmprof_hash_function hash;               /**< NULL: none */
    vmprof_next_site_function next_site;     /**< NULL: only what was hit */
    void *user;                              /**< passed to all of them */
};

/** Zero @p functions and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_interp_functions_init(struct vmprof_interp_functions *functions)
{
    memset(functions, 0, sizeof(*functions));
    functions->size = sizeof(*functions);
}

/**
 * Say how the bytecodes of a class are profiled. Without, they are counted at
 * their offsets, with types if the VM gives them itself.
 *
 * @retval -EINVAL    @p code_class is NULL, or a bad size.
 * @retval -EALREADY  That was said before: it cannot change.
 * @retval -E2BIG     @p functions asks for something this library is too old
 *                    for.
 * @par Context
 * Any thread, before a bytecode of the class is counted.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_interp_functions(struct vmprof_code_class *code_class,
                            const struct vmprof_interp_functions *functions);

/**
 * Give a type its id.
 *
 * @param code_class  The class of the codes whose operands have such types.
 * @param name        Copied; what profiles call it. Two types may share one.
 * @param[out] out    The id.
 *
 * @retval -EINVAL        A NULL class, or an empty name.
 * @retval -ENAMETOOLONG  The name is longer than VMPROF_NAME_SIZE - 1 bytes.
 * @retval -EOVERFLOW     2^32 - 2 types have been registered.
 * @retval -ENOMEM        Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_register_type(struct vmprof_code_class *code_class, const char *name,
                     vmprof_type_id *out);

/**
 * Say that a type dies. Its name stays for the hits it was seen in, until they
 * have been read.
 *
 * @retval -ENOENT  There is no such type.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_forget_type(vmprof_type_id type);

/**
 * The living type of that name in a class, the youngest if it is shared; 0 if
 * there is none.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API vmprof_type_id
vmprof_find_type(const struct vmprof_code_class *code_class, const char *name);

/**
 * Switch the profile of bytecodes on or off for the calling thread.
 *
 * What a thread ran since its last hit counts on when it is switched on again:
 * being on ten times for a tenth of a period makes one hit.
 *
 * @return 1 if it was on, 0 if it was off.
 * @retval -ESRCH  This thread is not attached.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_profile_interp(int on);

/**
 * Switch it on or off for all threads, and for those that attach later.
 *
 * @return 0.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_profile_interp_all(int on);

/**
 * Make every @p period -th bytecode of a thread a hit; 1, as at first, makes it
 * all. A thread that has run that many since its last hit has its next one at
 * once.
 *
 * @retval -EINVAL  0, or over VMPROF_MAX_PERIOD.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_profile_interp_period(uint64_t period);

/**
 * Draw the way from each hit to the next from 1 to 2n - 1 bytecodes, for a
 * period n, so that no loop can run in step with it. Each hit then stands for
 * as many bytecodes as were drawn; at first it is off.
 *
 * @return 1 if it was on, 0 if it was off.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_profile_interp_jitter(int on);

/** What bounds the memory of type profiles. Only grows at the end. @since 0.1 */
struct vmprof_type_limits {
    uint64_t size;   /**< set by ..._init() */
    uint32_t sites;  /**< places with hits, of each thread and of all that has
                          ended together; default 16,384, at most 2^20 */
    uint32_t tuples; /**< tuples of types at a site, first come; what does not
                          fit is "<other>"; default 4, at most 64 */
};

/** Zero @p limits and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_type_limits_init(struct vmprof_type_limits *limits)
{
    memset(limits, 0, sizeof(*limits));
    limits->size = sizeof(*limits);
}

/**
 * Set how much is kept. The sites of a thread take at most
 *
 *     sites * (128 + 56 * tuples) bytes,
 *
 * as much again while they are moved, and little at first; ended threads and
 * forgotten codes share as much once more. A thread that is profiled has 32 KiB
 * besides, and 16 bytes for each of at most as many bytecodes that it counts with
 * vmprof_count_at_site(). Hits that find no site free are counted in a row
 * without a place.
 *
 * @retval -EINVAL  A bad size, or a limit that is too high.
 * @retval -E2BIG   @p limits asks for something this library is too old for.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_type_limits(const struct vmprof_type_limits *limits);

/**
 * What a count calls that has run out: counts a hit if one is due, with the
 * types that the class's operands function tells.
 *
 * @return The countdown to go on with.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int64_t
vmprof_bytecode_expired(struct vmprof_thread *thread, int64_t countdown,
                        vmprof_code_id code, uint64_t offset, uint32_t opcode,
                        const void *operands);

/**
 * As vmprof_bytecode_expired(), with the types at hand, the deepest first;
 * 0 for a missing value. Of more than VMPROF_MAX_OPERANDS the first count.
 *
 * @return The countdown to go on with.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int64_t
vmprof_bytecode_typed(struct vmprof_thread *thread, int64_t countdown,
                      vmprof_code_id code, uint64_t offset, uint32_t opcode,
                      const vmprof_type_id *types, size_t count);

/**
 * A bytecode is about to run.
 *
 * @param thread    The calling thread's record, not NULL.
 * @param code      The code object that it is of.
 * @param offset    Where in it, in the VM's own units.
 * @param opcode    What it is, for the class's functions.
 * @param operands  For the class's operands function, which is only asked when
 *                  the bytecode is a hit: usually the VM's stack pointer.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_bytecode(struct vmprof_thread *thread, vmprof_code_id code,
                      uint64_t offset, uint32_t opcode, const void *operands)
{
    if (VMPROF_EXPECT(--thread->bytecode_countdown < 0, 0))
        thread->bytecode_countdown = vmprof_bytecode_expired(
            thread, thread->bytecode_countdown, code, offset, opcode, operands);
}

/**
 * As vmprof_count_bytecode(), with a countdown that the VM keeps itself, so
 * that it can be in a register.
 *
 * A loop that runs bytecode takes the countdown from
 * thread->bytecode_countdown, or 2^62 without a thread, and gives it back there
 * before it returns or calls what may count bytecodes or set any of the above,
 * too; then it takes it again.
 *
 * @return The countdown to go on with.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int64_t
vmprof_count_bytecode_kept(struct vmprof_thread *thread, int64_t countdown,
                           vmprof_code_id code, uint64_t offset,
                           uint32_t opcode, const void *operands)
{
    if (VMPROF_EXPECT(--countdown < 0, 0))
        countdown = vmprof_bytecode_expired(thread, countdown, code, offset,
                                            opcode, operands);
    return countdown;
}

/**
 * VMPROF_COUNTING while the thread's bytecodes are to be counted, else 0.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_counting(const struct vmprof_thread *thread)
{
    return __atomic_load_n(&thread->counting, __ATOMIC_RELAXED);
}

/** Hits of a bytecode with the types it had before. Frozen; written by the
 * library alone. @since 0.1 */
struct vmprof_hit_cell {
    uint64_t position; /**< of the bytecode; 0: the cell is free */
    uint64_t key;      /**< of the types, see vmprof_key_of_none() */
    uint64_t *hits;    /**< the counter */
    uint64_t code;     /**< whose bytecode it is */
};

/**
 * What vmprof_count_hit() knows a bytecode without types by.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_key_of_none(void)
{
    return UINT64_MAX;
}

/**
 * The same of one with an operand of this type.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_key_of_one(vmprof_type_id type)
{
    return (uint64_t)UINT32_MAX << 32 | type;
}

/**
 * The same of one with operands of these types.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_key_of_two(vmprof_type_id deeper, vmprof_type_id upper)
{
    return (uint64_t)upper << 32 | deeper;
}

/**
 * For VMs that are profiled with period 1: count a bytecode, if every one is a
 * hit and this one has been hit with the same types, without a call.
 *
 * @param countdown  One that has run out: it was counted down below 0.
 * @param position   Where the bytecode is, so that no two of codes that live
 *                   have the same: its address, not 0.
 * @param key        Of the types that its operands have now.
 *
 * @return 1: it was counted, go on with the same countdown; 0: go on with
 * vmprof_bytecode_missed().
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_count_hit(struct vmprof_thread *thread, int64_t countdown,
                 uintptr_t position, uint64_t key)
{
    struct vmprof_hit_cell *cell;

    if (__builtin_expect(countdown <= thread->hit_floor, 0))
        return 0;
    cell = thread->hit_cells +
           ((uint32_t)position * UINT32_C(2654435769)) / (1 << 22);
    if (__builtin_expect(__atomic_load_n(&cell->position, __ATOMIC_RELAXED) !=
                                 position ||
                             cell->key != key,
                         0))
        return 0;
    __atomic_store_n(cell->hits,
                     __atomic_load_n(cell->hits, __ATOMIC_RELAXED) + 1,
                     __ATOMIC_RELAXED);
    return 1;
}

/**
 * As vmprof_bytecode_expired(), for what vmprof_count_hit() did not count.
 *
 * @return The countdown to go on with.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int64_t
vmprof_bytecode_missed(struct vmprof_thread *thread, int64_t countdown,
                       uintptr_t position, vmprof_code_id code, uint64_t offset,
                       uint32_t opcode, const void *operands);

/** Where hits of one bytecode are counted, while it has the types it had at
 * first. Frozen; written by the library alone, but for the counter.
 * @since 0.1 */
struct vmprof_hit_site {
    uint64_t key;   /**< of these types; that of no types there are: none yet */
    uint64_t *hits; /**< the counter */
};

/**
 * The sites of a code object on the calling thread, for vmprof_count_at_site().
 *
 * @param count  How many offsets @p code has, from 0 on.
 *
 * @return One for each offset, until the code is forgotten or the thread
 * detaches; NULL: there is no memory, or vmprof_type_limits::sites bytecodes
 * have one.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API struct vmprof_hit_site *
vmprof_hit_sites(struct vmprof_thread *thread, vmprof_code_id code,
                 size_t count);

/**
 * Whether every bytecode of the thread is a hit now. Changes with what is set,
 * and with calls of candidates.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_counts_each(const struct vmprof_thread *thread)
{
    return thread->hit_floor != 0;
}

/**
 * For VMs that are profiled with period 1, the cheapest way: count a bytecode
 * without counting down, while vmprof_counts_each(). Such a VM calls
 * vmprof_look_at_counts() now and then, as no count runs out.
 *
 * @param key  Of the types that its operands have now, see vmprof_key_of_none().
 *
 * @return 1: it was counted; 0: count it with vmprof_bytecode_missed(), or
 * first with vmprof_count_hit(), which finds other types that it had.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_count_at_site(const struct vmprof_hit_site *site, uint64_t key)
{
    if (__builtin_expect(site->key != key, 0))
        return 0;
#if defined(__x86_64__)
    /* One instruction, where an atomic load and store make three. */
    __asm__("incq %0" : "+m"(*site->hits));
#else
    __atomic_store_n(site->hits,
                     __atomic_load_n(site->hits, __ATOMIC_RELAXED) + 1,
                     __ATOMIC_RELAXED);
#endif
    return 1;
}

/**
 * Have what was set for all threads take effect on the calling one, with its
 * countdown in thread->bytecode_countdown, where it may have changed.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API void
vmprof_look_at_counts(struct vmprof_thread *thread);

/**
 * Called when all bytecodes of a candidate's calls have been profiled.
 *
 * @param calls  How many there were.
 * @param error  0, or -ECANCELED: the code was forgotten or the candidate
 *               withdrawn before the last of them.
 * @par Context
 * Runs on the thread whose call ended last, in vmprof_count_return(), or in
 * what withdrew it. It may call the library.
 * @since 0.1
 */
typedef void (*vmprof_candidate_function)(void *user, vmprof_code_id code,
                                          uint64_t calls, int error);

/**
 * Have all bytecodes of the next @p calls calls of @p code profiled on all
 * threads, whatever the period and also where the profile is off: what a JIT
 * asks before it compiles. For VMs that tell of calls with vmprof_count_call().
 *
 * @param done  NULL for none.
 *
 * @retval -EINVAL  @p calls is 0.
 * @retval -ENOENT  There is no such code.
 * @retval -EEXIST  It is a candidate already.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_add_candidate(vmprof_code_id code, uint64_t calls,
                     vmprof_candidate_function done, void *user);

/**
 * Withdraw a candidate; its function is called with -ECANCELED.
 *
 * @retval -ENOENT  @p code is none.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_remove_candidate(vmprof_code_id code);

/** @private vmprof_count_call() and its companions where there are candidates.
 */
VMPROF_API uint64_t
vmprof_candidate_call(struct vmprof_thread *thread, vmprof_code_id code);
/** @private */
VMPROF_API void
vmprof_candidate_resume(struct vmprof_thread *thread, uint64_t mark);
/** @private */
VMPROF_API void
vmprof_candidate_return(struct vmprof_thread *thread, uint64_t mark);

/**
 * Whether there are candidates. Only then do vmprof_count_call() and its
 * companions do anything, and they may change the countdown: a loop that keeps
 * it in a register gives it back before and takes it after.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_has_candidates(const struct vmprof_thread *thread)
{
    return __atomic_load_n(&thread->candidates, __ATOMIC_RELAXED) != 0;
}

/**
 * Whether there is anything to count on this thread, bytecodes or calls. A VM
 * can have its loop compiled twice, and run the one that counts nothing while
 * this is 0: it looks where vmprof_poll() says so, and after what the program
 * may have set on this thread.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_wants_count(const struct vmprof_thread *thread)
{
    return (vmprof_counting(thread) |
            __atomic_load_n(&thread->candidates, __ATOMIC_RELAXED)) != 0;
}

/**
 * A call of @p code begins: the next bytecodes are its own.
 *
 * @return A mark to be kept with the call; 0: it is none of a candidate's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_count_call(struct vmprof_thread *thread, vmprof_code_id code)
{
    if (VMPROF_EXPECT(vmprof_has_candidates(thread), 0))
        return vmprof_candidate_call(thread, code);
    return 0;
}

/**
 * The next bytecodes are again those of an earlier call: what it called has
 * returned or thrown, or a generator goes on.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_resume(struct vmprof_thread *thread, uint64_t mark)
{
    if (VMPROF_EXPECT(vmprof_has_candidates(thread), 0))
        vmprof_candidate_resume(thread, mark);
}

/**
 * A call has ended, by returning, by an exception, or as a generator that is
 * dropped; on any thread. vmprof_count_resume() of its caller comes after.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_return(struct vmprof_thread *thread, uint64_t mark)
{
    if (VMPROF_EXPECT(mark != 0, 0))
        vmprof_candidate_return(thread, mark);
}

VMPROF_END_DECLS

#include <vmprof/type_profile.h>

#endif
