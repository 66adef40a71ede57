/* SPDX-License-Identifier: MIT */

#include "deadline.h"

enum {
    USUAL_NS = 32 * 1000, /* a host may take its CPU away for so long */
    MOST_NS = 32 * 1000,  /* beyond, else two long ones were as many */
    MANY = 128,           /* samples, over which all of this is a mean */
    DOUBT_LASTS = 16384,
    ALL = 65536,
    FEW = ALL / 32,
    AT_FIRST = ALL / 16,

    /* In 256ths of a nanosecond, so that a mean goes down to the end. */
    LATE = 1500 * 256,
    MOST_DOUBT = 4000 * 256,
    IN_VAIN = 2 * MOST_NS * 256, /* no mean is as much */
};

/* Of a function that ends late each time there is but one way to learn whether that
 * matters, which is not gone again for long. */
static void
end(struct vmp_deadline *deadline)
{
    struct vmp_lateness *const lateness =
        deadline->by_ends ? &deadline->ends : &deadline->polls;

    deadline->is_set = false;
    deadline->polls.mean = deadline->ends.mean = 0;
    lateness->doubt = 2 * lateness->doubt + LATE;
    if (lateness->doubt > MOST_DOUBT)
        lateness->doubt = MOST_DOUBT;
    if (deadline->by_ends && deadline->tried < 2 * MANY)
        lateness->doubt = IN_VAIN;
}

static void
note_passed(struct vmp_deadline *deadline, int32_t part)
{
    deadline->tried++;
    deadline->passed += (part - deadline->passed) / MANY;
    if (deadline->passed < FEW)
        end(deadline);
}

static void
follow(struct vmp_lateness *lateness, uint64_t late_ns)
{
    int64_t beyond_ns = late_ns > USUAL_NS ? (int64_t)late_ns - USUAL_NS : 0;

    if (beyond_ns > MOST_NS)
        beyond_ns = MOST_NS;
    lateness->mean += (beyond_ns * 256 - lateness->mean) / MANY;
    lateness->doubt -= lateness->doubt / DOUBT_LASTS;
}

static bool
is_late(const struct vmp_lateness *lateness)
{
    return lateness->mean > LATE + lateness->doubt;
}

static void
note_kept(struct vmp_deadline *deadline, uint64_t late_ns, uint64_t late_end_ns)
{
    if (deadline->is_set) {
        note_passed(deadline, 0);
        return;
    }
    follow(&deadline->polls, late_ns);
    follow(&deadline->ends, late_end_ns);
    deadline->by_ends = !is_late(&deadline->polls);
    if (deadline->by_ends && !is_late(&deadline->ends))
        return;
    deadline->is_set = true;
    deadline->tried = 0;
    deadline->passed = AT_FIRST;
}

void
vmp_deadline_kept(struct vmp_deadline *deadline, uint64_t late_ns)
{
    note_kept(deadline, late_ns, 0);
}

void
vmp_deadline_kept_at_end(struct vmp_deadline *deadline, uint64_t late_ns)
{
    note_kept(deadline, 0, late_ns);
}

void
vmp_deadline_passed(struct vmp_deadline *deadline, bool in_time)
{
    if (deadline->is_set)
        note_passed(deadline, in_time ? ALL : 0);
}
