/* SPDX-License-Identifier: MIT */

/**
 * @file
 * The shadow stack: what a VM touches on every call and return.
 *
 * rvmprof links its frames through the C stack, where a longjmp leaves them
 * dangling. Here they are an array per thread (or per coroutine), and what
 * enter returns is a token: leaving with it drops whatever lies above.
 *
 * The layouts of struct vmprof_frame and struct vmprof_thread are compiled into
 * every VM, so they never change; tests/abi/layout.c holds the frozen copies.
 */
#ifndef VMPROF_STACK_H
#define VMPROF_STACK_H

#include <errno.h>
#include <string.h>

#include <vmprof/base.h>

VMPROF_BEGIN_DECLS

/** What a frame is; the values are rvmprof's tags. @since 0.1 */
enum vmprof_kind {
    VMPROF_KIND_CODE = 1,      /**< interpreted code */
    VMPROF_KIND_BLACKHOLE = 2, /**< the JIT's fallback interpreter */
    VMPROF_KIND_JITTED = 3,    /**< compiled code */
    VMPROF_KIND_JITTING = 4,   /**< the JIT compiler itself */
    VMPROF_KIND_GC = 5,        /**< the garbage collector */
    VMPROF_KIND_NATIVE = 7,    /**< a C function that the VM knows by name */
};

/**
 * What a thread is doing, told by the VM. A sample in a trace, as trace.h has it, is
 * of VMPROF_PHASE_COMPILED where the thread's phase is
 * VMPROF_PHASE_INTERPRETING: a VM need not set that on its edges. @since 0.1
 */
enum vmprof_phase {
    VMPROF_PHASE_INTERPRETING = 0,
    VMPROF_PHASE_TRACING = 1,
    VMPROF_PHASE_OPTIMISING = 2,
    VMPROF_PHASE_BACKEND = 3,
    VMPROF_PHASE_COMPILED = 4,
    VMPROF_PHASE_BLACKHOLE = 5,
    VMPROF_PHASE_GC = 6,
    VMPROF_PHASE_NATIVE = 7,
};

/**
 * One active call. Written by the inline functions below alone.
 *
 * A slot's serial is one higher at each use. An observer that cannot stop the
 * thread takes a frame if its link is the same before and after the reading, if
 * the code, read last, belongs to its serial, and if its parent's serial is that
 * of the frame beneath. @since 0.1
 */
struct vmprof_frame {
    uint64_t link; /**< low 32 bits: the serial; high: the parent's */
    uint64_t code; /**< the code id; in the top 8 bits the kind, in
                                    bit 0 that of the serial it belongs to */
    const uintptr_t *position; /**< the cell that holds where it is, or NULL */
    uintptr_t stack_pointer;   /**< of the C frame that entered it */
};

/** A stack of frames that is not a thread's own: a coroutine's. @since 0.1 */
struct vmprof_stack;

/** Where a hit is counted that has been there before: see interp_sites.h. */
struct vmprof_hit_cell;

/** Where events of compiled code go: see jit.h. */
struct vmprof_jit_ring;

/** The public head of a thread's record; the library owns what follows. */
struct vmprof_thread {
    struct vmprof_frame *top;   /**< the first free slot; past the limit:
                                     calls are missing above it */
    struct vmprof_frame *limit; /**< one past the last slot: a spare one, that
                                     calls which do not fit share */
    struct vmprof_stack *stack; /**< the stack of both; NULL: being switched */
    uint64_t phase;             /**< enum vmprof_phase */
    uint64_t overflows;         /**< calls that did not fit */
    int64_t poll_countdown;     /**< polls until the next look at the time */
    int64_t bytecode_countdown; /**< bytecodes until the next look, interp.h */
    uint64_t candidates;        /**< codes whose calls are profiled whole */
    uint64_t counting;          /**< VMPROF_COUNTING, or 0: no bytecode need be
                                     counted */
    int64_t hit_floor;          /**< of a countdown that hits are counted by */
    struct vmprof_hit_cell *hit_cells; /**< where, see interp_sites.h */
    uint64_t trace;                    /**< that runs, vmprof_jit_id; 0: none */
    struct vmprof_jit_ring *jit_ring;  /**< never NULL, and always this one */
    uint64_t events;              /**< somebody may want these, see events.h */
    int64_t allocation_countdown; /**< bytes until an allocation is told of */
    uint64_t reserved[1];         /**< zero */
};

