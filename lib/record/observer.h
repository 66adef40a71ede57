/* SPDX-License-Identifier: MIT */

/* The thread that looks at the stacks of others: wall mode. */
#ifndef VMP_OBSERVER_H
#define VMP_OBSERVER_H

/* Both without the threads' lock. Start returns 0 or -EAGAIN. */
int
vmp_observer_start(void);
void
vmp_observer_stop(void);

#endif
