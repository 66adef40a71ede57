/* SPDX-License-Identifier: MIT */

/* What the VM handed over. */
#ifndef RVM_HOOKS_H
#define RVM_HOOKS_H

#include <stdatomic.h>

#include <vmprof/rvmprof_hooks.h>

/* NULL: nothing yet. What it points to never changes. */
extern _Atomic(const struct vmprof_vm_hooks *) rvm_hooks;

#endif