/**
 * What vmprof_execute_code_enter() returned: what to leave with. An error is a
 * negative errno, from -1 to -4095, and harmless to leave with. @since 0.1
 */
typedef intptr_t vmprof_token;

/** How a thread is attached. Only grows at the end. @since 0.1 */
struct vmprof_thread_options {
    uint64_t size;      /**< set by vmprof_thread_options_init() */
    uint64_t max_depth; /**< frames its own stack can hold; default 262,144 */
    const char *name;   /**< copied; NULL: the thread's name in the kernel */
};

/** Zero @p options and set their size. @since 0.1 */
VMPROF_INLINE void
vmprof_thread_options_init(struct vmprof_thread_options *options)
{
    memset(options, 0, sizeof(*options));
    options->size = sizeof(*options);
}

/** @private vmprof_attach_thread() for layout 1: its name is the check. */
VMPROF_API VMPROF_NODISCARD int
vmprof_attach_thread_1(const struct vmprof_thread_options *options,
                       size_t frame_size, struct vmprof_thread **out);

/**
 * Make the calling thread one that runs VM code. It is sampled from now on
 * whenever profiling is enabled, also if that happens later.
 *
 * A thread that ends without detaching is detached by the library.
 *
 * A thread that has no alternate signal stack gets one of 64 KiB until it
 * detaches, so that samples need nothing of a small stack. One that the program
 * sets stays, whether before or later.
 *
 * @param options   NULL for the defaults.
 * @param[out] out  The thread's record, owned by the library.
 *
 * @retval -EALREADY  This thread is attached.
 * @retval -EINVAL    A bad size, or a depth over 2^24.
 * @retval -E2BIG     @p options asks for something this library is too old for.
 * @retval -ENOMEM    Out of memory or address space.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_INLINE VMPROF_NODISCARD int
vmprof_attach_thread(const struct vmprof_thread_options *options,
                     struct vmprof_thread **out)
{
    return vmprof_attach_thread_1(options, sizeof(struct vmprof_frame), out);
}

/**
 * Undo vmprof_attach_thread(). The record must not be used afterwards.
 *
 * @retval -ESRCH  @p thread is NULL or not the calling thread's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_detach_thread(struct vmprof_thread *thread);

/**
 * The calling thread's record, or NULL if it is not attached.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API struct vmprof_thread *
vmprof_current_thread(void);

/** @private The machine's stack pointer, or something near it. */
VMPROF_INLINE_ALWAYS uintptr_t
vmprof_stack_pointer(void)
{
#if defined(__x86_64__)
    uintptr_t sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return sp;
#elif defined(__aarch64__)
    uintptr_t sp;
    __asm__("mov %0, sp" : "=r"(sp));
    return sp;
#else
    return (uintptr_t)__builtin_frame_address(0);
#endif
}

/* lib/inline.c redefines this, too: a callable copy has a frame of its own. */
#ifndef VMPROF_STACK_POINTER
#    define VMPROF_STACK_POINTER() vmprof_stack_pointer()
#endif

/**
 * As vmprof_execute_code_enter(), of any kind, and in another C function's name:
 * for a call that several of them run by turns, or that is entered by a function
 * which returns while it goes on. Native frames are put around it by this.
 *
 * @param stack_pointer  An address in the C frame of the function that runs the
 *                       call, and of each that may go on with it.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE vmprof_token
vmprof_enter_at(struct vmprof_thread *thread, vmprof_code_id code,
                enum vmprof_kind kind, const uintptr_t *position,
                uintptr_t stack_pointer)
{
    struct vmprof_frame *frame, *top;
    uint32_t serial;

    if (VMPROF_EXPECT(!thread, 0))
        return -ESRCH;
    frame = top = thread->top;
    /* Not by a call, which would cost the usual path its registers. */
    if (VMPROF_EXPECT(top >= thread->limit, 0)) {
        thread->overflows++;
        frame = thread->limit;
    }

    serial = (uint32_t)frame->link + 1;
    /* CODE is kept as 0, so that the usual call has nothing to add. */
    if (kind != VMPROF_KIND_CODE)
        code |= (uint64_t)kind << 56;
    /* Released, so that whoever sees this code two uses later than the serial
     * it read, with the same bit, sees that the serial has changed. */
    __atomic_store_n(&frame->code, code | (serial & 1), __ATOMIC_RELEASE);
    /* Pairs with the observer's fence before it reads the code: whoever sees
     * anything of what follows sees the new code, which is not the old
     * serial's. */
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&frame->position, position, __ATOMIC_RELAXED);
    __atomic_store_n(&frame->stack_pointer, stack_pointer, __ATOMIC_RELAXED);
    /* Pairs with the observer's first, acquiring read of the link. */
    __atomic_store_n(&frame->link, (frame - 1)->link << 32 | serial,
                     __ATOMIC_RELEASE);
    __atomic_store_n(&thread->top, frame + 1, __ATOMIC_RELEASE);
    return (vmprof_token)top;
}

