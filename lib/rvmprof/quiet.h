/* SPDX-License-Identifier: MIT */

/* While codemaps change, nobody looks at them. */
#ifndef RVM_QUIET_H
#define RVM_QUIET_H

#include <stdatomic.h>
#include <stdbool.h>

extern struct rvm_looks {
    atomic_uint under_way;
    atomic_uint changes;
} rvm_looks;

/* Around a look; in signal context. False: not now, and leaving is to be left
 * out. */
bool
rvm_enter_codemaps(void);
void
rvm_leave_codemaps(void);

/* Around a change; calls nest, over all threads. To begin waits for those that
 * look. Not in signal context. */
void
rvm_begin_change(void);
void
rvm_end_change(void);

/* In the child of a fork(): of those that looked only the caller is there. */
void
rvm_forget_lookers(void);

#endif
