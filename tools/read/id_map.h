/* SPDX-License-Identifier: MIT */

/* From numbers of a file, each of some kind, to indexes; a later one wins. */
#ifndef READ_ID_MAP_H
#define READ_ID_MAP_H

#include "intern.h"

/* All zero is empty. */
struct id_map {
    struct vmp_intern ids;
    uint32_t *values;
    uint32_t capacity;
};

/* Returns 0 or -ENOMEM. */
int
id_map_set(struct id_map *map, unsigned kind, uint64_t id, uint32_t value);

/* 0: there is none. */
uint32_t
id_map_get(const struct id_map *map, unsigned kind, uint64_t id);

void
id_map_free(struct id_map *map);

#endif
