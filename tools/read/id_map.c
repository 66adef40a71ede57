/* SPDX-License-Identifier: MIT */

#include "id_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

int
id_map_set(struct id_map *map, unsigned kind, uint64_t id, uint32_t value)
{
    bool is_new;
    const int64_t number = vmp_intern(&map->ids, id, kind, &is_new);

    if (number < 0 || grow_array((void **)&map->values, &map->capacity,
                                 (uint32_t)number, sizeof(*map->values)))
        return -ENOMEM;
    map->values[number] = value;
    return 0;
}

uint32_t
id_map_get(const struct id_map *map, unsigned kind, uint64_t id)
{
    const int64_t number = vmp_intern_find(&map->ids, id, kind);

    return number < 0 ? 0 : map->values[number];
}

void
id_map_free(struct id_map *map)
{
    vmp_intern_free(&map->ids);
    free(map->values);
    memset(map, 0, sizeof(*map));
}
