/* SPDX-License-Identifier: MIT */

#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes "." and "name/.." out of an absolute path, in place. */
static void
normalise(char *path)
{
    char *to = path;
    const char *from = path;

    while (*from) {
        const char *part = from + strspn(from, "/");
        const size_t size = strcspn(part, "/");

        from = part + size;
        if (size == 2 && memcmp(part, "..", 2) == 0) {
            while (to > path && *--to != '/')
                ;
        } else if (size && (size != 1 || *part != '.')) {
            *to++ = '/';
            memmove(to, part, size);
            to += size;
        }
    }
    *to = '\0';
}

static char *
join(const char *directory, const char *name)
{
    char *path;

    if (*name == '/' || !directory || *directory != '/')
        path = strdup(name);
    else if (asprintf(&path, "%s/%s", directory, name) < 0)
        path = NULL;
    if (path && *path == '/')
        normalise(path);
    return path;
}

static int
make_room(struct paths *paths, uint32_t number)
{
    const uint32_t more = paths->capacity ? paths->capacity * 2 : 64;
    char **bigger;

    if (number < paths->capacity)
        return 0;
    bigger = reallocarray(paths->paths, more, sizeof(*bigger));
    if (!bigger)
        return -1;
    paths->paths = bigger;
    paths->capacity = more;
    return 0;
}

const char *
paths_join(struct paths *paths, const char *directory, const char *name)
{
    bool is_new;
    int64_t number;

    if (!name || make_room(paths, paths->known.count))
        return name ? NULL : "";
    number = vmp_intern(&paths->known, (uintptr_t)directory, (uintptr_t)name,
                        &is_new);
    if (number < 0)
        return NULL;
    if (is_new)
        paths->paths[number] = join(directory, name);
    return paths->paths[number];
}

void
paths_free(struct paths *paths)
{
    for (uint32_t i = 0; i < paths->known.count; i++)
        free(paths->paths[i]);
    free(paths->paths);
    vmp_intern_free(&paths->known);
}
