/* SPDX-License-Identifier: MIT */

#include "arena.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    CHUNK_SIZE = 1 << 20,
    MOST_CHUNKS = 64,
    /* Not next to LuaJIT's own, where its next piece is to go. */
    DISTANCE = 64 << 20,
    TRIES = 256,
    /* A jump goes 2 GiB far; LuaJIT's pieces are within 1 GiB of each other. */
    REACH = 512 << 20,
};

struct arena {
    uint8_t *chunks[MOST_CHUNKS];
    size_t used[MOST_CHUNKS];
    int count, open;
};

struct arena *
vmprof_luajit_arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

static uint8_t *
map_at(uintptr_t address)
{
    void *const map =
        mmap((void *)address, CHUNK_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    if (map == MAP_FAILED)
        return NULL;
    /* Kernels before 4.17 take the address for a hint. */
    if (map != (void *)address) {
        munmap(map, CHUNK_SIZE);
        return NULL;
    }
    return map;
}

static uint8_t *
map_near(uintptr_t near)
{
    const uintptr_t from = near & ~(uintptr_t)(CHUNK_SIZE - 1);
    uint8_t *map = NULL;

    for (uintptr_t i = 0; !map && i < TRIES; i++) {
        const uintptr_t distance = DISTANCE + i * CHUNK_SIZE;

        if (from > distance)
            map = map_at(from - distance);
        if (!map)
            map = map_at(from + distance);
    }
    return map;
}

static int
is_near(const uint8_t *chunk, const uint8_t *near)
{
    const intptr_t distance = near - chunk;

    return distance < REACH && distance > -(intptr_t)REACH;
}

static int
add_chunk(struct arena *arena, const void *near)
{
    uint8_t *const chunk =
        arena->count < MOST_CHUNKS ? map_near((uintptr_t)near) : NULL;

    if (!chunk)
        return -1;
    arena->chunks[arena->count] = chunk;
    arena->used[arena->count] = 0;
    return arena->count++;
}

uint8_t *
vmprof_luajit_arena_open(struct arena *arena, size_t size, const void *near)
{
    int i;

    if (size > CHUNK_SIZE)
        return NULL;
    for (i = 0; i < arena->count; i++)
        if (is_near(arena->chunks[i], near) &&
            CHUNK_SIZE - arena->used[i] >= size)
            break;
    if (i == arena->count)
        i = add_chunk(arena, near);
    if (i < 0 ||
        mprotect(arena->chunks[i], CHUNK_SIZE, PROT_READ | PROT_WRITE) < 0)
        return NULL;
    arena->open = i;
    return arena->chunks[i] + arena->used[i];
}

int
vmprof_luajit_arena_close(struct arena *arena, uint8_t *end)
{
    uint8_t *const chunk = arena->chunks[arena->open];

    /* What comes next begins in a line of its own. */
    arena->used[arena->open] = ((size_t)(end - chunk) + 63) & ~(size_t)63;
    __builtin___clear_cache((char *)chunk, (char *)end);
    if (mprotect(chunk, CHUNK_SIZE, PROT_READ | PROT_EXEC) < 0)
        return -errno;
    return 0;
}

void
vmprof_luajit_arena_clear(struct arena *arena)
{
    for (int i = 0; i < arena->count; i++)
        arena->used[i] = 0;
}

void
vmprof_luajit_arena_free(struct arena *arena)
{
    if (!arena)
        return;
    for (int i = 0; i < arena->count; i++)
        munmap(arena->chunks[i], CHUNK_SIZE);
    free(arena);
}
