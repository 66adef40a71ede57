/* SPDX-License-Identifier: MIT */

/* The thread that looks at others: at their stacks, in wall mode and for CPU time
 * without signals; and whether who sleeps has gone on, where a clock of time that
 * passes would have to wake it to find out. */
#ifndef VMP_OBSERVER_H
#define VMP_OBSERVER_H

/*
 * Start under the threads' lock, so that nobody stops what is yet to be started;
 * returns 0, also if it has been, or -EAGAIN. Stop without it, also if none was
 * started.
 */
int
vmp_observer_start(void);
void
vmp_observer_stop(void);

/* In the child of a fork(). */
void
vmp_observer_leave_to_parent(void);

#endif
