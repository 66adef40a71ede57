/* SPDX-License-Identifier: MIT */

/* Trace and profile functions: who has which. */
#ifndef VMP_LAYERS_HOOKS_H
#define VMP_LAYERS_HOOKS_H

#include <vmprof/hooks.h>

#include "frames.h"
#include "layers.h"

enum vmp_hook_kind {
    VMP_HOOK_TRACE,
    VMP_HOOK_PROFILE,
    VMP_HOOK_KINDS,
};

struct vmp_function {
    vmprof_trace_function trace; /* one of both */
    vmprof_profile_function profile;
    void *user;
    uint64_t events;           /* that it takes */
    uint64_t number;           /* no other has it, ever; from 1 */
    struct vmp_function *next; /* of those that were replaced */
};

/* Of a thread. Functions are replaced under vmp_layers_lock(), and freed when
 * no callback can read them any more. */
struct vmp_hooks_record {
    struct vmp_layer_record record;
    struct vmp_frames frames;
    _Atomic(struct vmp_function *) own[VMP_HOOK_KINDS];
    atomic_uint_least64_t failed[VMP_HOOK_KINDS]; /* numbers */
};

struct vmprof_hooks {
    struct vmprof_layer layer; /* the first: it is one */
    _Atomic(struct vmp_function *) all[VMP_HOOK_KINDS];
    struct vmp_function *replaced; /* yet to be freed; under the lock */
};

/* What is told of events on a thread; false: nobody is. By the thread itself, or
 * under the lock. */
bool
vmp_hooks_find(const struct vmprof_hooks *hooks,
               const struct vmp_hooks_record *record, enum vmp_hook_kind kind,
               struct vmp_function *out);

/* The tool's callback. */
int
vmp_hooks_event(void *user, struct vmprof_thread *thread,
                const struct vmprof_event *event);

#endif
