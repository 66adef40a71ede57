/* SPDX-License-Identifier: MIT */

/*
 * Every trace begins, but for the adjustment of its stack, with the store of
 * its number, `mov dword [r14+d], number`. So LuaJIT says itself which trace is
 * current, for nothing: all that is needed is where. A trace that is made to
 * tell what r14 is, once, says that; then it is as before.
 *
 * For counts and events, the eleven bytes of that store are replaced by a jump
 * to code of ours, which tells of the edge, stores the number, and goes back.
 * What leaves a trace are jumps of five or six bytes, which are given another
 * target: to the exit stubs, to the interpreter, or to the beginning of another
 * trace. All of it is compared with what is expected first.
 */
#ifndef LUAJIT_SHIM_EDGES_X86_64_H
#define LUAJIT_SHIM_EDGES_X86_64_H

#include "arena.h"
#include "edges.h"

enum {
    STORE_SIZE = 11,
    JUMP_SIZE = 5,
    BRANCH_SIZE = 6,
    MOST_GROUPS = 16,
};

struct edges {
    struct arena *arena;
    const uint8_t *stubs[MOST_GROUPS]; /* each of 32 exits; NULL: none yet */
    int32_t store_displacement;        /* 0: not known yet */
    volatile uint64_t dispatch;        /* r14, once a trace has told it */
    bool is_learning;                  /* a trace is about to tell it */
    struct edges_stats stats;
};

/* machine_x86_64.c */

int32_t
vmprof_luajit_read_32(const uint8_t *at);

/* Where a jump or branch goes that has this displacement. */
const uint8_t *
vmprof_luajit_target_of(const uint8_t *displacement);

/* Whether an address is in the machine code of LuaJIT's own functions. */
bool
vmprof_luajit_is_luajit(const void *address);

/* Where the store of the trace's number is; NULL: not where it should be. */
uint8_t *
vmprof_luajit_find_head(const struct edges *edges,
                        const struct jit_trace *trace);

/* Of a root trace, what comes before the store: nothing, or `sub rsp, n`. */
bool
vmprof_luajit_begins_as_root(const struct jit_trace *trace);

/* Find the stubs of all exits of a trace. False: they are not as expected. */
bool
vmprof_luajit_find_stubs(lua_State *L, struct traces *traces,
                         uint32_t exit_count);

/* The number of the exit whose stub is at an address; -1: it is none. */
long
vmprof_luajit_exit_at(const struct edges *edges, const uint8_t *stub);

/* The exit that a branch of the trace goes to; -1: there is no such branch. */
long
vmprof_luajit_exit_of_branch(const struct edges *edges,
                             const struct jit_trace *trace, size_t offset);

size_t
vmprof_luajit_count_branches(const struct edges *edges,
                             const struct jit_trace *trace);

/* thunks_x86_64.c: both make the patches of a trace, whose head is known, and
   the thunks that they lead to; nothing is written over yet. False if that
   failed: the patches are there to be freed then too. */

bool
vmprof_luajit_write_thunks(struct traces *traces, struct jit_trace *trace,
                           uint32_t emits);

/* For the current trace alone, nothing has to be written over but once. */
bool
vmprof_luajit_write_question(struct edges *edges, struct jit_trace *trace);

#endif
