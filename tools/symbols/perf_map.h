/* SPDX-License-Identifier: MIT */

/* /tmp/perf-PID.map, in which JIT compilers say what they made and where. */
#ifndef SYMBOLS_PERF_MAP_H
#define SYMBOLS_PERF_MAP_H

#include <stdint.h>

struct perf_map;

/*
 * The map of a process. NULL: there is none, or it is not to be trusted, which
 * `reason` then says. `path` is set to its name, to be freed.
 */
struct perf_map *
perf_map_open(uint64_t pid, char **path, const char **reason);

/* NULL: not known. Good until perf_map_close(). */
const char *
perf_map_find(const struct perf_map *map, uint64_t address);

/* NULL is fine. */
void
perf_map_close(struct perf_map *map);

#endif
