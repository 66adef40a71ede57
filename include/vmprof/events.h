/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Events of the VM's language, for tracers, profilers, debuggers and coverage:
 * one hook for all of them.
 *
 * The wish is python-dev's of 2006 ("Unifying trace and profile"); CPython
 * answered it with PEP 669, whose sets of events and DISABLE this takes up. New
 * here: it is any VM's; tools are as many as like and know nothing of each other;
 * events may be wanted of one thread or one code object; and what happens with
 * a callback that fails, comes back into the VM or takes its own tool away is
 * defined.
 *
 * A VM tests one word before it fires (vmprof_wants_event()), and needs not
 * even that if it looks at what is wanted when vmprof_events_epoch() has changed
 * and compiles its code accordingly.
 */
#ifndef VMPROF_EVENTS_H
#define VMPROF_EVENTS_H

#include <vmprof/code.h>
#include <vmprof/stack.h>

VMPROF_BEGIN_DECLS

/** What happens. @since 0.1 */
enum vmprof_event_kind {
    VMPROF_EVENT_CALL = 0,   /**< a function begins */
    VMPROF_EVENT_RESUME = 1, /**< a generator or coroutine goes on */
    VMPROF_EVENT_RETURN = 2, /**< a function returns a value */
    VMPROF_EVENT_YIELD = 3,
    VMPROF_EVENT_THROW_INTO = 4, /**< a generator goes on with an exception */
    VMPROF_EVENT_UNWIND = 5,     /**< a function is left by an exception */

    VMPROF_EVENT_C_CALL = 8, /**< a function of the VM or of C is called */
    VMPROF_EVENT_C_RETURN = 9,
    VMPROF_EVENT_C_RAISE = 10, /**< and left by an exception */

    VMPROF_EVENT_RAISE = 12,
    VMPROF_EVENT_RERAISE = 13,
    VMPROF_EVENT_HANDLED = 14, /**< an exception is caught */

    VMPROF_EVENT_LINE = 16,        /**< another line begins to run */
    VMPROF_EVENT_INSTRUCTION = 17, /**< a bytecode is about to run */
    VMPROF_EVENT_BRANCH_TAKEN = 18,
    VMPROF_EVENT_BRANCH_NOT_TAKEN = 19,
    VMPROF_EVENT_JUMP = 20, /**< forward, without a condition */
    VMPROF_EVENT_BACK_EDGE = 21,

    VMPROF_EVENT_CODE_CREATED = 24,
    VMPROF_EVENT_CODE_DESTROYED = 25,

    VMPROF_EVENT_ALLOCATION = 28, /**< sampled: vmprof_event_allocation() */
    VMPROF_EVENT_FREE = 29,       /**< of an object, told of before or not */
    VMPROF_EVENT_GC_START = 30,
    VMPROF_EVENT_GC_END = 31,

    VMPROF_EVENT_JIT_COMPILED = 34,
    VMPROF_EVENT_JIT_ABORTED = 35,
    VMPROF_EVENT_JIT_ENTERED = 36,
    VMPROF_EVENT_JIT_LEFT = 37,
    VMPROF_EVENT_JIT_INVALIDATED = 38,

    VMPROF_EVENT_THREAD_STARTED = 40,
    VMPROF_EVENT_THREAD_ENDED = 41,

    VMPROF_EVENT_VM = 48, /**< the first of 16 that the VM gives a meaning */
};

/** The bit of an event in a mask. @since 0.1 */
#define VMPROF_EVENT_BIT(kind) ((uint64_t)1 << (kind))

/** All bits that mean something. @since 0.1 */
#define VMPROF_EVENTS_ALL ((uint64_t)0xffff037cf33f773f)

enum {
    /** Tools that can be registered at a time. @since 0.1 */
    VMPROF_MAX_TOOLS = 32,
};

/**
 * One event. What a member does not say is 0. Frozen. @since 0.1
 */
