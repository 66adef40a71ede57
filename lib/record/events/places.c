/* SPDX-License-Identifier: MIT */

#include "places.h"

#include <errno.h>
#include <stdlib.h>

#include "../code.h"
#include "events.h"

enum {
    FIRST_SIZE = 64,
};

struct place {
    atomic_uint_least64_t code; /* 0: free. Written last, and never again */
    uint64_t offset;
    uint64_t kind;
    atomic_uint_least64_t bits;
};

struct vmp_places_table {
    uint64_t size; /* a power of two */
    uint64_t used;
    struct place places[];
};

static uint64_t
hash(uint64_t code, uint64_t offset, uint32_t kind)
{
    uint64_t h = (code ^ (uint64_t)kind << 57) * 0x9e3779b97f4a7c15;

    h = (h ^ h >> 29 ^ offset) * 0xbf58476d1ce4e5b9;
    return h ^ h >> 32;
}

/* Where a place is, or where it would be put: there is always a free one, which
 * may not stay so for who has no lock. */
static struct place *
find(struct vmp_places_table *table, uint64_t code, uint64_t offset,
     uint32_t kind, bool *is_there)
{
    for (uint64_t i = hash(code, offset, kind);; i++) {
        struct place *const place = &table->places[i & (table->size - 1)];
        const uint64_t found =
            atomic_load_explicit(&place->code, memory_order_acquire);

        *is_there =
            found == code && place->offset == offset && place->kind == kind;
        if (*is_there || !found)
            return place;
    }
}

uint64_t
vmp_places_get(struct vmp_places *places, uint64_t code, uint64_t offset,
               uint32_t kind)
{
    struct vmp_places_table *const table =
        atomic_load_explicit(&places->table, memory_order_acquire);
    struct place *place;
    bool is_there;

    if (!table || !code)
        return 0;
    place = find(table, code, offset, kind, &is_there);
    return is_there ? atomic_load_explicit(&place->bits, memory_order_acquire)
                    : 0;
}

static void
put(struct vmp_places_table *table, struct place *place, uint64_t code,
    uint64_t offset, uint32_t kind)
{
    place->offset = offset;
    place->kind = kind;
    atomic_store_explicit(&place->code, code, memory_order_release);
    table->used++;
}

/* What still says something: bits, of a code that lives. */
static bool
is_worth_keeping(const struct place *place)
{
    const uint64_t code = atomic_load(&place->code);

    return code && atomic_load(&place->bits) && vmp_code_is_alive(code);
}

static uint64_t
count_kept(const struct vmp_places_table *table)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; table && i < table->size; i++)
        kept += is_worth_keeping(&table->places[i]);
    return kept;
}

/* A table that is at most a quarter full with what is worth it. */
static struct vmp_places_table *
make_room(struct vmp_places *places)
{
    struct vmp_places_table *const old = atomic_load(&places->table);
    const uint64_t kept = count_kept(old);
    struct vmp_places_table *table;
    uint64_t size = old ? old->size : FIRST_SIZE;

    while (size < 4 * (kept + 1))
        size *= 2;
    if (size > (SIZE_MAX - sizeof(*table)) / sizeof(table->places[0]))
        return NULL;
    table = calloc(1, sizeof(*table) + (size_t)size * sizeof(table->places[0]));
    if (!table)
        return NULL;
    table->size = size;
    for (uint64_t i = 0; old && i < old->size; i++) {
        const struct place *const from = &old->places[i];
        const uint64_t code = atomic_load(&from->code);
        struct place *to;
        bool is_there;

        if (!is_worth_keeping(from))
            continue;
        to = find(table, code, from->offset, (uint32_t)from->kind, &is_there);
        atomic_store(&to->bits, atomic_load(&from->bits));
        put(table, to, code, from->offset, (uint32_t)from->kind);
    }
    atomic_store_explicit(&places->table, table, memory_order_release);
    vmp_events_await(VMP_EVENTS_READING);
    free(old);
    return table;
}

int
vmp_places_change(struct vmp_places *places, uint64_t code, uint64_t offset,
                  uint32_t kind, uint64_t clear, uint64_t set)
{
    struct vmp_places_table *table = atomic_load(&places->table);
    struct place *place;
    bool is_there;

    if (!table || table->used * 2 >= table->size)
        table = make_room(places);
    if (!table)
        return -ENOMEM;
    place = find(table, code, offset, kind, &is_there);
    if (!is_there) {
        if (!set)
            return 0;
        put(table, place, code, offset, kind);
    }
    atomic_store(&place->bits, (atomic_load(&place->bits) & ~clear) | set);
    return 0;
}

void
vmp_places_clear(struct vmp_places *places, uint64_t bits)
{
    struct vmp_places_table *const table = atomic_load(&places->table);

    for (uint64_t i = 0; table && i < table->size; i++)
        atomic_fetch_and(&table->places[i].bits, ~bits);
}

void
vmp_places_each(struct vmp_places *places,
                void (*visit)(void *user, uint64_t code, uint64_t offset,
                              uint32_t kind, uint64_t bits),
                void *user)
{
    struct vmp_places_table *const table = atomic_load(&places->table);

    for (uint64_t i = 0; table && i < table->size; i++) {
        const struct place *const place = &table->places[i];
        const uint64_t code = atomic_load(&place->code);
        const uint64_t bits = atomic_load(&place->bits);

        if (code && bits)
            visit(user, code, place->offset, (uint32_t)place->kind, bits);
    }
}

void
vmp_places_drop(struct vmp_places *places, uint64_t offset, uint32_t kind)
{
    struct vmp_places_table *const table = atomic_load(&places->table);

    for (uint64_t i = 0; table && i < table->size; i++)
        if (atomic_load(&table->places[i].code) &&
            table->places[i].offset == offset && table->places[i].kind == kind)
            atomic_store(&table->places[i].bits, 0);
}
