/* SPDX-License-Identifier: MIT */

/* Threads come and go. */

#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sized.h"
#include "events/usdt.h"
#include "fork.h"
#include "layers/layers.h"
#include "lock.h"
#include "session.h"
#include "splice.h"

enum {
    THREAD_DEPTH = 1 << 18,
    OPTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_thread_options, name),
};

_Thread_local struct vmp_thread *vmp_current;
struct vmp_thread *vmp_threads;

static struct vmp_lock threads_lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t observe_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t at_thread_end;
static struct vmp_thread *free_threads; /* under the lock */

void
vmp_threads_lock(void)
{
    vmp_lock(&threads_lock);
}

void
vmp_threads_unlock(void)
{
    vmp_unlock(&threads_lock);
}

void
vmp_observe_lock(void)
{
    pthread_mutex_lock(&observe_mutex);
}

void
vmp_observe_unlock(void)
{
    pthread_mutex_unlock(&observe_mutex);
}

/* Everything but the link of the list, as for a new thread. What machine code
 * may be in the middle of using stays as it is. */
static void
clear(struct vmp_thread *thread)
{
    const size_t after = offsetof(struct vmp_thread, jit) + sizeof(thread->jit);
    struct vmp_thread *const next = thread->next;
    const struct vmp_periods periods = thread->periods;

    memset(thread, 0, offsetof(struct vmp_thread, jit));
    memset((char *)thread + after, 0, sizeof(*thread) - after);
    thread->next = next;
    thread->periods = periods;
    thread->head.jit_ring = &thread->jit.ring;
}

void
vmp_thread_recycle(struct vmp_thread *thread)
{
    if (thread->state == VMP_THREAD_FREE)
        return;
    vmp_ring_free(&thread->ring);
    free(thread->last.chain.records);
    vmp_spliced_free(thread->spliced);
    vmp_stack_unmap(&thread->own);
    vmp_recorded_free(&thread->recorded);
    vmp_jit_recycle(&thread->jit);
    clear(thread);
    thread->next_free = free_threads;
    free_threads = thread;
}

/* musl ends a thread that is cancelled at any instruction on the stack as it was
 * there, which need not be aligned as a call leaves it. */
#if defined(__x86_64__) || defined(__i386__)
#    define ON_ANY_STACK __attribute__((force_align_arg_pointer))
#else
#    define ON_ANY_STACK
#endif

/* In the second round of destructors: those of the VM may run its code. */
static ON_ANY_STACK void
end_of_thread(void *head)
{
    struct vmp_thread *const thread = head;

    if (!thread->is_ending && pthread_setspecific(at_thread_end, head) == 0)
        thread->is_ending = true;
    else
        vmprof_detach_thread(head); /* the record may be another's now */
}

static void
make_key(void)
{
    /* Without a key a thread that forgets to detach is never taken out. */
    if (pthread_key_create(&at_thread_end, end_of_thread) != 0)
        at_thread_end = (pthread_key_t)-1;
    vmp_fork_prepare();
}

/* A free record, or a new one; under the lock. */
static struct vmp_thread *
find_free(void)
{
    struct vmp_thread *thread = free_threads;

    if (thread) {
        free_threads = thread->next_free;
        return thread;
    }
    thread = aligned_alloc(64, (sizeof(*thread) + 63) / 64 * 64);
    if (!thread)
        return NULL;
    memset(thread, 0, sizeof(*thread));
    thread->periods.random = (uintptr_t)thread * 0x9e3779b97f4a7c15 | 1;
    vmp_jit_init(&thread->jit);
    thread->head.jit_ring = &thread->jit.ring;
    thread->next = vmp_threads;
    vmp_threads = thread;
    return thread;
}

static void
set_name(struct vmp_thread *thread, const char *name)
{
    if (name)
        strncpy(thread->name, name, sizeof(thread->name) - 1);
    else
        pthread_getname_np(pthread_self(), thread->name, sizeof(thread->name));
}

/* What a thread needs for itself: others need not wait while it is mapped. */
struct belongings {
    struct vmprof_stack stack;
    struct vmp_signal_stack signal_stack;
};

