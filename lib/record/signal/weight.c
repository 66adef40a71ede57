/* SPDX-License-Identifier: MIT */

#include "weight.h"

#include "../session.h"

enum {
    RESERVE = 2, /* intervals to aim at */
    MOST_LEFT = 4,
    SHARE = 8, /* of what is off, one sample makes good */
};

/*
 * A look at a thread stands for the time since the last one, of which the thread
 * may have slept a part. What the thread used since its last sample is another
 * time: little in the beginning of a burst, and much after a sleep. So there is a
 * reserve that pays the difference, and each sample makes good a share of what the
 * last one left it off: what it is now has to do with what the thread is doing now.
 */
uint64_t
vmp_weigh(struct vmp_thread *thread, uint64_t cpu_ns, bool was_held_back)
{
    /* A poll may have charged it ahead of its time. */
    const uint64_t used_ns = vmp_since(thread->last_cpu_ns, cpu_ns),
                   left_ns =
                       vmp_since(thread->last_cpu_ns, thread->weighed_cpu_ns);
    const uint64_t interval_ns = vmp_session.interval_ns,
                   reserve_ns = RESERVE * interval_ns,
                   most_left_ns = MOST_LEFT * interval_ns;
    uint64_t weight_ns;

    thread->weighed_cpu_ns = cpu_ns;
    if (!thread->has_reserve || was_held_back)
        return used_ns;
    weight_ns = thread->stands_for_ns + left_ns / SHARE;
    weight_ns -=
        weight_ns < reserve_ns / SHARE ? weight_ns : reserve_ns / SHARE;
    if (used_ns > weight_ns + most_left_ns)
        return used_ns - most_left_ns;
    return weight_ns < used_ns ? weight_ns : used_ns;
}
