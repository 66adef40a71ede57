/* SPDX-License-Identifier: MIT */

/* From one of the VM's calls to the next, innermost first. Signal context. */
#ifndef RVM_WALK_H
#define RVM_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks.h"
#include "machine.h"

/* The codes that are active at an address of compiled code. */
struct rvm_trace {
    void *codemap; /* NULL: it is no compiled code */
    uintptr_t address;
    long start;
    size_t count; /* of codes */
    long position;
    unsigned left;
};

/* One call, or compiled code that has yet to link its own. */
struct rvm_call {
    const vmprof_stack_t *linked;
    uintptr_t address; /* in compiled code; 0: it is none */
    uintptr_t stack_pointer;
};

struct rvm_walk {
    const struct vmprof_vm_hooks *hooks;
    const vmprof_stack_t *next;
    struct rvm_place interrupted; /* pc 0: not, or not in compiled code */
    unsigned left;
};

/* `context` is a ucontext_t of the thread that the calls are of, or NULL. */
void
rvm_walk_begin(struct rvm_walk *walk, const struct vmprof_vm_hooks *hooks,
               const vmprof_stack_t *innermost, const void *context);

/* False at the end. */
bool
rvm_walk_step(struct rvm_walk *walk, struct rvm_call *call);

/* And then its codes, outermost first: ids, -1 at the end. */
void
rvm_look_up(const struct rvm_walk *walk, uintptr_t address,
            struct rvm_trace *trace);
long
rvm_next_code(const struct rvm_walk *walk, struct rvm_trace *trace);

#endif
