/* SPDX-License-Identifier: MIT */

/* Putting the signal's handler in place, and taking it away. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../os/clock.h"
#include "../os/pending.h"
#include "session.h"
#include "signal/handler.h"

static bool
is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO &&
           action->sa_sigaction == vmp_handle_signal;
}

int
vmp_handler_install(void)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
    struct sigaction action = {
        .sa_sigaction = vmp_handle_signal,
        .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
    };
    struct sigaction before;

    if (sigaction(VMP_SIGNAL, NULL, &before) < 0)
        return -errno;
    if (is_ours(&before))
        return 0;
    vmp_foreign_action = before;
    /* Not sigfillset(), which leaves out the signal of pthread_cancel(): a
     * thread that is cancelled at any moment still finishes its sample. */
    memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        sigdelset(&action.sa_mask, faults[i]);
    return sigaction(VMP_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

/* Whether a tick may wait in another thread, where nobody else can take it: one
 * that is blocked there. A thread that has left has dropped its own. */
static bool
may_wait_elsewhere(void)
{
    /* Where enabling failed no thread had a clock. */
    if (!vmp_session.enabled || vmp_session.rung == VMPROF_CLOCK_AUTO)
        return false;
    for (struct vmp_thread *t = vmp_threads; t; t = t->next)
        if (t->state == VMP_THREAD_ATTACHED && t != vmp_current &&
            vmp_is_pending_for(NULL, t->tid) != 0)
            return true;
    return false;
}

/* A last tick that waits must not meet the default action, which is to kill, nor
 * a handler that has not asked for it. To ignore the signal discards all that
 * wait for any thread; the host's are lost but for those that this thread can
 * take. */
static void
put_back(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    const bool discards = may_wait_elsewhere();
    struct vmp_pending hosts;

    vmp_pending_take(&hosts, discards);
    if (discards)
        sigaction(VMP_SIGNAL, &ignore, NULL);
    sigaction(VMP_SIGNAL, &vmp_foreign_action, NULL);
    vmp_pending_give_back(&hosts);
}

void
vmp_handler_remove(void)
{
    struct sigaction now;
    sigset_t signals, before;

    if (sigaction(VMP_SIGNAL, NULL, &now) < 0 || !is_ours(&now))
        return;
    sigemptyset(&signals);
    sigaddset(&signals, VMP_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    put_back();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool
vmp_handler_is_in_place(void)
{
    struct sigaction now;

    return sigaction(VMP_SIGNAL, NULL, &now) == 0 && is_ours(&now);
}

/* What is pending is blocked. */
void
vmp_handler_drop_ticks(void)
{
    struct vmp_pending hosts;

    vmp_pending_take(&hosts, false);
    vmp_pending_give_back(&hosts);
}
