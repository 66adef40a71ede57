/* SPDX-License-Identifier: MIT */

/*
 * Threads that live for less than an interval are sampled as if they were one,
 * end to end: the next goes on in the period in which the last one stopped, and
 * its first sample stands for what that left unsampled, too. Under
 * vmp_threads_lock().
 */
#ifndef VMP_BRIEF_H
#define VMP_BRIEF_H

#include "thread.h"

/* A thread has ended, with its accounts closed. */
void
vmp_bequeath(const struct vmp_thread *thread);

/* A thread begins: sets its period. */
void
vmp_inherit(struct vmp_thread *thread);

#endif