struct vmprof_event {
    uint32_t kind;       /**< enum vmprof_event_kind */
    uint32_t line;       /**< of the site; 0: unknown */
    vmprof_code_id code; /**< that runs */
    uint64_t offset;     /**< of the site: the bytecode, in the VM's units */
    uint64_t target;     /**< of a branch or jump: the offset it goes to; of an
                              allocation: bytes; of an event of the JIT: the
                              trace; else the VM's own */
    vmprof_code_id callee; /**< of calls: what is called, or returns */
    void *object; /**< of the VM: what is called, returned, thrown, allocated */
    void *frame;  /**< of the VM: for its value function */
};

/** What a callback returns; a negative errno is an error. @since 0.1 */
enum vmprof_event_result {
    VMPROF_EVENT_KEEP = 0,
    VMPROF_EVENT_DISABLE = 1, /**< this tool wants no more of this event from
                                   this code and offset */
};

/**
 * A tool's callback.
 *
 * @param thread  That it happens on.
 *
 * @return Of enum vmprof_event_result, or a negative errno: the VM is told, and
 * may raise it; other tools have the event as if nothing had happened.
 * @par Context
 * The thread of the event, inside the VM. It may call any function of this
 * header, run the VM's code, whose events other tools see, and unregister its
 * own tool, which then gets no further event. It may fork; the child has all
 * tools. It may leave by longjmp only if the VM calls
 * vmprof_event_abandoned() where that arrives.
 * @since 0.1
 */
typedef int (*vmprof_event_function)(void *user, struct vmprof_thread *thread,
                                     const struct vmprof_event *event);

/** What a tool brings. Only grows at the end. @since 0.1 */
struct vmprof_tool_callbacks {
    uint64_t size; /**< set by vmprof_tool_callbacks_init() */
    void *user;
    vmprof_event_function
        event;        /**< for all events that have none of their own;
                                      NULL: these never happen for the tool */
    int64_t priority; /**< tools of a higher one are called first; of equal
                           ones who was registered first */
    uint64_t allocation_period; /**< bytes between two events of allocations;
                                     0 or 1: every one. The least of all tools
                                     that want them counts */
};

/** Zero @p callbacks and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_tool_callbacks_init(struct vmprof_tool_callbacks *callbacks)
{
    memset(callbacks, 0, sizeof(*callbacks));
    callbacks->size = sizeof(*callbacks);
}

/** A tool, never 0 and never used again for another. @since 0.1 */
typedef uint64_t vmprof_tool;

/**
 * Register a tool. It gets no event before it has asked for some.
 *
 * @param name      Not empty, shorter than 64 bytes, no other tool's; copied.
 * @param[out] out  The tool.
 *
 * @retval -EINVAL  A bad name or size.
 * @retval -EEXIST  A tool of this name is registered: vmprof_get_tool() has it.
 * @retval -ENOSPC  VMPROF_MAX_TOOLS are.
 * @retval -E2BIG   @p callbacks ask for what this library is too old for.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_register_tool(const char *name,
                     const struct vmprof_tool_callbacks *callbacks,
                     vmprof_tool *out);

/**
 * Take a tool away. When this returns none of its callbacks runs, and none will;
 * but for one that this is called from, directly or not.
 *
 * @retval -ENOENT  There is no such tool.
 * @par Context
 * Any thread, not from a signal handler. With a VM's own lock held that a
 * callback waits for, this waits forever.
 * @since 0.1
 */
VMPROF_API int
vmprof_unregister_tool(vmprof_tool tool);

/** Who is registered. Only grows at the end. @since 0.1 */
struct vmprof_tool_info {
    uint64_t size; /**< set by vmprof_tool_info_init() */
    vmprof_tool tool;
    uint64_t events; /**< that it wants of all threads and codes */
    int64_t priority;
    uint64_t errors;    /**< callbacks that returned one */
    int32_t last_error; /**< of them the last; 0: none */
    int32_t reserved;
    char name[64];
};

/** Zero @p info and set its size. @since 0.1 */
VMPROF_INLINE void
vmprof_tool_info_init(struct vmprof_tool_info *info)
{
    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
}

