/* SPDX-License-Identifier: MIT */

/* What is stepped through: each public path, and what samples may show. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <stdint.h>

#include <vmprof/vmprof.h>

enum {
    LETTERS = 8,
    PATH_MAX_LENGTH = 5,
};

/* The state of a tracee that an operation works on. */
struct world {
    struct vmprof_thread *thread;
    struct vmprof_code_class *code_class;
    vmprof_code_id codes[LETTERS]; /* A, B, ... */
    vmprof_token tokens[LETTERS];  /* of the last enter of each */
    struct vmprof_stack *stacks[2];
    int file; /* that is profiled into */
    /* Set by a preparation: what must hold after the operation, not stepped. */
    void (*check)(struct world *world);
};

enum operation_flags {
    UNATTACHED = 1,    /* it begins on a thread that is not attached */
    NOT_ENABLED = 2,   /* and without a session */
    NOT_ALWAYS = 4,    /* a tick need not be a sample: it is paused, or so */
    MAY_LOSE = 8,      /* a tick may find the thread busy */
    MUST_FAIL = 16,    /* it is wrong on purpose */
    LOSES_ERRNO = 32,  /* and so is the handler */
    SHALLOW = 64,      /* the stack holds two frames */
    IS_WALKED = 128,   /* the thread has a walker */
    HAS_HANDLER = 256, /* the host has a handler for the signal */
    IS_ENDLESS = 512,  /* it spins, or reads the kernel's clock
                          again and again: one run with --long */
    IS_LONG = 1024,    /* few of its ticks are alone, but with --long */
    ON_TIMER = 2048,   /* the clock is VMPROF_CLOCK_MONOTONIC */
    ON_PERF = 4096,    /* or VMPROF_CLOCK_PERF, where there is that */
};

/*
 * A stack is written as its frames, outermost first: A at its place, a without
 * one, [7] for another kind than CODE, !6 for a phase, + for missing leaves.
 */
struct operation {
    const char *name;
    const char *symbol; /* what it steps through */
    intptr_t (*run)(struct world *world);
    const char *path[PATH_MAX_LENGTH]; /* what samples show, in this order */
    unsigned flags;
    void (*prepare)(struct world *world);
};

/*
 * A run function is all that lies between the two stops, so it does one thing.
 * Where the API is inline, the function that a foreign caller finds in the
 * library is another path.
 */
struct operations {
    const struct operation *list;
    unsigned count;
};

extern const struct operations call_operations, stack_operations,
    code_operations, session_operations, interp_operations,
    candidate_operations, event_operations, jit_operations, trace_operations,
    type_operations, recorder_operations, layer_operations;

#define PATH(...)                                                              \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

/* Name the library's function. */
#define IN_LIBRARY(name) __asm__(#name)

/* What the cell of a letter holds. */
static inline uintptr_t
place_of_letter(char letter)
{
    return (uintptr_t)(letter - 'A') + 1;
}

static inline const uintptr_t *
cell(char letter)
{
    static uintptr_t cells[LETTERS];

    cells[letter - 'A'] = place_of_letter(letter);
    return &cells[letter - 'A'];
}

static inline vmprof_code_id
code(const struct world *world, char letter)
{
    return world->codes[letter - 'A'];
}

static inline vmprof_token
token(const struct world *world, char letter)
{
    return world->tokens[letter - 'A'];
}

/* Enter the frame of a letter at its place. */
static inline void
enter_letter(struct world *world, char letter)
{
    world->tokens[letter - 'A'] = vmprof_execute_code_enter(
        world->thread, code(world, letter), cell(letter));
}

#endif
