/* SPDX-License-Identifier: MIT */

/*
 * What the VM links is read as it stands, innermost first. Compiled code is
 * known by a machine address alone: the interrupted instruction if that is in
 * compiled code, else the return address of the call that it is making. Signal
 * context.
 */

#include "../walk.h"

enum {
    MOST_CALLS = 1 << 20,   /* a list that is longer is a ring */
    MOST_INLINED = 4096,    /* in one trace */
    LARGEST_FRAME = 1 << 16 /* of compiled code, on the C stack; bytes */
};

static void
begin_trace(struct rvm_trace *trace)
{
    trace->position = 0;
    trace->left = MOST_INLINED;
}

long
rvm_next_code(const struct rvm_walk *walk, struct rvm_trace *trace)
{
    while (trace->left--) {
        const long uid = walk->hooks->yield_codemap(
            trace->codemap, (long)trace->address, &trace->position);

        if (uid)
            return uid;
    }
    return -1;
}

void
rvm_look_up(const struct rvm_walk *walk, uintptr_t address,
            struct rvm_trace *trace)
{
    *trace = (struct rvm_trace){ .address = address };
    if (walk->hooks->find_codemap)
        trace->codemap =
            walk->hooks->find_codemap((long)address, &trace->start);
    if (!trace->codemap)
        return;
    begin_trace(trace);
    while (rvm_next_code(walk, trace) != -1)
        trace->count++;
    begin_trace(trace);
}

/* Compiled code links its call in its own frame, above its stack pointer, and
 * calls push their return address below that. */
static uintptr_t
return_address(const vmprof_stack_t *call)
{
    const uintptr_t sp = (uintptr_t)call->value;

    if (sp % sizeof(sp) || (uintptr_t)call - sp >= LARGEST_FRAME)
        return 0;
    return *(const volatile uintptr_t *)(sp - sizeof(sp));
}

void
rvm_walk_begin(struct rvm_walk *walk, const struct vmprof_vm_hooks *hooks,
               const vmprof_stack_t *innermost, const void *context)
{
    *walk = (struct rvm_walk){
        .hooks = hooks,
        .next = innermost,
        .left = MOST_CALLS,
    };
    if (context && hooks->find_codemap)
        walk->interrupted = rvm_interrupted_at(context);
    if (walk->interrupted.pc &&
        !hooks->find_codemap((long)walk->interrupted.pc, &(long){ 0 }))
        walk->interrupted.pc = 0;
}

/* False at the end. */
bool
rvm_walk_step(struct rvm_walk *walk, struct rvm_call *to)
{
    const vmprof_stack_t *const call = walk->next;

    *to = (struct rvm_call){ .linked = call };
    if (walk->interrupted.pc) {
        to->address = walk->interrupted.pc;
        to->stack_pointer = walk->interrupted.sp;
        walk->interrupted.pc = 0;
        /* The word below is of a call that has returned. */
        if (!call || call->kind != VMPROF_JITTED_TAG) {
            to->linked = NULL;
            return true;
        }
    } else if (call && call->kind == VMPROF_JITTED_TAG) {
        const uintptr_t address = return_address(call);

        to->address = address ? address - 1 : 0;
        to->stack_pointer = (uintptr_t)call;
    }
    if (!call || !walk->left--)
        return false;
    walk->next = call->next;
    return true;
}
