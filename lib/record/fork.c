/* SPDX-License-Identifier: MIT */

#include "fork.h"

#include <pthread.h>

#include "code.h"
#include "events/events.h"
#include "events/recorded.h"
#include "interp/hits.h"
#include "interp/settings.h"
#include "jit/sinks/sinks.h"
#include "jit/traces.h"
#include "layers/layers.h"
#include "session.h"

/* All locks are taken across the fork, so that the child finds what they guard
 * in order, and lets them go itself. In the order of all others: name functions
 * fork under the callbacks' lock, and enabling takes the codes' under the
 * threads'. */
static void
before(void)
{
    vmp_callbacks_lock();
    vmp_threads_lock();
    vmp_observe_lock();
    vmp_interp_lock();
    vmp_sinks_lock();
    vmp_recorder_lock();
    vmp_layers_lock();
    vmp_events_lock();
    vmp_codes_lock();
    vmp_traces_lock();
}

static void
after_in_parent(void)
{
    vmp_traces_unlock();
    vmp_codes_unlock();
    vmp_events_unlock();
    vmp_layers_unlock();
    vmp_recorder_unlock();
    vmp_sinks_unlock();
    vmp_interp_unlock();
    vmp_observe_unlock();
    vmp_threads_unlock();
    vmp_callbacks_unlock();
}

static void
after_in_child(void)
{
    vmp_traces_leave_to_parent();
    vmp_sinks_leave_to_parent();
    vmp_events_leave_to_parent(vmp_current ? &vmp_current->events : NULL);
    vmp_layers_leave_to_parent(vmp_current ? &vmp_current->events : NULL);
    vmp_events_unlock();
    vmp_layers_unlock();
    vmp_recorder_unlock();
    vmp_interp_leave_to_parent(vmp_current ? &vmp_current->hits : NULL);
    vmp_interp_unlock();
    vmp_session_leave_to_parent();
    vmp_observe_unlock();
    vmp_threads_unlock();
    vmp_codes_leave_to_parent();
}

static void
register_handlers(void)
{
    pthread_atfork(before, after_in_parent, after_in_child);
}

void
vmp_fork_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_handlers);
}
