/* SPDX-License-Identifier: MIT */

/* What each thread of the library's own begins with. */
#ifndef VMP_HELPER_H
#define VMP_HELPER_H

#include <pthread.h>

/* Start a thread that takes no signal of the host's. Returns 0 or a negative
 * errno. */
int
vmp_helper_start(pthread_t *thread, void *(*run)(void *user), void *user);

/* A condition to wait for until a time on CLOCK_MONOTONIC. */
void
vmp_helper_condition(pthread_cond_t *condition);

#endif