/**
 * As vmprof_execute_code_enter(), for a frame of another kind than
 * VMPROF_KIND_CODE. @since 0.1
 */
VMPROF_INLINE_ALWAYS vmprof_token
vmprof_enter_kind(struct vmprof_thread *thread, vmprof_code_id code,
                  enum vmprof_kind kind, const uintptr_t *position)
{
    return vmprof_enter_at(thread, code, kind, position,
                           VMPROF_STACK_POINTER());
}

/**
 * The VM starts to run @p code on the calling thread.
 *
 * @param thread    The calling thread's record.
 * @param code      From vmprof_register_code(); 0 is shown as unknown.
 * @param position  A cell of the VM that holds, whenever the thread may be
 *                  sampled, the instruction this frame is at: a pointer or an
 *                  offset, as the class's locate function understands it. It
 *                  must stay readable until the frame is left. NULL: none.
 *
 * @return A token for vmprof_execute_code_leave(), or -ESRCH: @p thread is
 * NULL. If the stack is full the call is counted as cut, and the token is
 * right nevertheless.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE_ALWAYS vmprof_token
vmprof_execute_code_enter(struct vmprof_thread *thread, vmprof_code_id code,
                          const uintptr_t *position)
{
    return vmprof_enter_at(thread, code, VMPROF_KIND_CODE, position,
                           VMPROF_STACK_POINTER());
}

/** @private Whether a token is neither an errno nor 0. */
VMPROF_INLINE int
vmprof_token_is_good(vmprof_token token)
{
    /* Addresses have the top bit where there are only 32. */
    return sizeof(token) > 4 ? token > 0
                             : (uintptr_t)token - 1 < (uintptr_t)-4096;
}

/**
 * The call that returned @p token ends, and with it all calls that it made and
 * that a longjmp or an exception skipped. A negative errno or 0 does nothing.
 * @par Context
 * The owning thread, on the stack that was entered.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_execute_code_leave(struct vmprof_thread *thread, vmprof_token token)
{
    if (VMPROF_EXPECT(vmprof_token_is_good(token), 1))
        __atomic_store_n(&thread->top, (struct vmprof_frame *)token,
                         __ATOMIC_RELEASE);
}

/**
 * The call that returned @p token goes on after a longjmp or an exception:
 * forget the calls above it, keep the call itself.
 * @par Context
 * As vmprof_execute_code_leave().
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_execute_code_repair(struct vmprof_thread *thread, vmprof_token token)
{
    struct vmprof_frame *frame = (struct vmprof_frame *)token;

    /* A call that did not fit has no slot, so nothing lies above it. */
    if (vmprof_token_is_good(token) && frame < thread->limit)
        __atomic_store_n(&thread->top, frame + 1, __ATOMIC_RELEASE);
}

/**
 * Run function(argument) as @p code: enter, call, leave, also when a C++
 * exception passes through. With a NULL @p thread it is only called.
 *
 * @return What @p function returned.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API void *
vmprof_execute_code(struct vmprof_thread *thread, vmprof_code_id code,
                    void *(*function)(void *argument), void *argument);

enum {
    /** Polls of a thread from one look to the next, at most. @since 0.1 */
    VMPROF_POLL_MOST = 4096,
};

/**
 * What a poll calls whose countdown has run out: takes a sample if one is due.
 * A VM calls it by itself at the end of what takes long without a poll, such as
 * a collection, before it leaves the frame of that.
 *
 * @param thread     NULL does nothing.
 * @param countdown  What was left of it: 0 if it has run out.
 *
 * @return The countdown to go on with, at least 1.
 * @par Context
 * The owning thread, where its stack is as it is to be seen.
 * @since 0.1
 */
