/* SPDX-License-Identifier: MIT */

/**
 * @file
 * What RPython-translated virtual machines share with librvmprof in memory, and
 * how they hand it over. See vmprof/rvmprof.h.
 */
#ifndef VMPROF_RVMPROF_HOOKS_H
#define VMPROF_RVMPROF_HOOKS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <vmprof/base.h>

VMPROF_BEGIN_DECLS

#define VMPROF_CODE_TAG      1 /**< interpreted code; value: its id */
#define VMPROF_BLACKHOLE_TAG 2 /**< the fallback interpreter; its id */
#define VMPROF_JITTED_TAG    3 /**< compiled code; its stack pointer */
#define VMPROF_JITTING_TAG   4 /**< the JIT compiler */
#define VMPROF_GC_TAG        5 /**< the garbage collector */
#define VMPROF_ASSEMBLER_TAG 6 /**< of a trace, in tracebacks alone */
#define VMPROF_NATIVE_TAG    7 /**< of a C function, in tracebacks alone */

/**
 * One active call, linked from the innermost on. Generated machine code writes
 * it, so it never changes. Of compiled code, the word below `value` is the
 * return address of the call that it is making, or of the last one it made.
 * @since 0.1
 */
typedef struct vmprof_stack_s {
    struct vmprof_stack_s *next;
    intptr_t value;
    intptr_t kind; /**< one of the tags above */
} vmprof_stack_t;

/** What the VM hands over. Only grows at the end. @since 0.1 */
struct vmprof_vm_hooks {
    uint64_t size; /**< set by vmprof_vm_hooks_init() */

    /** The calling thread's innermost call; NULL: none. Async-signal-safe. */
    vmprof_stack_t *(*get_stack)(void);

    /** Where the machine code of the interpreter's main loop begins: the
     * function within which a call is linked. NULL: unknown; then native frames
     * are not put between the calls, but inside of all. */
    const void *main_loop;
    /** And where it ends; NULL: as the rules for unwinding it say. */
    const void *main_loop_end;

    /** The codemap of the trace that machine code at `address` belongs to, and
     * where that begins; NULL if there is none. Async-signal-safe; not called
     * while vmprof_ignore_signals() is in force. NULL: there is no JIT. */
    void *(*find_codemap)(long address, long *start);
    /** The next code that is active at `address`, from the outermost on: an id,
     * 0 for one to be skipped, -1 at the end. `position` is 0 at first and
     * the function's own then. As find_codemap. */
    long (*yield_codemap)(void *codemap, long address, long *position);
};

/** Zero @p hooks and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_vm_hooks_init(struct vmprof_vm_hooks *hooks)
{
    memset(hooks, 0, sizeof(*hooks));
    hooks->size = sizeof(*hooks);
}

/**
 * Hand over what belongs to the VM, once, before anything else. A constructor
 * of the VM may do it.
 *
 * @retval 0         Done.
 * @retval -EINVAL   A bad size, no get_stack, or one of the codemap functions
 *                   without the other.
 * @retval -E2BIG    @p hooks asks for something this library is too old for.
 * @retval -EALREADY It was done before.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_set_vm_hooks(const struct vmprof_vm_hooks *hooks);

/**
 * The calling thread runs VM code from now on. A thread that does not say so is
 * known, and sampled, from the first vmprof_enable() or
 * vmprof_register_virtual_function() on that it calls itself.
 *
 * @return 0, also if it is known; -ENOMEM.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_attach_vm_thread(void);

VMPROF_END_DECLS

#endif
