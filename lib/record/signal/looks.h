/* SPDX-License-Identifier: MIT */

/* Threads that are much in the kernel, where perf does not tick: the observer
 * looks at them when a tick is overdue. Signal context. */
#ifndef VMP_LOOKS_H
#define VMP_LOOKS_H

#include "../thread.h"

/* At a tick of the calling thread's, which has its turn: ask for looks, or for no
 * more of them, by what the ticks before it met. */
void
vmp_ask_for_looks(struct vmp_thread *thread);

#endif
