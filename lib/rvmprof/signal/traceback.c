/* SPDX-License-Identifier: MIT */

/* What a thread is doing, for its VM: inside a handler of SIGSEGV too, without
 * a session, and on a thread that nothing is known of. Signal context. */

#include "../quiet.h"
#include "../walk.h"

#include <vmprof/rvmprof.h>

enum {
    SPARE = 2, /* words that are never written */
};

struct words {
    void **at;
    size_t count, most;
};

static bool
has_room(const struct words *words, size_t pairs)
{
    return words->most - words->count >= 2 * pairs;
}

static void
add(struct words *words, intptr_t tag, intptr_t value)
{
    words->at[words->count++] = (void *)tag;
    words->at[words->count++] = (void *)value;
}

/* What does not fit are the outermost. */
static void
add_trace(struct words *words, const struct rvm_walk *walk,
          const struct rvm_call *call)
{
    struct rvm_trace trace;
    void **first;
    size_t kept;

    rvm_look_up(walk, call->address, &trace);
    if (!trace.codemap || !has_room(words, 2))
        return;
    add(words, VMPROF_ASSEMBLER_TAG, trace.start);
    kept = (words->most - words->count) / 2;
    kept = trace.count < kept ? trace.count : kept;
    first = words->at + words->count;
    for (size_t i = trace.count; i--;) {
        const long uid = rvm_next_code(walk, &trace);

        if (i < kept) {
            first[2 * i] = (void *)(intptr_t)VMPROF_JITTED_TAG;
            first[2 * i + 1] = (void *)(intptr_t)uid;
        }
    }
    words->count += 2 * kept;
}

static void
add_call(struct words *words, const struct rvm_walk *walk,
         const struct rvm_call *call)
{
    if (call->address && walk->hooks->find_codemap)
        add_trace(words, walk, call);
    else if (call->linked && call->linked->kind == VMPROF_CODE_TAG)
        add(words, VMPROF_CODE_TAG, call->linked->value);
}

intptr_t
vmprof_get_traceback(void *stack, void *ucontext, void **result, intptr_t n)
{
    const struct vmprof_vm_hooks *const hooks = atomic_load(&rvm_hooks);
    struct words words = { .at = result };
    struct vmprof_vm_hooks usable;
    struct rvm_walk walk;
    struct rvm_call call;
    bool looks;

    if (!hooks || n <= SPARE)
        return 0;
    words.most = (size_t)n - SPARE;
    usable = *hooks;
    looks = rvm_enter_codemaps();
    /* The crash may be in the middle of a change: compiled code is left out. */
    if (!looks)
        usable.find_codemap = NULL;
    rvm_walk_begin(&walk, &usable, stack ? stack : hooks->get_stack(),
                   ucontext);
    while (has_room(&words, 1) && rvm_walk_step(&walk, &call))
        add_call(&words, &walk, &call);
    if (looks)
        rvm_leave_codemaps();
    return (intptr_t)words.count;
}