static int
get_belongings(struct belongings *mine, size_t max_depth)
{
    int r;

    mine->stack.is_own = true;
    r = vmp_stack_map(&mine->stack, max_depth ? max_depth : THREAD_DEPTH);
    if (r < 0)
        return r;
    r = vmp_signal_stack_give(&mine->signal_stack);
    if (r < 0)
        vmp_stack_unmap(&mine->stack);
    return r;
}

static void
give_up_belongings(struct belongings *mine)
{
    vmp_stack_unmap(&mine->stack);
    vmp_signal_stack_take(&mine->signal_stack);
}

/* Under the lock. */
static int
attach(const struct belongings *mine, const char *name, struct vmp_thread **out)
{
    struct vmp_thread *const thread = find_free();

    if (!thread)
        return -ENOMEM;
    thread->own = mine->stack;
    thread->signal_stack = mine->signal_stack;
    vmp_stack_take(&thread->own);
    thread->head.top = thread->own.top;
    thread->head.limit = thread->own.limit;
    thread->head.stack = &thread->own;
    thread->tid = gettid();
    thread->handle = pthread_self();
    thread->start_ns = vmp_now_ns(CLOCK_MONOTONIC);
    set_name(thread, name);
    thread->state = VMP_THREAD_ATTACHED;
    *out = thread;
    return 0;
}

int
vmprof_attach_thread_1(const struct vmprof_thread_options *given,
                       size_t frame_size, struct vmprof_thread **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct vmprof_thread_options options = { 0 };
    struct belongings mine = { 0 };
    struct vmp_thread *thread;
    int r = 0;

    if (frame_size != sizeof(struct vmprof_frame))
        return -EINVAL;
    if (given)
        r = vmp_sized_import(&options, sizeof(options), OPTIONS_SIZE_0_1,
                             given);
    if (r < 0)
        return r;
    if (options.max_depth > VMP_MAX_DEPTH)
        return -EINVAL;
    if (vmp_current)
        return -EALREADY;
    pthread_once(&once, make_key);
    r = get_belongings(&mine, (size_t)options.max_depth);
    if (r < 0)
        return r;

    vmp_threads_lock();
    r = attach(&mine, options.name, &thread);
    if (r == 0) {
        vmp_current = thread;
        vmp_hits_attach(&thread->hits, &thread->head);
        vmp_events_attach(&thread->events, &thread->head);
        vmp_session_join(thread);
    }
    vmp_threads_unlock();
    if (r < 0) {
        give_up_belongings(&mine);
        return r;
    }
    if (at_thread_end != (pthread_key_t)-1)
        pthread_setspecific(at_thread_end, &thread->head);
    *out = &thread->head;
    vmp_usdt_check();
    return 0;
}

int
vmprof_detach_thread(struct vmprof_thread *head)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    struct belongings mine;

    if (!thread || thread != vmp_current)
        return -ESRCH;
    mine.signal_stack = thread->signal_stack;
    vmp_hits_detach(&thread->hits);
    vmp_layers_detach(&thread->events);
    vmp_threads_lock();
    vmp_observe_lock();
    /* No tick finds a stack that is taken apart. */
    vmp_current = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    vmp_stack_release(head->stack);
    /* The VM may free a coroutine's, and fork before the ring is written. */
    head->stack = NULL;
    thread->leaving = NULL;
    thread->own.id = 0; /* nothing that sleeps on it goes on there */
    /* The record may be the next thread's as soon as the lock is open. */
    mine.stack = thread->own;
    thread->own.frames = NULL;
    vmp_session_part(thread);
    vmp_observe_unlock();
    vmp_threads_unlock();
    /* The last tick has come. Its ring waits for the writer, but not the stack:
     * address space can be short on 32 bits. */
    give_up_belongings(&mine);
    if (at_thread_end != (pthread_key_t)-1)
        pthread_setspecific(at_thread_end, NULL);
    return 0;
}

struct vmprof_thread *
vmprof_current_thread(void)
{
    return vmp_current ? &vmp_current->head : NULL;
}
