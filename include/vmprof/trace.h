/* SPDX-License-Identifier: MIT */

/**
 * @file
 * What a JIT has compiled: loops, bridges, methods and stubs, with their
 * guards, the code they were made of, their operations and machine code.
 *
 * What PyPy's jitviewer drew out of a log, told to the profiler instead, so that
 * one report has both. An id is reserved before the machine code is assembled,
 * since that has it inside; it stays after the trace is gone, so that what was
 * sampled in the trace keeps its name.
 */
#ifndef VMPROF_TRACE_H
#define VMPROF_TRACE_H

#include <vmprof/code.h>
#include <vmprof/jit.h>

VMPROF_BEGIN_DECLS

/** What a trace is. @since 0.1 */
enum vmprof_trace_kind {
    VMPROF_TRACE_LOOP = 1,         /**< comes back to a label of its own */
    VMPROF_TRACE_ENTRY_BRIDGE = 2, /**< leads from the interpreter to a loop */
    VMPROF_TRACE_BRIDGE = 3,       /**< begins at a guard; a side trace */
    VMPROF_TRACE_METHOD = 4,       /**< a whole function */
    VMPROF_TRACE_STUB = 5,         /**< code that others share */
};

/** How its last operation leaves it. @since 0.1 */
enum vmprof_trace_end {
    VMPROF_END_UNKNOWN = 0,
    VMPROF_END_LOOP = 1,        /**< jumps to its own label */
    VMPROF_END_JUMP = 2,        /**< jumps to another trace, the target */
    VMPROF_END_RETURN = 3,      /**< returns from the function it began in */
    VMPROF_END_INTERPRETER = 4, /**< goes on in the interpreter */
};

/**
 * How the machine code of a trace is unwound, where native frames are recorded.
 * Registers that a call keeps have to be those of the caller, as far as this
 * says nothing of them: where what called the trace needs another to be unwound,
 * its callers are missing. @since 0.1
 */
enum vmprof_trace_frame {
    VMPROF_TRACE_FRAME_UNKNOWN = 0, /**< by the frame pointer, if that leads to
                                         machine code */
    VMPROF_TRACE_FRAME_FIXED = 1,   /**< the return address is frame_size bytes
                                       above the stack pointer, everywhere */
    VMPROF_TRACE_FRAME_POINTER = 2, /**< the frame pointer points to the
                                         caller's, the return address follows */
};

/** One call in the tree of what a trace has inlined. Frozen. @since 0.1 */
struct vmprof_trace_place {
    vmprof_code_id code;
    uint64_t offset; /**< of the bytecode, in the VM's own units */
    uint32_t line;   /**< 0: unknown */
    uint32_t parent; /**< 1 + index of the place of the call that it is in; 0:
                          the function that the trace began in */
};

/** From an offset in the machine code on, this place runs. Frozen.
 * @since 0.1 */
struct vmprof_trace_position {
    uint32_t offset; /**< ascending */
    uint32_t place;  /**< its index */
};

/** Where a trace can be left. Frozen. @since 0.1 */
struct vmprof_trace_guard {
    uint32_t offset;  /**< in the machine code */
    uint32_t place;   /**< 1 + its index; 0: unknown */
    const char *text; /**< what it tests; NULL: unknown */
};

/** One operation of a trace, to be shown. Frozen. @since 0.1 */
struct vmprof_trace_operation {
    uint32_t offset;   /**< where its machine code begins; ascending */
    uint32_t place;    /**< 1 + its index; 0: unknown */
    uint32_t guard;    /**< 1 + number of the guard that it is; 0: none */
    uint32_t reserved; /**< 0 */
    const char *text;
};

/**
 * What is known of a trace. All is copied: of the machine code the first 64 KiB,
 * which must be readable, of a text 1,023 bytes. Without machine code offsets in it
 * are what the VM makes of them. Only grows at the end. @since 0.1
 */
struct vmprof_trace {
    uint64_t size;       /**< set by vmprof_trace_init() */
    uint32_t kind;       /**< enum vmprof_trace_kind; no default */
    uint32_t end;        /**< enum vmprof_trace_end */
    const char *name;    /**< NULL: made from kind, code and line */
    vmprof_code_id code; /**< what it began in */
    uint64_t offset;     /**< of the bytecode it began at */
    uint32_t line;       /**< of that; 0: unknown */
    vmprof_jit_id
        guard; /**< that a bridge begins at; its trace is the parent */
    vmprof_jit_id parent; /**< where that is no guard's; 0: none */
    vmprof_jit_id target; /**< that it jumps to */
    const void *address;  /**< of its machine code; NULL: it has none */
    uint64_t length;      /**< of that, in bytes */
    uint64_t loop_offset; /**< where the label is that it comes back to */
    uint32_t emits;       /**< bits of enum vmprof_emits that its edges have */
    uint32_t frame;       /**< enum vmprof_trace_frame */
    uint64_t frame_size;  /**< of VMPROF_TRACE_FRAME_FIXED */
    const struct vmprof_trace_place *places;
    uint64_t place_count;
    const struct vmprof_trace_position *positions;
    uint64_t position_count;
    const struct vmprof_trace_guard *guards; /**< as many as were reserved */
    uint64_t guard_count;
    const struct vmprof_trace_operation *operations;
    uint64_t operation_count;
};

