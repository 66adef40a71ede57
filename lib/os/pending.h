/* SPDX-License-Identifier: MIT */

/* Signals of VMP_SIGNAL's number that wait because they are blocked: those of
 * clocks are ours, all others the host's. */
#ifndef VMP_PENDING_H
#define VMP_PENDING_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "status.h"

/* The host's: of more than one for the same the kernel keeps one, too, but for
 * timers'. */
struct vmp_pending {
    siginfo_t thread, process; /* sent to the calling thread, and to any */
    bool has_thread, has_process;
};

/* Whether one waits for a thread of this process and for no other, whoever sent
 * it; `files` may be NULL. Returns 0, 1 or a negative errno. */
int
vmp_is_pending_for(struct vmp_status_files *files, pid_t tid);

/*
 * Drop ours that wait for the calling thread, which has to block the signal, and
 * take the host's; what waits for the whole process only with `all`. To be given
 * back.
 */
void
vmp_pending_take(struct vmp_pending *pending, bool all);

/* Add one that was taken otherwise. */
void
vmp_pending_add(struct vmp_pending *pending, const siginfo_t *info);

/* Send what was taken once more, to whom it was sent. */
void
vmp_pending_give_back(struct vmp_pending *pending);

#endif
