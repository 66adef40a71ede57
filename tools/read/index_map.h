/* SPDX-License-Identifier: MIT */

/*
 * From a session's indexes to the profile's. Usually one row from 0 up; after
 * each gap, where chunks are missing, another row begins, so that memory
 * follows what was read and not what indexes claim.
 */
#ifndef READ_INDEX_MAP_H
#define READ_INDEX_MAP_H

#include <stdbool.h>
#include <stdint.h>

#define INDEX_LOST UINT32_MAX

struct index_row {
    uint64_t first;
    uint32_t *values;
    uint32_t count, capacity;
    bool consecutive; /* from the second on each value is the next */
};

/* All zero is a map of 0 to 0. */
struct index_map {
    struct index_row *rows;
    uint32_t count, capacity;
};

/*
 * Begin to add at index `first`. Returns 0, -ENOMEM, or -EBADMSG if that is not
 * behind all that was added before.
 */
int
index_map_begin(struct index_map *map, uint64_t first);

/* Add the next one. Returns 0 or -ENOMEM. */
int
index_map_add(struct index_map *map, uint32_t value);

/* INDEX_LOST for an index that was never added. */
uint32_t
index_map_get(const struct index_map *map, uint64_t index);

void
index_map_free(struct index_map *map);

#endif
