/* SPDX-License-Identifier: MIT */

/**
 * @file
 * The edges of jit.h as machine code, for traces that must tell of them
 * themselves. x86-64 and aarch64.
 *
 * What is emitted reads and writes struct vmprof_thread and struct
 * vmprof_jit_ring, which are frozen, so code that was emitted once is right for
 * as long as the thread is attached.
 */
#ifndef VMPROF_EMIT_H
#define VMPROF_EMIT_H

#include <vmprof/jit.h>

VMPROF_BEGIN_DECLS

/** Whose machine code. @since 0.1 */
enum vmprof_machine {
    VMPROF_MACHINE_HOST = 0, /**< of the machine that this runs on */
    VMPROF_MACHINE_X86_64 = 1,
    VMPROF_MACHINE_AARCH64 = 2,
};

/** How machine code finds the thread's record. @since 0.1 */
enum vmprof_base {
    VMPROF_BASE_REGISTER = 0, /**< a register holds its address */
    VMPROF_BASE_MEMORY = 1,   /**< it is at a register plus a displacement */
    VMPROF_BASE_ADDRESS = 2,  /**< it is this one: no other thread runs it */
    VMPROF_BASE_CELL = 3,     /**< it is at an absolute address */
};

/** One edge. Only grows at the end. @since 0.1 */
struct vmprof_emit {
    uint64_t size;          /**< set by vmprof_emit_init() */
    uint32_t machine;       /**< enum vmprof_machine */
    uint32_t edge;          /**< enum vmprof_edge */
    vmprof_jit_id id;       /**< what the event names */
    uint32_t emits;         /**< bits of enum vmprof_emits */
    uint32_t is_inner;      /**< 1: as vmprof_jit_jump_inner() does */
    uint32_t base;          /**< enum vmprof_base */
    uint32_t base_register; /**< its number, as instructions encode it */
    int32_t displacement;   /**< of VMPROF_BASE_MEMORY */
    uint64_t address;       /**< of VMPROF_BASE_ADDRESS and VMPROF_BASE_CELL */
    uint32_t scratch;       /**< registers that may be changed, bits by number;
                               others that are needed are saved. Floating-point
                               registers are never touched */
    uint32_t keep_flags;    /**< 1: the condition flags are kept */
    uint64_t *counter;      /**< of VMPROF_EMIT_COUNT */
    uint32_t is_shared;     /**< 1: other threads add to the counter, too */
    uint32_t reserved;      /**< 0 */
};

/** Zero @p emit and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_emit_init(struct vmprof_emit *emit)
{
    memset(emit, 0, sizeof(*emit));
    emit->size = sizeof(*emit);
}

enum {
    /** Bytes that one edge takes at most, on any machine. @since 0.1 */
    VMPROF_EMIT_MOST = 256,
};

/**
 * Write the machine code of one edge. It can be placed anywhere, and falls
 * through at its end.
 *
 * @param[out] code  Where to; instructions, not yet made visible to the
 *                   processor's instruction fetch.
 * @param size       Bytes there are.
 *
 * @return Bytes written; 0 if there is nothing to emit.
 * @retval -ENOSPC  @p size does not do; VMPROF_EMIT_MOST always does.
 * @retval -EINVAL  A bad size, edge, id, base or register; a counter is wanted
 *                  and NULL.
 * @retval -E2BIG   @p emit asks for something this library is too old for.
 * @retval -ENOTSUP There is no emitter for the machine.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_emit_edge(const struct vmprof_emit *emit, void *code, size_t size);

VMPROF_END_DECLS

#endif
