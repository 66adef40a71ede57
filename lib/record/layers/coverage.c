/* SPDX-License-Identifier: MIT */

/* Which lines have run. All threads share one record: each site comes once. */

#include <errno.h>
#include <stdlib.h>

#include <vmprof/coverage.h>

#include "layers.h"

static int
cover(void *user, struct vmprof_thread *thread,
      const struct vmprof_event *event)
{
    struct vmprof_layer *const layer = user;
    struct vmp_entry *entry;

    (void)thread;
    if (event->line) {
        vmp_layers_lock();
        entry = vmp_tally_at(&layer->records->tally, event->code, event->line);
        if (entry)
            __atomic_store_n(&entry->values[0], 1, __ATOMIC_RELAXED);
        vmp_layers_unlock();
    }
    return VMPROF_EVENT_DISABLE;
}

static const struct vmp_layer_kind kind = {
    .name = "vmprof coverage",
    .usual = VMPROF_EVENT_BIT(VMPROF_EVENT_LINE),
    .possible = VMPROF_EVENT_BIT(VMPROF_EVENT_LINE),
    .event = cover,
    .record_size = sizeof(struct vmp_layer_record),
    .is_shared = true,
    .rows = &vmp_rows_lines,
    .is_repeated = true,
};

int
vmprof_new_coverage(const struct vmprof_layer_options *options,
                    struct vmprof_layer **out)
{
    return vmp_layer_new(&kind, options, out);
}

/* Under the lock. */
static int
add_lines(struct vmprof_layer *layer, vmprof_code_id code,
          const uint32_t *lines, uint64_t count)
{
    int r = 0;

    for (uint64_t i = 0; i < count; i++)
        if (lines[i]) {
            struct vmp_entry *const entry =
                vmp_tally_at(&layer->records->tally, code, lines[i]);

            if (!entry)
                r = -ENOSPC;
            else if (!entry->values[0])
                /* That it is there is news. */
                entry->written[0] = UINT64_MAX;
        }
    return r;
}

/* To each. Under the lock. */
static int
add_lines_to_all(vmprof_code_id code, const uint32_t *lines, uint64_t count)
{
    int r = -ENOENT;

    for (struct vmprof_layer *l = vmp_layers.first; l; l = l->next)
        if (l->kind == &kind && !l->is_ending) {
            const int added = add_lines(l, code, lines, count);

            if (r != -ENOSPC)
                r = added;
        }
    return r;
}

int
vmprof_add_lines(struct vmprof_layer *layer, vmprof_code_id code,
                 const uint32_t *lines, uint64_t count)
{
    int r;

    if ((layer && layer->kind != &kind) || !code)
        return -EINVAL;
    vmp_layers_lock();
    r = layer ? add_lines(layer, code, lines, count)
              : add_lines_to_all(code, lines, count);
    vmp_layers_unlock();
    return r;
}

int
vmprof_each_covered_line(struct vmprof_layer *layer,
                         vmprof_covered_line_function function, void *user)
{
    struct vmp_entry *rows;
    uint32_t count;
    int r = vmp_layer_rows(layer, &kind, vmp_by_key, &rows, &count);

    if (r < 0)
        return r;
    for (uint32_t i = 0; i < count && r == 0; i++) {
        const struct vmprof_covered_line line = {
            .code = rows[i].a,
            .line = (uint32_t)rows[i].b,
            .has_run = rows[i].values[0] != 0,
        };

        r = function(user, &line);
    }
    free(rows);
    return r;
}
