/* SPDX-License-Identifier: MIT */

/* Code of ours that tells of an edge, and the patches that lead there. */
#include "edges_x86_64.h"

#include <stdlib.h>
#include <string.h>

#include <vmprof/emit.h>

enum {
    /* An edge, and what is taken over from the trace. */
    THUNK_SIZE = VMPROF_EMIT_MOST + 64,
    /* Registers, as bits: those in which nothing is at the beginning of a root
       trace, and where one ends in the interpreter. */
    FREE_AT_ROOT = 1 << 0 | 1 << 1,
    FREE_AT_END = 1 << 1,
};

/* Code that is being written. */
struct thunk {
    uint8_t *at;
    bool failed;
};

static bool
write_target(uint8_t *displacement, const uint8_t *at, const uint8_t *target)
{
    const intptr_t distance = target - (at + 4);
    const int32_t value = (int32_t)distance;

    memcpy(displacement, &value, sizeof(value));
    return value == distance;
}

static void
put_bytes(struct thunk *thunk, const void *bytes, size_t size)
{
    memcpy(thunk->at, bytes, size);
    thunk->at += size;
}

static void
put_jump(struct thunk *thunk, const uint8_t *target)
{
    *thunk->at = 0xe9;
    if (!write_target(thunk->at + 1, thunk->at + 1, target))
        thunk->failed = true;
    thunk->at += JUMP_SIZE;
}

static void
put_edge(struct thunk *thunk, const struct traces *traces,
         const struct vmprof_emit *edge)
{
    struct vmprof_emit emit = *edge;
    int size;

    emit.machine = VMPROF_MACHINE_X86_64;
    emit.base = VMPROF_BASE_ADDRESS;
    emit.address = (uint64_t)(uintptr_t)traces->state->thread;
    size = vmprof_emit_edge(&emit, thunk->at, VMPROF_EMIT_MOST);
    if (size < 0)
        thunk->failed = true;
    else
        thunk->at += size;
}

static struct patch *
add_patch(struct jit_trace *trace, uint8_t *at, size_t size)
{
    struct patch *const patch = &trace->patches[trace->patch_count++];

    patch->at = at;
    patch->size = size;
    memcpy(patch->before, at, size);
    memcpy(patch->after, at, size);
    return patch;
}

/* A jump or branch goes to the thunk instead. */
static void
add_target(struct jit_trace *trace, uint8_t *at, size_t size,
           const struct thunk *thunk, bool *failed)
{
    struct patch *const patch = add_patch(trace, at, size);
    const size_t displacement = size - 4;

    if (!write_target(patch->after + displacement, at + displacement,
                      thunk->at))
        *failed = true;
}

static bool
is_inner(const struct traces *traces, const struct jit_trace *trace)
{
    const struct jit_trace *const link =
        trace->link ? traces->by_number[trace->link] : NULL;

    return trace->parent && link && link->number == trace->root;
}

static void
replace_head(struct jit_trace *trace, struct thunk *thunk)
{
    static const uint8_t no_operation[] = { 0x66, 0x0f, 0x1f, 0x44, 0, 0 };
    struct patch *const patch = add_patch(trace, trace->head, STORE_SIZE);

    patch->after[0] = 0xe9;
    if (!write_target(patch->after + 1, trace->head + 1, thunk->at))
        thunk->failed = true;
    /* LuaJIT's decoder of instructions must not lose its way. */
    memcpy(patch->after + JUMP_SIZE, no_operation, sizeof(no_operation));
}

static void
go_on_behind_head(const struct jit_trace *trace, struct thunk *thunk)
{
    put_bytes(thunk, trace->patches[0].before, STORE_SIZE);
    put_jump(thunk, trace->head + STORE_SIZE);
}

/* Have r14 stored. Traces keep nothing below the stack pointer. */
static void
put_question(struct edges *edges, struct thunk *thunk)
{
    static const uint8_t push_load[] = { 0x50, 0x48, 0xb8 };
    static const uint8_t store_pop[] = { 0x4c, 0x89, 0x30, 0x58 };
    const uint64_t cell = (uint64_t)(uintptr_t)&edges->dispatch;

    put_bytes(thunk, push_load, sizeof(push_load));
    put_bytes(thunk, &cell, sizeof(cell));
    put_bytes(thunk, store_pop, sizeof(store_pop));
    edges->is_learning = true;
}

static void
tell_head(struct traces *traces, struct jit_trace *trace, struct thunk *thunk,
          uint32_t emits)
{
    struct vmprof_emit edge;

    vmprof_emit_init(&edge);
    edge.edge = trace->parent ? VMPROF_EDGE_JUMP : VMPROF_EDGE_ENTER;
    edge.id = trace->ids.id;
    edge.emits = emits;
    edge.is_inner = is_inner(traces, trace);
    edge.scratch = trace->parent ? 0 : FREE_AT_ROOT;
    edge.counter = &trace->ids.counters[0];
    replace_head(trace, thunk);
    if (!traces->edges->dispatch)
        put_question(traces->edges, thunk);
    put_edge(thunk, traces, &edge);
    go_on_behind_head(trace, thunk);
}

static void
tell_end(struct traces *traces, struct jit_trace *trace, uint8_t *tail,
         struct thunk *thunk)
{
    struct vmprof_emit edge;

