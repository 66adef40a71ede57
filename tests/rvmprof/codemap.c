/* SPDX-License-Identifier: MIT */

#include "codemap.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/rvmprof.h>

#include "isolate.h"

struct map {
    struct map *volatile next;
    unsigned long address;
    unsigned size, length;
    long list[];
};

static struct map *volatile maps;
static pthread_mutex_t gil = PTHREAD_MUTEX_INITIALIZER;

void
rpy_gil_acquire(void)
{
    require(pthread_mutex_lock(&gil) == 0);
}

void
rpy_gil_release(void)
{
    require(pthread_mutex_unlock(&gil) == 0);
}

/* Those that look are sent away meanwhile, so it is done in two steps in which
 * the list is of no use. */
void
pypy_jit_codemap_add(unsigned long address, unsigned size, const long *list,
                     unsigned length)
{
    struct map *const map = malloc(sizeof(*map) + length * sizeof(*list));

    require(map != NULL);
    map->address = address;
    map->size = size;
    map->length = length;
    memcpy(map->list, list, length * sizeof(*list));
    rpy_gil_acquire();
    vmprof_ignore_signals(1);
    map->next = (struct map *)1;
    struct map *const before = maps;
    maps = map;
    map->next = before;
    vmprof_ignore_signals(0);
    rpy_gil_release();
}

void
pypy_jit_codemap_del(unsigned long address)
{
    struct map *volatile *link, *found;

    rpy_gil_acquire();
    vmprof_ignore_signals(1);
    for (link = &maps; (*link)->address != address;)
        link = &(*link)->next;
    found = *link;
    *link = found->next;
    vmprof_ignore_signals(0);
    rpy_gil_release();
    memset(found, 0xdd, sizeof(*found));
    free(found);
}

void *
pypy_find_codemap_at_addr(long address, long *start)
{
    struct map *map = maps;

    while (map && (unsigned long)address - map->address >= map->size)
        map = map->next;
    *start = map ? (long)map->address : 0;
    return map;
}

long
pypy_yield_codemap_at_addr(void *raw, long address, long *position)
{
    const struct map *const map = raw;
    const long at = address - (long)map->address;
    long i = *position;

    while (i < (long)map->length && map->list[i + 1] <= at) {
        if (at < map->list[i + 2]) {
            *position = i + 4;
            return map->list[i];
        }
        i = map->list[i + 3];
    }
    return -1;
}
