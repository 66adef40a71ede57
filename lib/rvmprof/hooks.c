/* SPDX-License-Identifier: MIT */

#include "hooks.h"

#include <errno.h>
#include <pthread.h>

#include "../sized.h"

_Atomic(const struct vmprof_vm_hooks *) rvm_hooks;

int
vmprof_set_vm_hooks(const struct vmprof_vm_hooks *given)
{
    static struct vmprof_vm_hooks hooks;
    static atomic_flag taken = ATOMIC_FLAG_INIT;
    struct vmprof_vm_hooks checked;
    int r;

    if (!given)
        return -EINVAL;
    r = vmp_sized_import(&checked, sizeof(checked),
                         VMP_SIZE_UP_TO(vmprof_vm_hooks, yield_codemap), given);
    if (r < 0)
        return r;
    if (!checked.get_stack || !checked.find_codemap != !checked.yield_codemap)
        return -EINVAL;
    if (atomic_flag_test_and_set(&taken))
        return -EALREADY;
    hooks = checked;
    atomic_store(&rvm_hooks, &hooks);
    return 0;
}
