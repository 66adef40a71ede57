/* SPDX-License-Identifier: MIT */

#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "types.h"

enum {
    FIRST_CAPACITY = 64,
    FREED_SHARE = 16, /* of the rows */
};

static uint64_t
take(struct vmp_counter *counter)
{
    const uint64_t now = __atomic_load_n(&counter->value, __ATOMIC_RELAXED);
    const uint64_t amount = now - counter->taken;

    counter->taken = now;
    return amount;
}

static bool
is_taken(const struct vmp_counter *counter)
{
    return __atomic_load_n(&counter->value, __ATOMIC_RELAXED) == counter->taken;
}

static bool
is_free(const struct vmp_row *row)
{
    for (uint32_t i = 0; i < row->tuple_count; i++)
        if (!is_taken(&vmp_row_tuple(row, i)->hits))
            return false;
    return is_taken(&row->untyped) && is_taken(&row->other) &&
           is_taken(&row->extra);
}

struct vmp_tuple *
vmp_row_match(struct vmp_row *row, const vmprof_type_id *types, uint32_t count)
{
    for (uint32_t i = 0; i < row->tuple_count; i++) {
        struct vmp_tuple *const tuple = vmp_row_tuple(row, i);

        if (tuple->types[0] == types[0] && tuple->types[1] == types[1] &&
            tuple->count == count &&
            (count <= 2 ||
             memcmp(tuple->types, types, count * sizeof(*types)) == 0))
            return tuple;
    }
    return NULL;
}

struct vmp_tuple *
vmp_row_add(const struct vmp_table *table, struct vmp_row *row,
            const vmprof_type_id *types, uint32_t count)
{
    struct vmp_tuple *tuple;

    if (row == &table->unplaced || row->tuple_count == table->tuples)
        return NULL;
    tuple = vmp_row_tuple(row, row->tuple_count++);
    memset(tuple, 0, sizeof(*tuple));
    tuple->count = count;
    memcpy(tuple->types, types, count * sizeof(*types));
    for (uint32_t i = 0; i < count; i++)
        vmp_type_hold(types[i]);
    return tuple;
}

static void
release_types(const struct vmp_tuple *tuple)
{
    for (uint32_t i = 0; i < tuple->count; i++)
        vmp_type_release(tuple->types[i]);
}

static void
put_in_index(struct vmp_table *table, uint32_t index)
{
    struct vmp_row *const row = vmp_table_row(table, index);
    uint32_t i = vmp_table_hash(row->code, row->offset) & table->mask;
    uint32_t *const bucket =
        &table->buckets[vmp_table_hash(row->code, 0) & table->mask];

    while (table->slots[i])
        i = (i + 1) & table->mask;
    table->slots[i] = index + 1;
    row->next = *bucket;
    *bucket = index + 1;
}

/* An empty table with room for so many rows. */
static int
make(struct vmp_table *table, uint32_t capacity, uint32_t tuples)
{
    uint32_t slots = FIRST_CAPACITY;

    while (slots < capacity + capacity / 2)
        slots *= 2;
    memset(table, 0, sizeof(*table));
    table->tuples = tuples;
    table->stride = sizeof(struct vmp_row) + tuples * sizeof(struct vmp_tuple);
    table->rows = malloc(capacity * table->stride);
    table->slots = calloc(2 * (size_t)slots, sizeof(*table->slots));
    if (!table->rows || !table->slots) {
        free(table->rows);
        free(table->slots);
        memset(table, 0, sizeof(*table));
        return -ENOMEM;
    }
    table->buckets = table->slots + slots;
    table->mask = slots - 1;
    table->capacity = capacity;
    return 0;
}

static struct vmp_row *
append(struct vmp_table *table, uint64_t code, uint64_t offset, uint32_t opcode,
       const struct vmp_interp_class *functions)
{
    struct vmp_row *const row = vmp_table_row(table, table->count);

    memset(row, 0, sizeof(*row));
    row->code = code;
    row->offset = offset;
    row->opcode = opcode;
    row->functions = functions;
    put_in_index(table, table->count++);
    return row;
}

static void
add_row(struct vmp_row *to, uint64_t untyped, uint64_t other, uint64_t extra)
{
    vmp_counter_add(&to->untyped, untyped);
    vmp_counter_add(&to->other, other);
    vmp_counter_add(&to->extra, extra);
}

void
vmp_table_take_row(struct vmp_table *to, struct vmp_row *row)
{
    struct vmp_row *target;

    if (is_free(row))
        return;
    target = vmp_table_find(to, row->code, row->offset);
    if (!target && row->code)
        target = vmp_table_add(to, row->code, row->offset, row->opcode,
                               row->functions);
    if (!target)
        target = &to->unplaced;
    else if (row->line)
        target->line = row->line;
    add_row(target, take(&row->untyped), take(&row->other), take(&row->extra));
    for (uint32_t i = 0; i < row->tuple_count; i++) {
        struct vmp_tuple *const tuple = vmp_row_tuple(row, i);
        const uint64_t hits = take(&tuple->hits);
        struct vmp_tuple *same;

        if (!hits)
            continue;
        same = vmp_row_match(target, tuple->types, tuple->count);
        if (!same)
            same = vmp_row_add(to, target, tuple->types, tuple->count);
        vmp_counter_add(same ? &same->hits : &target->other, hits);
    }
}