VMPROF_API int64_t
vmprof_poll_expired(struct vmprof_thread *thread, int64_t countdown);

/** @private Whether a count that is one less now has run out. */
VMPROF_INLINE int
vmprof_count_down(int64_t *count)
{
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
    int has_run_out;
    /* In place: compilers load it, keep it, and store it, which takes three
     * times the instructions where a VM's loop has no register to spare. */
    __asm__("subq $1, %0" : "+m"(*count), "=@ccle"(has_run_out));
    return has_run_out;
#else
    return --*count <= 0;
#endif
}

/**
 * A safe point: while profiling is enabled and a sample is due, the thread
 * takes it here, which costs a hundredth of a signal. Else this counts down.
 *
 * Poll where the running function is about to change or may have run for long:
 * before a frame is entered, before it is left, and at backward jumps. The time
 * since the sample before is charged to the frame that polls.
 *
 * @param thread  The calling thread's record; NULL does nothing.
 *
 * @return 1 when the count has run out, at every VMPROF_POLL_MOST -th poll or
 * sooner: the moment to look at what is rarely set, such as
 * vmprof_wants_count(). Else 0.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int
vmprof_poll(struct vmprof_thread *thread)
{
    if (VMPROF_EXPECT(thread == NULL, 0) ||
        VMPROF_EXPECT(!vmprof_count_down(&thread->poll_countdown), 1))
        return 0;
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
    return 1;
}

/**
 * As vmprof_poll(), with a countdown that the VM keeps itself, so that it can
 * be in a register: `countdown = vmprof_poll_counted(thread, countdown)`.
 *
 * A loop that runs bytecode begins with thread->poll_countdown, or 0 without a
 * thread, and stores the countdown there before it returns or calls what may
 * poll, too.
 *
 * @return The countdown to go on with.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE int64_t
vmprof_poll_counted(struct vmprof_thread *thread, int64_t countdown)
{
    if (VMPROF_EXPECT(--countdown <= 0, 0))
        countdown = vmprof_poll_expired(thread, countdown);
    return countdown;
}

/**
 * Say what the thread is doing from now on.
 * @return What it was doing, to be set again later.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE enum vmprof_phase
vmprof_set_phase(struct vmprof_thread *thread, enum vmprof_phase phase)
{
    enum vmprof_phase before = (enum vmprof_phase)thread->phase;

    __atomic_store_n(&thread->phase, (uint64_t)phase, __ATOMIC_RELAXED);
    return before;
}

/**
 * Make a stack for a coroutine.
 *
 * @param max_depth  Frames it can hold; 0: 4,096. Memory is used as it grows.
 * @param[out] out   The stack, empty.
 *
 * @retval -EINVAL  A depth over 2^24.
 * @retval -ENOMEM  Out of memory or address space.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API VMPROF_NODISCARD int
vmprof_new_stack(size_t max_depth, struct vmprof_stack **out);

/**
 * Go on with another stack, as symmetric coroutines (stacklets) do. Samples
 * show the frames of @p to alone, and of what lies beneath it.
 *
 * @param to  NULL for the thread's own stack.
 *
 * @retval -ESRCH  @p thread is NULL.
 * @retval -EBUSY  @p to is running, here or on another thread, or waits
 *                 beneath another stack.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_switch_stack(struct vmprof_thread *thread, struct vmprof_stack *to);

/**
 * Go on with a coroutine's stack on top of the current one, as asymmetric
 * coroutines and generators do: samples show both, the caller outermost.
 *
 * @retval -ESRCH   @p thread is NULL.
 * @retval -EINVAL  @p to is NULL.
 * @retval -EBUSY   @p to is running or waits beneath another stack.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_resume_stack(struct vmprof_thread *thread, struct vmprof_stack *to);

/**
 * Go back to the stack that resumed the current one.
 *
 * @retval -ESRCH   @p thread is NULL.
 * @retval -EINVAL  The current stack was not resumed.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_yield_stack(struct vmprof_thread *thread);

/**
 * Free a stack that is not in use. NULL is allowed.
 *
 * @retval -EBUSY  It is running or waits beneath another stack.
 * @par Context
 * Any thread.
 * @since 0.1
 */
VMPROF_API int
vmprof_free_stack(struct vmprof_stack *stack);

VMPROF_END_DECLS

#endif
