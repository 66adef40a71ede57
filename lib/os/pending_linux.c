/* SPDX-License-Identifier: MIT */

/* Linux, where /proc tells a thread's own from what waits for the process. */

#include "pending.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

enum {
    MOST_TAKEN = 64, /* for somebody may send more all the time */
};

int
vmp_is_pending_for(struct vmp_status_files *files, pid_t tid)
{
    struct vmp_status_word signals = { .key = "\nSigPnd:", .base = 16 };
    const int r = vmp_status(files, tid, &signals, 1);

    return r < 0 ? r : (int)(signals.value >> (VMP_SIGNAL - 1) & 1);
}

/* Also where a sandbox does not tell. */
static bool
may_be_pending(void)
{
    sigset_t pending;

    return sigpending(&pending) < 0 || sigismember(&pending, VMP_SIGNAL) == 1;
}

static bool
take_one(siginfo_t *info)
{
    const struct timespec at_once = { 0, 0 };
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, VMP_SIGNAL);
    return sigtimedwait(&signals, info, &at_once) == VMP_SIGNAL;
}

static void
keep_for_thread(struct vmp_pending *pending, const siginfo_t *info)
{
    if (!pending->has_thread)
        pending->thread = *info;
    pending->has_thread = true;
}

static void
keep_for_process(struct vmp_pending *pending, const siginfo_t *info)
{
    if (!pending->has_process)
        pending->process = *info;
    pending->has_process = true;
}

/* The thread of a last tick has no clock any more to compare it with. */
static bool
is_ours(const siginfo_t *info)
{
    return vmp_clock_sent(NULL, info);
}

void
vmp_pending_add(struct vmp_pending *pending, const siginfo_t *info)
{
    if (is_ours(info))
        return;
    /* What a thread may have sent to another one says so, or has a value. */
    if (info->si_code == SI_USER || info->si_code == SI_KERNEL ||
        info->si_code == SI_QUEUE)
        keep_for_process(pending, info);
    else
        keep_for_thread(pending, info);
}

void
vmp_pending_take(struct vmp_pending *pending, bool all)
{
    siginfo_t info;
    int is_threads;

    memset(pending, 0, sizeof(*pending));
    for (unsigned i = 0; i < MOST_TAKEN && may_be_pending(); i++) {
        /* Those of the thread come first. */
        is_threads = vmp_is_pending_for(NULL, gettid());
        if ((is_threads == 0 && !all) || !take_one(&info))
            return;
        if (is_threads < 0)
            vmp_pending_add(pending, &info);
        else if (is_threads == 0)
            keep_for_process(pending, &info);
        else if (!is_ours(&info))
            keep_for_thread(pending, &info);
    }
}

/*
 * As they were, for a process may send itself anything. By the thread's number
 * also what is the process's: the kernel compares it with the caller's. Where a
 * sandbox forbids that, without what came with them.
 */
void
vmp_pending_give_back(struct vmp_pending *pending)
{
    if (pending->has_thread &&
        syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), VMP_SIGNAL,
                &pending->thread) < 0)
        pthread_kill(pthread_self(), VMP_SIGNAL);
    if (pending->has_process && syscall(SYS_rt_sigqueueinfo, gettid(),
                                        VMP_SIGNAL, &pending->process) < 0)
        kill(getpid(), VMP_SIGNAL);
    pending->has_thread = pending->has_process = false;
}
