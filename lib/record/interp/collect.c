/* SPDX-License-Identifier: MIT */

#include "collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../os/clock.h"
#include "../code.h"
#include "classes.h"
#include "hits.h"
#include "settings.h"

/* Of rows in vmp_interp.ended; under the lock. */
static struct vmp_late_code *late_codes;

static uint64_t
count_rows(void)
{
    uint64_t rows = vmp_interp.ended.count;

    for (const struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
        rows += h->table.count + vmp_hit_counters_busy(&h->counters);
    return rows;
}

static void
take_times(struct vmp_collected *out)
{
    out->until_unix_ns = vmp_now_ns(CLOCK_REALTIME);
    out->until_mono_ns = vmp_now_ns(CLOCK_MONOTONIC);
    out->from_unix_ns = vmp_interp.taken_unix_ns;
    out->from_mono_ns = vmp_interp.taken_mono_ns;
    vmp_interp.taken_unix_ns = out->until_unix_ns;
    vmp_interp.taken_mono_ns = out->until_mono_ns;
}

int
vmp_collect(struct vmp_collected *out)
{
    const uint64_t all_rows = (uint64_t)1 << 32;
    int r;

    memset(out, 0, sizeof(*out));
    vmp_interp_lock();
    r = vmp_table_reserve(&out->table, (uint32_t)count_rows());
    if (r == 0) {
        /* First, so that a tuple which a VM counts itself has a place. */
        for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
            vmp_hit_counters_take(&h->counters, &out->table);
        for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
            vmp_table_take(&out->table, &h->table);
        vmp_table_take(&out->table, &vmp_interp.ended);
        vmp_table_clear(&vmp_interp.ended);
        out->late = late_codes;
        late_codes = NULL;
        out->period = atomic_load(&vmp_interp.period);
        out->jitter = atomic_load(&vmp_interp.jitter);
        take_times(out);
        vmp_interp.generation++;
        vmp_interp.freed += all_rows;
        vmp_interp_changed();
    }
    vmp_interp_unlock();
    return r;
}

static void
free_late(struct vmp_late_code *late)
{
    while (late) {
        struct vmp_late_code *const next = late->next;

        free(late);
        late = next;
    }
}

void
vmp_collect_undo(struct vmp_collected *collected)
{
    struct vmp_late_code **end = &late_codes;

    vmp_interp_lock();
    vmp_table_take(&vmp_interp.ended, &collected->table);
    while (*end)
        end = &(*end)->next;
    *end = collected->late;
    collected->late = NULL;
    vmp_interp.taken_unix_ns = collected->from_unix_ns;
    vmp_interp.taken_mono_ns = collected->from_mono_ns;
    vmp_interp_unlock();
    vmp_collected_free(collected);
}

void
vmp_collected_free(struct vmp_collected *collected)
{
    vmp_interp_lock();
    vmp_table_clear(&collected->table);
    vmp_interp_unlock();
    free_late(collected->late);
    collected->late = NULL;
}

static uint32_t
count_of(const struct vmp_table *table, uint64_t code)
{
    uint32_t rows = 0;

    for (const struct vmp_row *row = vmp_table_first_of(table, code); row;
         row = vmp_table_next_of(table, row))
        rows++;
    return rows;
}

static void
take_of(struct vmp_table *to, const struct vmp_table *from, uint64_t code)
{
    for (struct vmp_row *row = vmp_table_first_of(from, code); row;
         row = vmp_table_next_of(from, row))
        vmp_table_take_row(to, row);
}

/* Hits that a VM has counted, of a code that does not run any more. */
static void
take_counters(struct vmp_table *out, uint64_t code)
{
    for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next) {
        vmp_hit_counters_take_of(&h->counters, out, code);
        vmp_hit_counters_forget(&h->counters, code);
    }
}

/* The hits of one code. Returns how many rows there were of it. */
static uint32_t
take_code(struct vmp_table *out, uint64_t code)
{
    uint32_t rows = count_of(&vmp_interp.ended, code);

    for (struct vmp_hits *h = vmp_interp.threads; h; h = h->next) {
        const uint32_t own = count_of(&h->table, code);

        if (own)
            vmp_hits_drop_cells(h, code);
        vmp_hits_drop_sites(h, code);
        rows += own + (uint32_t)vmp_hit_counters_busy_of(&h->counters, code);
    }
    if (!rows || vmp_table_reserve(out, rows) < 0) {
        take_counters(&vmp_interp.ended, code);
        return 0;
    }
    take_counters(out, code);
    for (const struct vmp_hits *h = vmp_interp.threads; h; h = h->next)
        take_of(out, &h->table, code);
    take_of(out, &vmp_interp.ended, code);
    return rows;
}

static struct vmp_late_code *
describe(uint64_t code)
{
    char name[VMPROF_NAME_SIZE];
    struct vmp_late_code *made;
    size_t size;

    vmp_code_ask_name(code);
    size = vmp_code_name(code, name);
    made = malloc(sizeof(*made) + size + 1);
    if (!made)
        return NULL;
    made->code = code;
    made->hash = vmp_interp_hash(vmp_interp_class_of(code), code);
    memcpy(made->name, name, size);
    made->name[size] = 0;
    return made;
}

void
vmp_interp_forget_code(uint64_t code)
{
    struct vmp_late_code *late = NULL;
    struct vmp_table own = { 0 };
    uint32_t rows;

    vmp_interp_lock();
    rows = take_code(&own, code);
    vmp_interp_unlock();
    if (!rows)
        return;

    for (uint32_t i = 0; i < own.count; i++) {
        struct vmp_row *const row = vmp_table_row(&own, i);

        row->line = vmp_interp_line(row->functions, code, row->offset);
    }
    if (own.count)
        late = describe(code);

    vmp_interp_lock();
    vmp_interp.freed += rows;
    vmp_table_take(&vmp_interp.ended, &own);
    vmp_table_clear(&own);
    if (late && vmp_table_first_of(&vmp_interp.ended, code)) {
        late->next = late_codes;
        late_codes = late;
        late = NULL;
    }
    vmp_interp_unlock();
    free(late);
}
