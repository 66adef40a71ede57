/* SPDX-License-Identifier: MIT */

/*
 * Events of a JIT as the sections that PyPy's plan for a profiler describes:
 * entering and leaving, each with the name of the trace. They know neither
 * threads nor calls: those of one thread are written, as if what a trace calls
 * were part of it.
 */
#ifndef EXPORT_PYPYLOG_H
#define EXPORT_PYPYLOG_H

#include <stdio.h>

#include "../read/traces.h"

/* Zeroed, but for the file. */
struct pypylog_writer {
    FILE *out;
    const struct traces *names; /* of the traces; NULL: those of the event */
    uint32_t thread;            /* of the first event */
    uint32_t running;           /* trace */
    uint32_t calls;             /* that have not returned */
    uint64_t written;
    const char *open;  /* the section that has no end yet; NULL: none */
    uint64_t open_end; /* when it ends, if nothing begins before */
    uint64_t other_threads, inside_calls, lost; /* left out */
};

/* A jit_event_function; `user` is the writer. */
int
pypylog_write(void *user, const struct traces *traces,
              const struct jit_event *event);

/* After the last event. */
void
pypylog_write_end(struct pypylog_writer *writer);

/* Say on stderr what was left out. */
void
pypylog_tell(const struct pypylog_writer *writer, const char *path);

#endif
