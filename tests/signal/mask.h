/* SPDX-License-Identifier: MIT */

/* SIGPROF blocked by the host. */
#ifndef VMP_TESTS_MASK_H
#define VMP_TESTS_MASK_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "profiled.h"

static inline void
set_mask(int how)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    require(pthread_sigmask(how, &signals, NULL) == 0);
}

static inline bool
is_pending(void)
{
    sigset_t pending;

    require(sigpending(&pending) == 0);
    return sigismember(&pending, SIGPROF) == 1;
}

#endif
