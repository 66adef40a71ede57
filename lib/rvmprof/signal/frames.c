/* SPDX-License-Identifier: MIT */

/* A sample of the calling thread: a vmprof_read_function. Signal context. */

#include "../frames.h"

#include "../quiet.h"
#include "../uids.h"
#include "../walk.h"

static bool
is_whole(const vmprof_stack_t *call)
{
    return call->kind >= VMPROF_CODE_TAG && call->kind <= VMPROF_NATIVE_TAG;
}

/* Write the codes of a trace, what was inlined first. Returns how many. */
static size_t
read_trace(const struct rvm_walk *walk, const struct rvm_call *call,
           struct vmprof_linked_frame *frames, size_t room, size_t *cut)
{
    struct rvm_trace trace;
    size_t kept;

    rvm_look_up(walk, call->address, &trace);
    kept = trace.count < room ? trace.count : room;
    *cut += trace.count - kept;
    for (size_t i = trace.count; i--;) {
        const long uid = rvm_next_code(walk, &trace);

        if (i < kept)
            frames[i] = (struct vmprof_linked_frame){
                .code = rvm_code_of(uid),
                .position = (uint64_t)trace.start,
                .stack_pointer = call->stack_pointer,
                .kind = VMPROF_KIND_JITTED,
                .has_position = 1,
            };
    }
    return kept;
}

static size_t
read_call(const struct rvm_walk *walk, const struct rvm_call *call,
          struct vmprof_linked_frame *frames, size_t room, size_t *cut)
{
    const vmprof_stack_t *const linked = call->linked;

    if (call->address)
        return read_trace(walk, call, frames, room, cut);
    if (!linked || linked->kind == VMPROF_JITTED_TAG ||
        linked->kind > VMPROF_GC_TAG)
        return 0;
    if (!room) {
        ++*cut;
        return 0;
    }
    *frames = (struct vmprof_linked_frame){
        .code = rvm_code_of(linked->value),
        .kind = (uint32_t)linked->kind,
    };
    return 1;
}

static size_t
read_all(const struct vmprof_vm_hooks *hooks, const void *context,
         struct vmprof_linked_frame *frames, size_t room, size_t *cut)
{
    struct rvm_walk walk;
    struct rvm_call call;
    size_t count = 0;

    rvm_walk_begin(&walk, hooks, hooks->get_stack(), context);
    while (rvm_walk_step(&walk, &call)) {
        if (call.linked && !is_whole(call.linked))
            return VMPROF_UNREADABLE;
        count += read_call(&walk, &call, frames + count, room - count, cut);
    }
    return count;
}

size_t
rvm_read_frames(struct vmprof_thread *thread, void *context,
                struct vmprof_linked_frame *frames, size_t room, size_t *cut,
                void *user)
{
    const struct vmprof_vm_hooks *const hooks = atomic_load(&rvm_hooks);
    size_t count;

    (void)thread;
    (void)user;
    if (!hooks)
        return 0;
    if (!rvm_enter_codemaps())
        return VMPROF_UNREADABLE;
    count = read_all(hooks, context, frames, room, cut);
    rvm_leave_codemaps();
    return count;
}
