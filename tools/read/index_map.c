/* SPDX-License-Identifier: MIT */

#include "index_map.h"

#include <errno.h>
#include <stdlib.h>

#include "store.h"

static int
add_row(struct index_map *map, uint64_t first)
{
    if (grow_array((void **)&map->rows, &map->capacity, map->count,
                   sizeof(*map->rows)))
        return -ENOMEM;
    map->rows[map->count++] = (struct index_row){
        .first = first,
        .consecutive = true,
    };
    return 0;
}

static uint64_t
next_index(const struct index_map *map)
{
    const struct index_row *last;

    if (!map->count)
        return 0;
    last = &map->rows[map->count - 1];
    return last->first + last->count;
}

/* Index 0 is never written, and always there. */
static int
add_zero(struct index_map *map)
{
    const int result = add_row(map, 0);

    return result ? result : index_map_add(map, 0);
}

int
index_map_begin(struct index_map *map, uint64_t first)
{
    if (!map->count && add_zero(map))
        return -ENOMEM;
    /* An index is at most 2^63, so that adding to it never wraps. */
    if (first < next_index(map) || first > INT64_MAX)
        return -EBADMSG;
    return first == next_index(map) ? 0 : add_row(map, first);
}

int
index_map_add(struct index_map *map, uint32_t value)
{
    struct index_row *row = &map->rows[map->count - 1];

    if (grow_array((void **)&row->values, &row->capacity, row->count,
                   sizeof(*row->values)))
        return -ENOMEM;
    if (row->count > 1 && value != row->values[row->count - 1] + 1)
        row->consecutive = false;
    row->values[row->count++] = value;
    return 0;
}

uint32_t
index_map_get(const struct index_map *map, uint64_t index)
{
    uint32_t low = 0, high = map->count;

    if (index == 0)
        return 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct index_row *row = &map->rows[middle];
        if (index < row->first)
            high = middle;
        else if (index - row->first < row->count)
            return row->values[index - row->first];
        else
            low = middle + 1;
    }
    return INDEX_LOST;
}

void
index_map_free(struct index_map *map)
{
    for (uint32_t i = 0; i < map->count; i++)
        free(map->rows[i].values);
    free(map->rows);
    *map = (struct index_map){ 0 };
}
