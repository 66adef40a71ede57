/* SPDX-License-Identifier: MIT */

/*
 * The VM's ids of codes and ours. A table that only grows, so that a handler
 * reads it without a lock: entries are never taken out, and a table that was
 * too small stays where it was.
 */
#ifndef RVM_UIDS_H
#define RVM_UIDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <vmprof/code.h>

struct rvm_uid {
    atomic_intptr_t uid; /* 0: free */
    vmprof_code_id code; /* written before */
};

struct rvm_uids {
    struct rvm_uids *smaller; /* where some handler may still look */
    size_t size;              /* a power of two; at most half of it is used */
    size_t used;
    struct rvm_uid slots[];
};

extern _Atomic(struct rvm_uids *) rvm_uids;

/* Where an id is, or the free slot for it. */
struct rvm_uid *
rvm_uid_slot(struct rvm_uids *uids, intptr_t uid);

/* The code of an id, 0: it has no name. Any context. */
vmprof_code_id
rvm_code_of(intptr_t uid);

#endif
