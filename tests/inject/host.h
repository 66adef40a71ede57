/* SPDX-License-Identifier: MIT */

/* A host whose library calls fail, and what it shares with its tracer. */
#ifndef HOST_H
#define HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum phase {
    BEFORE,
    ENABLE,
    RUNNING,
    DISABLE,
    AFTER
};

enum {
    HOST_THREADS = 3,
};

/* Where a profile is written to. */
enum output {
    INTO_FILE,
    INTO_PIPE,
    INTO_SOCKET,
};

/* How a host profiles: each is there for calls that no other one makes. */
struct way {
    const char *name;
    uint32_t mode, clock, native, format, log_parts;
    enum output output;
    bool has_events; /* of its program and of traces */
};

extern const struct way host_ways[];
extern const unsigned host_way_count;

/* What the host itself leaks, to show that it would be noticed. */
enum leak {
    NO_LEAK,
    LEAKS_DESCRIPTOR,
    LEAKS_MEMORY,
    LEAKS_MAPPING,
    LEAKS
};

struct host {
    unsigned way;
    enum leak leak;
    atomic_int phase;
    atomic_bool is_safe; /* nothing may fail */
    /* Of the host's own threads: the rest are the library's. */
    atomic_int tids[HOST_THREADS];
    atomic_bool in_library[HOST_THREADS];

    /* Allocations of the library: which one fails, by phase. */
    int failing_phase;
    unsigned failing_allocation;
    atomic_uint allocations;
    atomic_bool failed;
};

/* Body of the child: a session in which something may fail, and one in which
 * nothing does. Exits with 1 if more came of it than an error. */
void
host_run(struct host *host);

#endif
