/* SPDX-License-Identifier: MIT */

/* How often each event happened, by code. */

#include <errno.h>
#include <stdlib.h>

#include <vmprof/event_counts.h>

#include "../thread.h"
#include "layers.h"

/* What has no room is counted by kind, so each has a row from the first. */
static void
begin(struct vmp_layer_record *record)
{
    for (uint64_t events = record->layer->events; events; events &= events - 1)
        vmp_tally_try(&record->tally, 0, (uint64_t)__builtin_ctzll(events));
}

static int
count(void *user, struct vmprof_thread *thread,
      const struct vmprof_event *event)
{
    struct vmp_layer_record *const record = vmp_layer_record(user, thread);
    struct vmp_entry *entry;

    if (!record)
        return VMPROF_EVENT_KEEP;
    entry = vmp_tally_at(&record->tally, event->code, event->kind);
    if (!entry)
        entry = vmp_tally_try(&record->tally, 0, event->kind);
    if (entry)
        vmp_count(&entry->values[0], 1);
    return VMPROF_EVENT_KEEP;
}

static const struct vmp_layer_kind kind = {
    .name = "vmprof event counts",
    .usual = VMPROF_EVENTS_ALL & ~VMPROF_EVENT_BIT(VMPROF_EVENT_INSTRUCTION),
    .possible = VMPROF_EVENTS_ALL,
    .event = count,
    .record_size = sizeof(struct vmp_layer_record),
    .begin = begin,
    .rows = &vmp_rows_event_counts,
};

int
vmprof_new_event_counts(const struct vmprof_layer_options *options,
                        struct vmprof_layer **out)
{
    return vmp_layer_new(&kind, options, out);
}

int
vmprof_each_event_count(struct vmprof_layer *layer,
                        vmprof_event_count_function function, void *user)
{
    struct vmp_entry *rows;
    uint32_t row_count;
    int r = vmp_layer_rows(layer, &kind, vmp_by_key, &rows, &row_count);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < row_count && r == 0; i++) {
        const struct vmprof_event_count found = {
            .code = rows[i].a,
            .kind = (uint32_t)rows[i].b,
            .count = rows[i].values[0],
        };

        if (found.count)
            r = function(user, &found);
    }
    free(rows);
    return r;
}
