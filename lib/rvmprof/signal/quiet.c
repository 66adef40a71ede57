/* SPDX-License-Identifier: MIT */

#include "../quiet.h"

struct rvm_looks rvm_looks;

bool
rvm_enter_codemaps(void)
{
    /* Pairs with rvm_begin_change(): either it sees us, or we see it. */
    atomic_fetch_add(&rvm_looks.under_way, 1);
    if (!atomic_load(&rvm_looks.changes))
        return true;
    atomic_fetch_sub(&rvm_looks.under_way, 1);
    return false;
}

void
rvm_leave_codemaps(void)
{
    atomic_fetch_sub(&rvm_looks.under_way, 1);
}
