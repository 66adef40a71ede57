/* SPDX-License-Identifier: MIT */

/* Values of an event, which nobody makes before somebody asks. */

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <vmprof/events.h>

static _Atomic(vmprof_value_function) get_value;
static _Atomic(void *) get_value_user;

void
vmprof_set_value_function(vmprof_value_function function, void *user)
{
    atomic_store(&get_value_user, user);
    atomic_store(&get_value, function);
}

int
vmprof_get_event_value(struct vmprof_thread *thread,
                       const struct vmprof_event *event,
                       enum vmprof_value_name name, uint64_t index,
                       struct vmprof_value *out)
{
    const vmprof_value_function function = atomic_load(&get_value);
    struct vmprof_value value;
    int r;

    if (!function)
        return -ENOTSUP;
    memset(&value, 0, sizeof(value));
    r = function(atomic_load(&get_value_user), thread, event, name, index,
                 &value);
    if (r == 0)
        *out = value;
    return r;
}
