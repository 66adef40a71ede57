/* SPDX-License-Identifier: MIT */

/* Putting the signal's handler in place, and taking it away. */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../os/clock.h"
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

void
vmp_handler_remove(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction now;

    if (sigaction(VMP_SIGNAL, NULL, &now) < 0 || !is_ours(&now))
        return;
    /* A last signal of ours may be pending where it is blocked: the default
     * action is to kill, and a handler of the host has not asked for it.
     * Ignoring discards it. */
    sigaction(VMP_SIGNAL, &ignore, NULL);
    sigaction(VMP_SIGNAL, &vmp_foreign_action, NULL);
}