bool
vmp_table_add_hits(struct vmp_table *table, const struct vmp_known_hits *known,
                   uint64_t hits)
{
    struct vmp_row *row = vmp_table_find(table, known->code, known->offset);
    struct vmp_counter *counter;

    if (!row && known->code) {
        row = vmp_table_add(table, known->code, known->offset, known->opcode,
                            known->functions);
        if (!row && table->is_fixed)
            return false;
    }
    if (!row)
        row = &table->unplaced;
    counter = known->count ? &row->other : &row->untyped;
    if (known->count) {
        struct vmp_tuple *tuple =
            vmp_row_match(row, known->types, known->count);

        if (!tuple)
            tuple = vmp_row_add(table, row, known->types, known->count);
        if (tuple)
            counter = &tuple->hits;
    }
    vmp_counter_add(counter, hits);
    return true;
}

void
vmp_table_take(struct vmp_table *to, struct vmp_table *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        vmp_table_take_row(to, vmp_table_row(from, i));
    add_row(&to->unplaced, take(&from->unplaced.untyped),
            take(&from->unplaced.other), take(&from->unplaced.extra));
}

void
vmp_table_clear(struct vmp_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct vmp_row *const row = vmp_table_row(table, i);

        for (uint32_t j = 0; j < row->tuple_count; j++)
            release_types(vmp_row_tuple(row, j));
    }
    free(table->rows);
    free(table->slots);
    memset(table, 0, sizeof(*table));
}

/* Into a table of another size. Without memory all stays as it is. */
static void
resize(struct vmp_table *table, uint32_t capacity)
{
    struct vmp_table made;

    if (make(&made, capacity, vmp_interp.limits.tuples) < 0)
        return;
    made.freed = vmp_interp.freed;
    vmp_table_take(&made, table);
    vmp_table_clear(table);
    *table = made;
}

static uint32_t
count_busy(const struct vmp_table *table)
{
    uint32_t busy = 0;

    for (uint32_t i = 0; i < table->count; i++)
        busy += !is_free(vmp_table_row(table, i));
    return busy;
}

void
vmp_table_tidy(struct vmp_table *table)
{
    const uint32_t busy = count_busy(table);
    uint32_t capacity = FIRST_CAPACITY;

    while (capacity < busy)
        capacity *= 2;
    if (table->rows)
        resize(table, capacity);
}

/* Whether it is worth looking for rows that have become free. */
static bool
may_be_free(const struct vmp_table *table)
{
    return table->rows &&
           vmp_interp.freed - table->freed > table->count / FREED_SHARE;
}

/* Make room for one more row. */
static bool
make_room(struct vmp_table *table)
{
    const uint32_t most = vmp_interp.limits.sites;
    uint32_t wanted = table->capacity * 2, busy = table->count;

    if (table->is_fixed)
        return false;
    if (may_be_free(table)) {
        busy = count_busy(table);
        table->freed = vmp_interp.freed;
    }
    if (busy < table->count / 2)
        wanted = table->capacity;
    if (wanted < FIRST_CAPACITY)
        wanted = FIRST_CAPACITY;
    if (wanted > most)
        wanted = most;
    if (!table->rows)
        return make(table, wanted, vmp_interp.limits.tuples) == 0;
    if (wanted > table->capacity || busy < table->count)
        resize(table, wanted);
    return table->count < table->capacity;
}

struct vmp_row *
vmp_table_add(struct vmp_table *table, uint64_t code, uint64_t offset,
              uint32_t opcode, const struct vmp_interp_class *functions)
{
    if (table->count >= table->capacity && !make_room(table))
        return NULL;
    return append(table, code, offset, opcode, functions);
}

int
vmp_table_reserve(struct vmp_table *table, uint32_t rows)
{
    const int r = make(table, rows ? rows : 1, vmp_interp.limits.tuples);

    table->is_fixed = true;
    return r;
}

static struct vmp_row *
of_code(const struct vmp_table *table, uint32_t link, uint64_t code)
{
    while (link) {
        struct vmp_row *const row = vmp_table_row(table, link - 1);

        if (row->code == code)
            return row;
        link = row->next;
    }
    return NULL;
}

struct vmp_row *
vmp_table_first_of(const struct vmp_table *table, uint64_t code)
{
    if (!table->rows)
        return NULL;
    return of_code(table, table->buckets[vmp_table_hash(code, 0) & table->mask],
                   code);
}

struct vmp_row *
vmp_table_next_of(const struct vmp_table *table, const struct vmp_row *row)
{
    return of_code(table, row->next, row->code);
}
