/* SPDX-License-Identifier: MIT */

#include "maps.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FIRST_TEXT = 32 << 10,
};

bool
vmp_maps_read(struct vmp_maps *maps)
{
    const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got = 1;

    if (file < 0)
        return false;
    while (got > 0) {
        if (maps->size - used < FIRST_TEXT / 2) {
            const size_t size = maps->size ? 2 * maps->size : FIRST_TEXT;
            char *const grown = realloc(maps->text, size);
            if (!grown)
                break;
            maps->text = grown;
            maps->size = size;
        }
        got = read(file, maps->text + used, maps->size - used - 1);
        used += got > 0 ? (size_t)got : 0;
    }
    close(file);
    if (got == 0)
        maps->text[used] = 0;
    return got == 0 && used > 0;
}

bool
vmp_maps_next(char **at, struct vmp_mapping *mapping)
{
    char *line = *at, *end = strchr(line, '\n');
    char *rest;

    if (!end)
        return false;
    *end = 0;
    *at = end + 1;
    mapping->start = strtoull(line, &rest, 16);
    mapping->end = strtoull(rest + 1, &rest, 16);
    mapping->is_code = strnlen(rest, 5) == 5 && rest[3] == 'x';
    mapping->offset = strtoull(rest + 5, &rest, 16);
    mapping->device = strtoull(rest, &rest, 16) << 32;
    if (*rest == ':')
        mapping->device |= strtoull(rest + 1, &rest, 16);
    mapping->inode = strtoull(rest, &rest, 10);
    mapping->path = rest + strspn(rest, " ");
    return true;
}
