/* SPDX-License-Identifier: MIT */

/* Memory for machine code of ours, within reach of LuaJIT's. Never writable and
   executable at once. */
#ifndef LUAJIT_SHIM_ARENA_H
#define LUAJIT_SHIM_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* Returns NULL for want of memory. */
struct arena *
vmprof_luajit_arena_new(void);

/* So many bytes, to be written, whose jumps reach `near`; NULL if there are
   none. Nothing in the arena can run until it is closed. */
uint8_t *
vmprof_luajit_arena_open(struct arena *arena, size_t size, const void *near);

/* What is before `end` is kept, and can run. Returns 0 or a negative errno. */
int
vmprof_luajit_arena_close(struct arena *arena, uint8_t *end);

/* All of it is free again. */
void
vmprof_luajit_arena_clear(struct arena *arena);

void
vmprof_luajit_arena_free(struct arena *arena);

#endif
