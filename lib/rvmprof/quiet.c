/* SPDX-License-Identifier: MIT */

#include "quiet.h"

#include <time.h>

enum {
    AWAIT_NS = 10 * 1000,
};

void
rvm_begin_change(void)
{
    const struct timespec moment = { 0, AWAIT_NS };

    atomic_fetch_add(&rvm_looks.changes, 1);
    while (atomic_load(&rvm_looks.under_way))
        nanosleep(&moment, NULL);
}

void
rvm_end_change(void)
{
    unsigned changes = atomic_load(&rvm_looks.changes);

    /* One too many does not turn it round. */
    while (changes && !atomic_compare_exchange_weak(&rvm_looks.changes,
                                                    &changes, changes - 1))
        continue;
}

void
rvm_forget_lookers(void)
{
    atomic_store(&rvm_looks.under_way, 0);
}
