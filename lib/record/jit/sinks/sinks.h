/* SPDX-License-Identifier: MIT */

/* Whom the registry of traces tells what becomes of them, if anyone. */
#ifndef VMP_JIT_SINKS_H
#define VMP_JIT_SINKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../told.h"

extern atomic_bool vmp_sinks_open;

/* It is at this address from now on; `told` is a share that this takes over. */
void
vmp_sinks_place(vmprof_jit_id id, struct vmp_told *told, const void *address);

/* The same with what was told before. */
void
vmp_sinks_move(vmprof_jit_id id, const void *address);
void
vmp_sinks_remove(vmprof_jit_id id);

/* Around fork(), outside of the locks of codes and traces; the child, in place
 * of unlocking, has no files. */
void
vmp_sinks_lock(void);
void
vmp_sinks_unlock(void);
void
vmp_sinks_leave_to_parent(void);

#endif
