/* SPDX-License-Identifier: MIT */

/* What fork() does to us: the child starts with profiling off. */
#ifndef VMP_FORK_H
#define VMP_FORK_H

/* Register with pthread_atfork(), once. */
void
vmp_fork_prepare(void);

#endif
