/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Period 1: every bytecode of a thread is a hit, and one that was hit before with
 * the same types is counted without a call. interp.h, which counts the others,
 * includes this.
 */
#ifndef VMPROF_INTERP_SITES_H
#define VMPROF_INTERP_SITES_H

#include <vmprof/interp.h>

VMPROF_BEGIN_DECLS

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
 * Counters of a code object on the calling thread, for bytecodes of which the VM
 * knows the types where it runs them: in the part for two integers, say. That
 * part adds to a counter at an address made from the bytecode's, and looks at
 * nothing else. What a counter stands for is asked when profiles are read: see
 * vmprof_interp_functions::known.
 *
 * A tuple of types that is counted so has a place at its site before those that
 * are not.
 *
 * @param count  How many counters @p code has, whatever their order.
 *
 * @return The first, until the code is forgotten or the thread detaches; they may
 * only be added to, with vmprof_count_known(). NULL: the class does not tell what
 * they stand for, there is no memory, or too many: see vmprof_type_limits.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API uint64_t *
vmprof_hit_counters(struct vmprof_thread *thread, vmprof_code_id code,
                    size_t count);

/**
 * Count a bytecode as vmprof_count_at_site() does, while vmprof_counts_each(),
 * in the counter for the types that it has.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_count_known(uint64_t *counter)
{
#if defined(__x86_64__)
    /* One instruction, where an atomic load and store make three. */
    __asm__("incq %0" : "+m"(*counter));
#else
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1,
                     __ATOMIC_RELAXED);
#endif
}

/**
 * For VMs that are profiled with period 1: count a bytecode without a call and
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
    vmprof_count_known(site->hits);
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

VMPROF_END_DECLS

#endif
