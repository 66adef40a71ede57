/* SPDX-License-Identifier: MIT */

/*
 * A program whose threads know where their CPU time went, and engines that are
 * to find it out. main.c runs one mix under one engine.
 */
#ifndef ACCURACY_H
#define ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <vmprof/vmprof.h>

enum function {
    FUNCTION_RUN, /* the loop that calls the others */
    FUNCTION_A,
    FUNCTION_B,
    FUNCTION_COUNT,
};

/* What a run is asked for. */
struct plan {
    const char *mix, *engine;
    unsigned threads;
    double seconds; /* of CPU time, of all threads together */
    uint64_t interval_ns;
};

enum {
    MOST_THREADS = 64, /* at once */
};

/* What was found of a thread. */
struct share {
    uint64_t samples, sampled_ns;
};

/* One thread, and what is true of it. Times in nanoseconds. */
struct worker {
    const struct plan *plan;
    struct vmprof_thread *vmprof;
    pid_t tid;
    enum function current;
    uint64_t since_ns; /* on its CPU clock: when that began */
    uint64_t begun_ns;
    uint64_t truth_ns[FUNCTION_COUNT];
    uint64_t rusage_ns;      /* by getrusage(), while it was attached */
    uint64_t most_rusage_ns; /* and with attaching and detaching */
    uint64_t random;
    struct share found; /* if there are few workers and the engine tells */
};

/* What an engine found. */
struct outcome {
    uint64_t samples;
    double squares; /* the sum of their weights', in square nanoseconds */
    uint64_t found_ns[FUNCTION_COUNT];
    uint64_t unknown_ns; /* sampled, but in none of the functions */
    uint64_t profile_ns; /* CPU time as the profile has it, unsampled included;
                            0: it does not say */
    struct worker *workers;
    size_t count;
};

struct engine {
    const char *name;
    /* 0, or a negative errno: not on this machine, or with this build. */
    int (*start)(const struct plan *plan);
    int (*stop)(const struct plan *plan, struct outcome *outcome);
    void (*join)(void); /* on each thread that is to be profiled; or NULL */
};

/* work.c */
uint64_t
read_clock_ns(clockid_t clock);
void
calibrate(void);
void
worker_begin(struct worker *worker);
void
worker_end(struct worker *worker);
/* Around what does not poll, as doc/embedding.md says. */
vmprof_token
begin_native(struct worker *worker, enum function function);
void
end_native(struct worker *worker, vmprof_token token);
/* Compute in A or B until it has used so much CPU time. */
void
burn(struct worker *worker, enum function function, uint64_t ns);
/* The same by system calls. */
void
call_kernel(struct worker *worker, enum function function, uint64_t ns);
/* Which function an instruction belongs to. */
enum function
function_at(uintptr_t address);
vmprof_code_id
function_code(enum function function);
/* FUNCTION_COUNT: none. */
enum function
function_named(const char *full_name);

/* mixes.c: the body of a thread. NULL: no such mix. */
typedef void
mix(struct worker *worker);
mix *
find_mix(const char *name);

/* engines.c, gperftools.c */
const struct engine *
find_engine(const char *name);
extern const struct engine gperftools;

#endif
