/* SPDX-License-Identifier: MIT */

/* /proc/self/maps: what is mapped where. The writer's alone. */
#ifndef VMP_MAPS_H
#define VMP_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Their text; all zero is empty. */
struct vmp_maps {
    char *text;
    size_t size;
};

/* A line of them. */
struct vmp_mapping {
    uint64_t start, end, offset, device, inode;
    bool is_code;
    char *path; /* in the text */
};

/* Returns false if they cannot be read. */
bool
vmp_maps_read(struct vmp_maps *maps);

/* Take the line at `at`, at first the text, and go behind it; false at the end.
 */
bool
vmp_maps_next(char **at, struct vmp_mapping *mapping);

#endif