/**
 * Find a tool by its name.
 *
 * @param[out] info  What is known of it; NULL: not wanted.
 *
 * @retval -ENOENT  There is none of this name.
 * @retval -EINVAL  A bad size, or @p name is NULL.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_tool(const char *name, struct vmprof_tool_info *info);

/**
 * All tools, in the order in which they are called.
 *
 * @param index      From 0.
 * @param[out] info  What is known of it.
 *
 * @retval -ENOENT  There are not so many.
 * @retval -EINVAL  A bad size.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_list_tool(uint64_t index, struct vmprof_tool_info *info);

/**
 * Have events of all threads, also those yet to come, and of all code. What
 * the tool wanted of these before is replaced.
 *
 * On the calling thread it holds from the next event on; on others from when
 * they see it, without delay. Sites that were disabled stay so.
 *
 * @param events  Bits; 0: none.
 *
 * @retval -ENOENT  There is no such tool.
 * @retval -EINVAL  Bits that mean nothing.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_events(vmprof_tool tool, uint64_t events);

/**
 * Have events of one thread, besides those of all.
 *
 * @param thread  An attached one.
 *
 * @retval -ESRCH  @p thread is NULL or not attached.
 * @retval -ENOENT, -EINVAL  As vmprof_set_events().
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_thread_events(vmprof_tool tool, struct vmprof_thread *thread,
                         uint64_t events);

/**
 * Have events of one code object, besides those of all.
 *
 * @retval -ENOENT, -EINVAL  As vmprof_set_events(); a @p code of 0.
 * @retval -ENOMEM  Out of memory.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_set_code_events(vmprof_tool tool, vmprof_code_id code, uint64_t events);

/**
 * Let the sites that a tool has disabled be enabled again, of this tool alone.
 *
 * @retval -ENOENT  There is no such tool.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API int
vmprof_restart_events(vmprof_tool tool);

/**
 * Which events of a code somebody wants, on whatever thread: what a VM compiles
 * into it, after vmprof_events_epoch() has changed.
 *
 * @return Bits. Sites that are disabled count as wanted.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API uint64_t
vmprof_wanted_events(vmprof_code_id code);

/**
 * A number that grows whenever what is wanted may have changed, of any thread,
 * code or site. It never wraps.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API uint64_t
vmprof_events_epoch(void);

/**
 * Called whenever vmprof_events_epoch() has grown.
 * @par Context
 * The thread that changed it, after it holds, or one of the library's own, when a
 * tracer from outside comes or goes: it must not wait for a lock that is held
 * around vmprof_disable(). It may call the functions of this header that only
 * read.
 * @since 0.1
 */
typedef void (*vmprof_mask_function)(void *user, uint64_t epoch);

/**
 * Be told. One function; NULL: nobody.
 * @par Context
 * Any thread, not from a signal handler.
 * @since 0.1
 */
VMPROF_API void
vmprof_on_mask_change(vmprof_mask_function function, void *user);

/**
 * Whether somebody may want one of these events on this thread. All else is
 * found out when it is fired.
 *
 * @param thread  The calling thread's record, not NULL.
 * @param events  Bits; a constant.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_wants_event(const struct vmprof_thread *thread, uint64_t events)
{
    return VMPROF_EXPECT((__atomic_load_n(&thread->events, __ATOMIC_RELAXED) &
                          events) != 0,
                         0) != 0;
}

/**
 * Tell all tools that want it of an event.
 *
 * A tool is not told while a callback of its own runs on this thread. errno is
 * kept.
 *
 * @param thread  The calling thread's record; NULL does nothing.
 *
 * @retval 0  Somebody may want more of it.
 * @retval 1  All who want this event have disabled this site: until the epoch
 *            grows the VM need not fire it there.
 * @return Else the first error that a callback returned, in the order in which
 * they are called.
 * @par Context
 * The owning thread, not from a signal handler, where the VM may run code.
 * @since 0.1
 */
