/* SPDX-License-Identifier: MIT */

/* The thread that looks at the stacks of others: wall mode, and CPU time without
 * signals. */
#ifndef VMP_OBSERVER_H
#define VMP_OBSERVER_H

/* Start under the threads' lock, so that nobody stops what is yet to be started;
 * returns 0 or -EAGAIN. Stop without it, also after a start that failed. */
int
vmp_observer_start(void);
void
vmp_observer_stop(void);

#endif
