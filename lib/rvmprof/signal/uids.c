/* SPDX-License-Identifier: MIT */

/* From the VM's ids to ours. Signal context. */

#include "../uids.h"

_Atomic(struct rvm_uids *) rvm_uids;

struct rvm_uid *
rvm_uid_slot(struct rvm_uids *uids, intptr_t uid)
{
    const size_t mask = uids->size - 1;
    /* They come in steps of four. */
    size_t at = ((size_t)uid >> 2) * (size_t)2654435761u;

    for (;; at++) {
        struct rvm_uid *const slot = &uids->slots[at & mask];
        /* Pairs with the release when it was filled. */
        const intptr_t there =
            atomic_load_explicit(&slot->uid, memory_order_acquire);

        if (there == uid || !there)
            return slot;
    }
}

vmprof_code_id
rvm_code_of(intptr_t uid)
{
    struct rvm_uids *const uids =
        atomic_load_explicit(&rvm_uids, memory_order_acquire);

    const struct rvm_uid *slot;

    if (!uids || !uid)
        return 0;
    slot = rvm_uid_slot(uids, uid);
    return atomic_load_explicit(&slot->uid, memory_order_acquire) == uid
               ? slot->code
               : 0;
}
