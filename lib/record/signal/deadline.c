/* SPDX-License-Identifier: MIT */

#include "deadline.h"

enum {
    USUAL_NS = 32 * 1000, /* a host may take its CPU away for so long */
    MOST_LATE_NS = 128 * 1000,
    MANY = 128, /* samples, over which all of this is a mean */
    DOUBT_LASTS = 16384,
    ALL = 65536,
    FEW = ALL / 32,
    AT_FIRST = ALL / 16,

    /* In 256ths of a nanosecond, so that a mean goes down to the end. */
    LATE = 1500 * 256,
    MOST_DOUBT = 8000 * 256,
};

static void
end(struct vmp_deadline *deadline)
{
    deadline->is_set = false;
    deadline->late = 0;
    deadline->doubt = 2 * deadline->doubt + LATE;
    if (deadline->doubt > MOST_DOUBT)
        deadline->doubt = MOST_DOUBT;
}

static void
note_passed(struct vmp_deadline *deadline, int32_t part)
{
    deadline->passed += (part - deadline->passed) / MANY;
    if (deadline->passed < FEW)
        end(deadline);
}

static void
note_late(struct vmp_deadline *deadline, int64_t late_ns)
{
    deadline->late += (late_ns * 256 - deadline->late) / MANY;
    deadline->doubt -= deadline->doubt / DOUBT_LASTS;
    if (deadline->late <= LATE + deadline->doubt)
        return;
    deadline->is_set = true;
    deadline->passed = AT_FIRST;
}

void
vmp_deadline_kept(struct vmp_deadline *deadline, uint64_t late_ns)
{
    if (late_ns > MOST_LATE_NS)
        late_ns = MOST_LATE_NS;
    if (deadline->is_set)
        note_passed(deadline, 0);
    else
        note_late(deadline,
                  late_ns > USUAL_NS ? (int64_t)late_ns - USUAL_NS : 0);
}

void
vmp_deadline_passed(struct vmp_deadline *deadline, bool in_time)
{
    if (deadline->is_set)
        note_passed(deadline, in_time ? ALL : 0);
}
