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

/**
 * Tell what the VM counts in counter @p index of @p code, see
 * vmprof_hit_counters().
 *
 * @param[out] offset  Of the bytecode.
 * @param[out] opcode  Which it is.
 * @param[out] types   Those of its operands, the deepest first.
 *
 * @return How many types, at most VMPROF_MAX_OPERANDS; 0: it is counted without
 * types; -1: nothing is, and what was is without a place.
 * @par Context
 * As vmprof_line_function, and on a thread that detaches.
 * @since 0.1
 */
typedef int (*vmprof_known_function)(void *user, void *code, size_t index,
                                     uint64_t *offset, uint32_t *opcode,
                                     vmprof_type_id types[VMPROF_MAX_OPERANDS]);

/** How a class has its bytecodes profiled. Only grows at the end. @since 0.1 */
struct vmprof_interp_functions {
    uint64_t size;                           /**< set by ..._init() */
    vmprof_operands_function operands;       /**< NULL: counted without types */
    vmprof_opcode_name_function opcode_name; /**< NULL: a number */
    vmprof_line_function line;               /**< NULL: unknown */
    vmprof_hash_function hash;               /**< NULL: none */
    vmprof_next_site_function next_site;     /**< NULL: only what was hit */
    void *user;                              /**< passed to all of them */
    vmprof_known_function known; /**< NULL: the VM has no counters itself */
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
 * besides, 16 bytes for each of at most as many bytecodes that it counts with
 * vmprof_count_at_site(), and 16 for each of at most four times as many counters
 * of vmprof_hit_counters(). Hits that find no site free are counted in a row
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

VMPROF_END_DECLS

#include <vmprof/interp_candidates.h>
#include <vmprof/interp_sites.h>
#include <vmprof/type_profile.h>

#endif