VMPROF_API int
vmprof_fire_event(struct vmprof_thread *thread,
                  const struct vmprof_event *event);

/**
 * Callbacks that were running on this thread were left by a longjmp or an
 * exception: to be called where that has arrived. Those that had been called
 * before the @p token was taken still run.
 *
 * @param token  From vmprof_running_callbacks(), where it was set up.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API void
vmprof_event_abandoned(struct vmprof_thread *thread, uint64_t token);

/**
 * Which callbacks run on this thread, for vmprof_event_abandoned().
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API uint64_t
vmprof_running_callbacks(const struct vmprof_thread *thread);

/** @private The countdown has run out. */
VMPROF_API int
vmprof_allocation_expired(struct vmprof_thread *thread,
                          struct vmprof_event *event);

/**
 * Tell of an allocation: an event for about every so many bytes as the tools
 * have asked for. Its target is the number of bytes that it stands for.
 *
 * @param event  Its kind VMPROF_EVENT_ALLOCATION, its target the bytes of this
 *               allocation.
 *
 * @return As vmprof_fire_event(); 0 too if nobody was told.
 * @par Context
 * The owning thread; as vmprof_fire_event().
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_event_allocation(struct vmprof_thread *thread,
                        struct vmprof_event *event)
{
    if (!vmprof_wants_event(thread, VMPROF_EVENT_BIT(VMPROF_EVENT_ALLOCATION)))
        return 0;
    thread->allocation_countdown -= (int64_t)event->target;
    return thread->allocation_countdown > 0
               ? 0
               : vmprof_allocation_expired(thread, event);
}

/** What a value is. @since 0.1 */
enum vmprof_value_kind {
    VMPROF_VALUE_NONE = 0,
    VMPROF_VALUE_INTEGER = 1,
    VMPROF_VALUE_NUMBER = 2,
    VMPROF_VALUE_STRING = 3, /**< bytes and their count */
    VMPROF_VALUE_OBJECT = 4, /**< of the VM: an address and a type's name */
};

/** A value of the VM's language, as far as a tool can look at it. Frozen.
 * @since 0.1 */
struct vmprof_value {
    uint32_t kind;     /**< enum vmprof_value_kind */
    uint32_t reserved; /**< 0 */
    int64_t integer;
    double number;
    const void *bytes; /**< of a string, or of an object; valid until the
                            callback returns */
    uint64_t size;
    const char *type; /**< the name of its type; NULL: unknown */
};

/** Which value of an event. @since 0.1 */
enum vmprof_value_name {
    VMPROF_VALUE_OF_OBJECT = 0,    /**< the event's object */
    VMPROF_VALUE_OF_ARGUMENT = 1,  /**< of a call, from 0 */
    VMPROF_VALUE_OF_LOCAL = 2,     /**< of the running function, from 0 */
    VMPROF_VALUE_OF_EXCEPTION = 3, /**< on its way */
};

/**
 * Fetch a value for a tool.
 * @return 0, or a negative errno: there is none.
 * @par Context
 * As vmprof_event_function.
 * @since 0.1
 */
typedef int (*vmprof_value_function)(void *user, struct vmprof_thread *thread,
                                     const struct vmprof_event *event,
                                     enum vmprof_value_name name,
                                     uint64_t index, struct vmprof_value *out);

/**
 * The VM says how its values are fetched. NULL: not at all.
 * @par Context
 * Any thread, not from a signal handler, while no callback runs.
 * @since 0.1
 */
VMPROF_API void
vmprof_set_value_function(vmprof_value_function function, void *user);

/**
 * A value of an event, from inside of its callback.
 *
 * @retval -ENOTSUP  The VM has no value function.
 * @retval -ENOENT   There is no such value.
 * @par Context
 * A callback; the owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_get_event_value(struct vmprof_thread *thread,
                       const struct vmprof_event *event,
                       enum vmprof_value_name name, uint64_t index,
                       struct vmprof_value *out);

VMPROF_END_DECLS

#endif