    vmprof_emit_init(&edge);
    edge.edge = VMPROF_EDGE_EXIT;
    edge.id = trace->ids.id;
    /* Only exits through guards are counted. */
    edge.emits = VMPROF_EMIT_EVENT;
    edge.scratch = FREE_AT_END;
    add_target(trace, tail, JUMP_SIZE, thunk, &thunk->failed);
    put_edge(thunk, traces, &edge);
    put_jump(thunk, vmprof_luajit_target_of(tail + 1));
}

/* To the beginning of a root trace, whose own head takes it for an entry from
   the interpreter: so go past that, and do what it does. */
static void
tell_link(struct traces *traces, struct jit_trace *trace, uint8_t *tail,
          const struct jit_trace *link, struct thunk *thunk, uint32_t emits)
{
    const size_t before_head = (size_t)(link->head - link->code);
    struct vmprof_emit edge;

    vmprof_emit_init(&edge);
    edge.edge = VMPROF_EDGE_JUMP;
    edge.id = link->ids.id;
    edge.emits = emits;
    edge.is_inner = is_inner(traces, trace);
    edge.scratch = FREE_AT_ROOT;
    edge.counter = &link->ids.counters[0];
    add_target(trace, tail, JUMP_SIZE, thunk, &thunk->failed);
    put_edge(thunk, traces, &edge);
    put_bytes(thunk, link->code, before_head);
    put_bytes(thunk, link->is_patched ? link->patches[0].before : link->head,
              STORE_SIZE);
    put_jump(thunk, link->head + STORE_SIZE);
}

/* What is before the head runs as the parent's still, and leaves through exits
   of that. */
static const struct jit_trace *
owner_of(const struct traces *traces, const struct jit_trace *trace,
         const uint8_t *at)
{
    return at > trace->head ? trace : traces->by_number[trace->parent];
}

static void
tell_exit(struct traces *traces, struct jit_trace *trace, uint8_t *at,
          size_t size, long exit, struct thunk *thunk, uint32_t emits)
{
    const struct jit_trace *const owner = owner_of(traces, trace, at);
    struct vmprof_emit edge;

    if (!owner || exit >= (long)owner->exit_count)
        return;
    vmprof_emit_init(&edge);
    edge.edge = VMPROF_EDGE_EXIT;
    edge.id = owner->ids.first_guard + (uint32_t)exit;
    edge.emits = emits;
    edge.counter = &owner->ids.counters[1 + exit];
    add_target(trace, at, size, thunk, &thunk->failed);
    put_edge(thunk, traces, &edge);
    put_jump(thunk, vmprof_luajit_target_of(at + size - 4));
}

static void
tell_exits(struct traces *traces, struct jit_trace *trace, struct thunk *thunk,
           uint32_t emits)
{
    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++) {
        const long exit = vmprof_luajit_exit_of_branch(traces->edges, trace, i);

        if (exit < 0)
            continue;
        tell_exit(traces, trace, trace->code + i, BRANCH_SIZE, exit, thunk,
                  emits);
        i += BRANCH_SIZE - 1;
    }
}

static void
tell_tail(struct traces *traces, struct jit_trace *trace, struct thunk *thunk,
          uint32_t emits)
{
    const struct jit_trace *const link = traces->by_number[trace->link];
    uint8_t *const tail = trace->code + trace->size - JUMP_SIZE;
    const uint8_t *target;
    long exit;

    if (trace->size < JUMP_SIZE || *tail != 0xe9)
        return;
    target = vmprof_luajit_target_of(tail + 1);
    exit = vmprof_luajit_exit_at(traces->edges, target);
    if (exit >= 0) {
        tell_exit(traces, trace, tail, JUMP_SIZE, exit, thunk, emits);
    } else if (link && target == link->code) {
        if (emits & VMPROF_EMIT_EVENT && link->head)
            tell_link(traces, trace, tail, link, thunk, emits);
    } else if (emits & VMPROF_EMIT_EVENT && vmprof_luajit_is_luajit(target)) {
        tell_end(traces, trace, tail, thunk);
    }
}

bool
vmprof_luajit_write_thunks(struct traces *traces, struct jit_trace *trace,
                           uint32_t emits)
{
    struct edges *const edges = traces->edges;
    const size_t most = 2 + vmprof_luajit_count_branches(edges, trace);
    struct thunk thunk = { .failed = false };

    trace->patches = calloc(most, sizeof(*trace->patches));
    thunk.at =
        vmprof_luajit_arena_open(edges->arena, most * THUNK_SIZE, trace->code);
    if (!trace->patches || !thunk.at)
        return false;
    tell_head(traces, trace, &thunk, emits);
    tell_tail(traces, trace, &thunk, emits);
    tell_exits(traces, trace, &thunk, emits);
    edges->stats.told++;
    return vmprof_luajit_arena_close(edges->arena, thunk.at) == 0 &&
           !thunk.failed;
}

bool
vmprof_luajit_write_question(struct edges *edges, struct jit_trace *trace)
{
    struct thunk thunk = { .failed = false };

    trace->patches = calloc(1, sizeof(*trace->patches));
    thunk.at = vmprof_luajit_arena_open(edges->arena, THUNK_SIZE, trace->code);
    if (!trace->patches || !thunk.at)
        return false;
    replace_head(trace, &thunk);
    put_question(edges, &thunk);
    go_on_behind_head(trace, &thunk);
    return vmprof_luajit_arena_close(edges->arena, thunk.at) == 0 &&
           !thunk.failed;
}