/** Zero @p trace and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_trace_init(struct vmprof_trace *trace)
{
    memset(trace, 0, sizeof(*trace));
    trace->size = sizeof(*trace);
}

/** Ids to assemble with. Frozen. @since 0.1 */
struct vmprof_reserved_trace {
    vmprof_jit_id id;
    vmprof_jit_id first_guard; /**< those of the guards, one after another */
    uint64_t *counters; /**< of VMPROF_EMIT_COUNT: [0] entries of the trace,
                             [1 + n] exits through guard n. Added to without a
                             lock: a VM without a lock of its own adds
                             atomically. They stay after the trace is gone. A
                             file has those of traces whose edges count */
};

/**
 * Get the ids of a trace that is about to be assembled, and of its guards. A VM
 * that does not know yet how many these will be reserves as many as may be. What
 * stays of each for the life of the process is its name and its counters.
 *
 * @retval -EINVAL  More than 65,535 guards.
 * @retval -ENOSPC  All ids of the process are used up.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_reserve_trace(uint64_t guard_count, struct vmprof_reserved_trace *out);

/**
 * Say what was assembled, before it is run for the first time. From now on
 * samples whose instruction lies in its machine code are the trace's, also where
 * nothing says which trace is current, or another: code that is shared, or a VM
 * that tells of no edges. A sample of a thread that is elsewhere, as in a function
 * which the trace calls, is of the trace that is current.
 *
 * Called again for the same id, it replaces what was known.
 *
 * @retval -ENOENT  @p id was not reserved, or is unregistered or aborted.
 * @retval -EINVAL  @p trace is NULL; a bad size, kind, end, frame or emits;
 *                  machine code of no bytes, or of 4 GiB; offsets outside of it,
 *                  or not ascending where they have to; an index that is none;
 *                  a parent of a place that does not come before it; another
 *                  number of guards than was reserved, or over 1,048,576 of
 *                  anything else.
 * @retval -EEXIST  The address is another trace's that is registered.
 * @retval -E2BIG   @p trace says what this library is too old for.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_register_trace(vmprof_jit_id id, const struct vmprof_trace *trace);

/**
 * The machine code is somewhere else now, or was changed in place: it is read
 * again.
 *
 * @param address  Where; the length stays.
 *
 * @retval -ENOENT  @p id is not registered.
 * @retval -EINVAL  It has no machine code, or @p address is NULL.
 * @retval -EEXIST  The address is another trace's that is registered.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_move_trace(vmprof_jit_id id, const void *address);

/**
 * A guard goes to a bridge from now on, instead of the interpreter.
 *
 * @param bridge  0: to the interpreter again.
 *
 * @retval -ENOENT  @p guard is none of a registered trace, or @p bridge is not
 *                  registered.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_stitch_bridge(vmprof_jit_id guard, vmprof_jit_id bridge);

/**
 * A trace is gone, or will not be entered any more; its machine code may be
 * freed afterwards.
 *
 * @retval -ENOENT  @p id is not registered.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_unregister_trace(vmprof_jit_id id);

/**
 * Compilation came to nothing; a trace that was reserved is not there.
 *
 * @param id      What was reserved; 0: it had not come to that.
 * @param code    Where tracing had begun.
 * @param line    There; 0: unknown.
 * @param reason  Why, in a few words; NULL: unknown.
 *
 * Without an id it is told to the file of the session that is open, if there is
 * one; at most 4,096 of these wait to be written, and more are left out.
 *
 * @retval -ENOENT  @p id was not reserved, or has been registered.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_abort_trace(vmprof_jit_id id, vmprof_code_id code, uint32_t line,
                   const char *reason);

/**
 * What the edges of traces that are compiled from now on should emit, by what
 * whoever enabled profiling has asked for; without a session what the next
 * would have by default, VMPROF_EMIT_CURRENT.
 *
 * @return Bits of enum vmprof_emits.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API uint32_t
vmprof_wanted_emits(void);

VMPROF_END_DECLS

#endif
