/* SPDX-License-Identifier: MIT */

/*
 * The environment that `vmprof record` gives its command. Each kind of VM that
 * needs something in it has a file record_env_*.c and a line in
 * environment_prepare().
 */
#ifndef RECORD_ENVIRONMENT_H
#define RECORD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct recording {
    const char *path;     /* of the file, absolute */
    const char *interval; /* seconds, as a decimal */
    const char *mode;     /* "cpu" or "wall" */
    const char *clock;    /* "auto", "perf", "monotonic", "cpu", "observer" */
    const char *sampling; /* "auto" or "signal" */
    const char *native;   /* "copy" or "fp"; NULL: no native frames */
    const char *format;   /* "vmprof-log"; NULL: the native one */
    bool memory, lines;   /* parts of a log */
    /* Of compiled loops, as vmprof_autostart() takes them; NULL: the default. */
    const char *jit, *jit_inner, *jit_overflow;
    /* Of recorded events, likewise; NULL: none, or the default. */
    const char *events, *event_period, *event_rate;
    const char *tools; /* with commas in between; NULL: none */
};

struct environment {
    char **strings; /* as execve() takes them */
    size_t count, capacity;
};

/* A copy of this process's. Returns 0 or -ENOMEM. */
int
environment_open(struct environment *environment);

/* The value of a variable, or NULL. */
const char *
environment_get(const struct environment *environment, const char *name);

/* Set a variable to what the format says. Returns 0 or -ENOMEM. */
int
environment_set(struct environment *environment, const char *name,
                const char *format, ...) __attribute__((format(printf, 3, 4)));

void
environment_free(struct environment *environment);

/* Set all that VMs need. Returns 0 or a negative errno. */
int
environment_prepare(struct environment *environment,
                    const struct recording *recording);

/* For VMs that call vmprof_autostart(). */
int
record_env_autostart(struct environment *environment,
                     const struct recording *recording);

/* For Lua 5.4 and LuaJIT, whose shims do so. */
int
record_env_lua(struct environment *environment,
               const struct recording *recording);

#endif
