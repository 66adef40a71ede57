/* SPDX-License-Identifier: MIT */

/**
 * @file
 * A trace function and a profile function as CPython's sys.settrace() and
 * sys.setprofile() have them, for any VM.
 *
 * The meaning is CPython's: what is traced in a frame is decided when it is
 * called. New here: each holder has functions of its own, so that a debugger, a
 * coverage tool and a profiler work side by side without knowing of each other,
 * and everyone can see who is there.
 */
#ifndef VMPROF_HOOKS_H
#define VMPROF_HOOKS_H

#include <vmprof/events.h>

VMPROF_BEGIN_DECLS

/** One who installs functions: a tool of events.h. @since 0.1 */
struct vmprof_hooks;

/** What a function is told of. @since 0.1 */
enum vmprof_hook_event {
    VMPROF_HOOK_CALL = 0, /**< a function begins, or a generator goes on */
    VMPROF_HOOK_LINE = 1,
    VMPROF_HOOK_RETURN = 2,    /**< it ends or yields, with an exception too:
                                    then the event is VMPROF_EVENT_UNWIND */
    VMPROF_HOOK_EXCEPTION = 3, /**< one is raised, or has come out of a call:
                                    once in each frame that it passes */
    VMPROF_HOOK_OPCODE = 4,
    VMPROF_HOOK_C_CALL = 5, /**< these three: profile functions alone */
    VMPROF_HOOK_C_RETURN = 6,
    VMPROF_HOOK_C_EXCEPTION = 7,
};

/** What a trace function keeps of a frame. Frozen. @since 0.1 */
struct vmprof_scope {
    void *data;       /**< its own; NULL at first */
    uint32_t lines;   /**< 1: told of lines; 1 at first */
    uint32_t opcodes; /**< 1: told of bytecodes, if vmprof_set_trace() was with
                           VMPROF_TRACE_OPCODES; 0 at first */
};

/** What a trace function returns; a negative errno is an error. @since 0.1 */
enum vmprof_trace_result {
    VMPROF_TRACE_NOT = 0,   /**< nothing more of this frame */
    VMPROF_TRACE_FRAME = 1, /**< go on with this frame */
};

/**
 * A trace function.
 *
 * @param what   enum vmprof_hook_event.
 * @param event  What it is told for.
 * @param scope  Of the frame.
 *
 * @return Of enum vmprof_trace_result; of a return it does not matter. After an
 * error the function is told of nothing more on this thread until it is set
 * anew, and the VM gets the error.
 * @par Context
 * As vmprof_event_function. It may set and get functions, its own too.
 * @since 0.1
 */
typedef int (*vmprof_trace_function)(void *user, struct vmprof_thread *thread,
                                     enum vmprof_hook_event what,
                                     const struct vmprof_event *event,
                                     struct vmprof_scope *scope);

/**
 * A profile function.
 *
 * @return 0 or a negative errno, which does what a trace function's does.
 * @par Context
 * As vmprof_trace_function.
 * @since 0.1
 */
typedef int (*vmprof_profile_function)(void *user, struct vmprof_thread *thread,
                                       enum vmprof_hook_event what,
                                       const struct vmprof_event *event);

/**
 * Become a holder of functions.
 *
 * @param name      As vmprof_register_tool().
 * @param priority  Holders of a higher one are told first.
 * @param[out] out  The holder, without functions.
 *
 * @retval -EINVAL, -EEXIST, -ENOSPC, -ENOMEM  As vmprof_register_tool().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_new_hooks(const char *name, int64_t priority, struct vmprof_hooks **out);

/**
 * Be one no more. When this returns none of its functions runs. NULL is allowed.
 *
 * @retval -EBUSY  Called from one of its functions.
 * @par Context
 * As vmprof_unregister_tool().
 * @since 0.1
 */
VMPROF_API int
vmprof_free_hooks(struct vmprof_hooks *hooks);

enum {
    /** Have bytecodes told of, where the scope says so. @since 0.1 */
    VMPROF_TRACE_OPCODES = 1,
};

/**
 * Set this holder's trace function, in place of the one that it had there.
 *
 * Frames that run already are not traced, as they were not asked for.
 *
 * @param thread    An attached one; or NULL: of all threads that have none of
 *                  their own.
 * @param function  NULL: none. On a thread that of all threads is in its place.
 * @param user      For the function.
 * @param flags     0 or VMPROF_TRACE_OPCODES.
 *
 * @retval -EINVAL  Unknown flags.
 * @retval -ESRCH   @p thread is not attached.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler; waits until a function that is replaced
 * runs no more on other threads, unless it is called from one of this holder's.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_trace(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                 vmprof_trace_function function, void *user, uint32_t flags);

/** As vmprof_set_trace(), of the profile function. @since 0.1 */
VMPROF_API int
vmprof_set_profile(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                   vmprof_profile_function function, void *user);

/** Who has functions. Only grows at the end. @since 0.1 */
struct vmprof_hooks_info {
    uint64_t size; /**< set by vmprof_hooks_info_init() */
    struct vmprof_hooks *hooks;
    vmprof_trace_function trace;     /**< NULL: none */
    vmprof_profile_function profile; /**< NULL: none */
    void *trace_user, *profile_user;
    char name[64];
};

/** Zero @p info and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_hooks_info_init(struct vmprof_hooks_info *info)
{
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
}

/**
 * What functions a holder has on a thread.
 *
 * @param thread     NULL: those of all threads. Else what is told of events
 *                   there: its own, or those of all, without one that failed.
 * @param[out] info  What is known.
 *
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_hooks(struct vmprof_hooks *hooks, struct vmprof_thread *thread,
                 struct vmprof_hooks_info *info);

/**
 * All holders that have a function on a thread, in the order they are told in.
 *
 * @param thread     As vmprof_get_hooks().
 * @param index      From 0.
 * @param[out] info  What is known.
 *
 * @retval -ENOENT  There are not so many.
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_list_hooks(struct vmprof_thread *thread, uint64_t index,
                  struct vmprof_hooks_info *info);

VMPROF_END_DECLS

#endif
