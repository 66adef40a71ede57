/* SPDX-License-Identifier: MIT */

/*
 * Anyone may write to /tmp, so a map counts only if it is a plain file of our
 * own or of root, and its size says nothing about the memory to take.
 */
#include "perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ranges.h"

enum {
    MAX_ENTRIES = 4 * 1024 * 1024,
    MAX_LINE = 64 * 1024,
};

struct perf_map {
    struct ranges ranges;
    char **names;
    uint32_t count, capacity;
};

static const char *
distrust(const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "is not a regular file";
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return "belongs to another user";
    return NULL;
}

static FILE *
open_file(const char *path, const char **reason)
{
    const int fd =
        open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    FILE *file;

    *reason = NULL;
    if (fd < 0) {
        if (errno == ELOOP)
            *reason = "is a symbolic link";
        else if (errno != ENOENT)
            *reason = "cannot be opened";
        return NULL;
    }
    *reason = fstat(fd, &status) ? "cannot be read" : distrust(&status);
    file = *reason ? NULL : fdopen(fd, "r");
    if (!file)
        close(fd);
    return file;
}

static int
add_name(struct perf_map *map, const char *name)
{
    char *copy;

    if (map->count == map->capacity) {
        const uint32_t more = map->capacity ? map->capacity * 2 : 64;
        char **bigger = reallocarray(map->names, more, sizeof(*bigger));

        if (!bigger)
            return -ENOMEM;
        map->names = bigger;
        map->capacity = more;
    }
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    map->names[map->count++] = copy;
    return 0;
}

/* "START SIZE NAME", hexadecimal. What is not of that form is passed over. */
static int
add_line(struct perf_map *map, char *line)
{
    char *end, *name;
    const uint64_t start = strtoull(line, &end, 16);
    uint64_t size;

    if (end == line || *end != ' ')
        return 0;
    size = strtoull(end, &name, 16);
    if (name == end || *name != ' ' || !size || size > UINT64_MAX - start)
        return 0;
    name += strspn(name, " ");
    name[strcspn(name, "\n")] = '\0';
    if (!*name)
        return 0;
    /* Memory is used again: what was said last counts. */
    if (ranges_add(&map->ranges, start, start + size, 0, map->count))
        return -ENOMEM;
    return add_name(map, name);
}

/* A longer line than any name is read on, but kept only up to there. */
static int
read_file(struct perf_map *map, FILE *file)
{
    char *line = malloc(MAX_LINE);
    bool is_start = true;
    int result = line ? 0 : -ENOMEM;

    while (!result && map->count < MAX_ENTRIES && fgets(line, MAX_LINE, file)) {
        const bool is_end = strchr(line, '\n') != NULL;

        if (is_start)
            result = add_line(map, line);
        is_start = is_end;
    }
    free(line);
    return result ? result : ranges_finish(&map->ranges);
}

struct perf_map *
perf_map_open(uint64_t pid, char **path, const char **reason)
{
    struct perf_map *map = NULL;
    FILE *file = NULL;

    *reason = NULL;
    if (asprintf(path, "/tmp/perf-%" PRIu64 ".map", pid) < 0)
        *path = NULL;
    else
        file = open_file(*path, reason);
    if (!file)
        return NULL;
    map = calloc(1, sizeof(*map));
    if (!map || read_file(map, file)) {
        perf_map_close(map);
        map = NULL;
        *reason = "needs more memory than there is";
    }
    fclose(file);
    return map;
}

const char *
perf_map_find(const struct perf_map *map, uint64_t address)
{
    uint32_t number;

    return ranges_find(&map->ranges, address, &number) ? map->names[number]
                                                       : NULL;
}

void
perf_map_close(struct perf_map *map)
{
    if (!map)
        return;
    for (uint32_t i = 0; i < map->count; i++)
        free(map->names[i]);
    free(map->names);
    ranges_free(&map->ranges);
    free(map);
}
