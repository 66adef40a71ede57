/* SPDX-License-Identifier: MIT */

/* Threads of the VM, as libvmprof knows them. */
#ifndef RVM_THREADS_H
#define RVM_THREADS_H

/* Returns 0, also if the calling one is known, or -ENOMEM. */
int
rvm_attach_thread(void);

#endif
