/* SPDX-License-Identifier: MIT */

/* The recorder: a tool that is started and stopped. */

#include <vmprof/event_recorder.h>

#include <errno.h>

#include "../../sized.h"
#include "../fork.h"
#include "../lock.h"
#include "../session.h"
#include "events.h"
#include "recorded.h"

enum {
    OPTIONS_SIZE_0_1 =
        VMP_SIZE_UP_TO(vmprof_event_recorder_options, allocation_period),
    COUNTS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_recorded_events, no_room),
    DEFAULT_RING = 1 << 16,
    LEAST_RING = 1 << 8,
    MOST_RING = 1 << 24,
    MOST_RATE = 1000 * 1000 * 1000,
    DEFAULT_ALLOCATION_PERIOD = 1 << 16,
};

static const uint64_t MOST_PERIOD = UINT64_C(1) << 31;

static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* Under the lock, which is not held while the VM is told of what is wanted. 0: it
 * is not started. */
static vmprof_tool tool;

void
vmp_recorder_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_recorder_unlock(void)
{
    vmp_unlock(&lock);
}

/* What was stored before is seen by who sees that the turn is another. */
static void
change(void)
{
    atomic_fetch_add_explicit(&vmp_recorder.turn, 1, memory_order_release);
}

void
vmp_recorder_set_session(unsigned session)
{
    atomic_store(&vmp_recorder.session, session);
    change();
}

static int
check(struct vmprof_event_recorder_options *options)
{
    const uint64_t size = options->ring_size;

    if (!size)
        options->ring_size = DEFAULT_RING;
    else if (size < LEAST_RING || size > MOST_RING || size & (size - 1))
        return -EINVAL;
    if (!options->allocation_period)
        options->allocation_period = DEFAULT_ALLOCATION_PERIOD;
    if (options->events & ~VMPROF_EVENTS_ALL || !options->period ||
        options->period > MOST_PERIOD || options->rate > MOST_RATE)
        return -EINVAL;
    return 0;
}

static void
set(const struct vmprof_event_recorder_options *options)
{
    atomic_store(&vmp_recorder.events, options->events);
    atomic_store(&vmp_recorder.period, options->period);
    atomic_store(&vmp_recorder.rate, options->rate);
    atomic_store(&vmp_recorder.capacity, options->ring_size);
    change();
}

/* Under the lock: a child of a fork has the tool and its number, or neither. */
static int
register_tool(const struct vmprof_event_recorder_options *options)
{
    struct vmprof_tool_callbacks callbacks;
    int r;

    if (tool)
        return -EALREADY;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = vmp_record_event;
    callbacks.allocation_period = options->allocation_period;
    r = vmprof_register_tool("vmprof-recorder", &callbacks, &tool);
    if (r < 0)
        return r;
    set(options);
    r = vmp_events_set(tool, options->events);
    if (r < 0)
        tool = 0; /* somebody else has taken it away */
    return r;
}

int
vmprof_start_event_recorder(const struct vmprof_event_recorder_options *given)
{
    struct vmprof_event_recorder_options options;
    int r;

    if (!given)
        return -EINVAL;
    r = vmp_sized_import(&options, sizeof(options), OPTIONS_SIZE_0_1, given);
    if (r == 0)
        r = check(&options);
    if (r < 0)
        return r;
    vmp_fork_prepare();
    vmp_recorder_lock();
    r = register_tool(&options);
    vmp_recorder_unlock();
    if (r == 0)
        vmp_events_tell();
    return r;
}

int
vmprof_stop_event_recorder(void)
{
    uint64_t bits = 0;
    vmprof_tool stopped;

    /* Who starts it next finds its name free; a callback that runs still does
     * no harm to it. */
    vmp_recorder_lock();
    stopped = tool;
    tool = 0;
    if (stopped)
        vmp_events_forget(stopped, &bits);
    vmp_recorder_unlock();
    if (!stopped)
        return -EALREADY;
    if (!bits) /* somebody else has */
        return 0;
    vmp_events_await(bits);
    vmp_events_tell();
    return 0;
}

static void
add(struct vmprof_recorded_events *sum,
    const struct vmp_recorded_counts *counts)
{
    sum->recorded += counts->recorded;
    sum->left_out += counts->left_out;
    sum->over_rate += counts->over_rate;
    sum->no_room += counts->no_room;
}

int
vmprof_count_recorded_events(uint64_t events, struct vmprof_recorded_events *to)
{
    struct vmp_recorded_counts counts[VMP_RECORDED_KINDS];
    struct vmprof_recorded_events sum;

    if (events & ~VMPROF_EVENTS_ALL || !to)
        return -EINVAL;
    vmprof_recorded_events_init(&sum);
    vmp_threads_lock();
    vmp_session_count_recorded(counts);
    vmp_threads_unlock();
    for (; events; events &= events - 1)
        add(&sum, &counts[__builtin_ctzll(events)]);
    sum.size = to->size;
    return vmp_sized_export(to, sizeof(sum), COUNTS_SIZE_0_1, &sum);
}
