/* SPDX-License-Identifier: MIT */

/*
 * A VM whose loops call C functions that call its loops again, compiled with
 * and without frame pointers. Each function has a section of its own, so that
 * an address tells which one it is in.
 */
#ifndef NATIVE_CHAIN_H
#define NATIVE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <vmprof/vmprof.h>

enum {
    CHAIN_LEVELS = 6,
    CHAIN_TURNS = 10,
};

struct chain {
    struct vmprof_thread *thread;
    vmprof_code_id codes[CHAIN_LEVELS];
    volatile bool *stop;
};

struct extent {
    const char *from, *to;
};

/* One build of it. */
struct chain_functions {
    void (*run)(const struct chain *chain, unsigned level);
    struct extent run_vm, call_c, spin;
    /* Calls a leaf function all the time that saves registers. */
    void (*call_leaf)(const struct chain *chain);
    struct extent leaf, leaf_caller;
    /* Recurses so deep, then as run. */
    uint64_t (*recurse)(const struct chain *chain, unsigned depth);
    struct extent recursion;
    /* Goes another way all the time: CHAIN_TURNS times left, with a frame of the
     * first code, or right, with one of the second. */
    void (*wander)(const struct chain *chain);
    struct extent turn, left, right;
};

extern const struct chain_functions chain_with_frame_pointers,
    chain_without_frame_pointers;

#endif
