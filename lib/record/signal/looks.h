/* SPDX-License-Identifier: MIT */

/* Threads that are much in the kernel, where perf does not tick: the observer
 * samples them. Signal context. */
#ifndef VMP_LOOKS_H
#define VMP_LOOKS_H

#include "../thread.h"

enum {
    VMP_LEAST_LOOKS_NS = 200 * 1000, /* from one to the next, on average */
};

/*
 * At a tick of the calling thread's, which has its turn: ask for looks, or for no
 * more of them, by what the ticks before it met. Returns whether the observer
 * samples the thread, and is not late: then its ticks only tell how many of them
 * come.
 */
bool
vmp_ask_for_looks(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns);

#endif
