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
#include "arena.h"
#include "edges.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lauxlib.h>
#include <luajit.h>
#include <vmprof/emit.h>

enum {
    STORE_SIZE = 11,
    JUMP_SIZE = 5,
    BRANCH_SIZE = 6,
    FARTHEST_STORE = 128,
    STUBS_PER_GROUP = 32,
    STUB_SIZE = 4,
    MOST_GROUPS = 16,
    /* An edge, and what is taken over from the trace. */
    THUNK_SIZE = VMPROF_EMIT_MOST + 64,
    /* Registers, as bits: those in which nothing is at the beginning of a root
       trace, and where one ends in the interpreter. */
    FREE_AT_ROOT = 1 << 0 | 1 << 1,
    FREE_AT_END = 1 << 1,
};

struct edges {
    struct arena *arena;
    const uint8_t *stubs[MOST_GROUPS]; /* each of 32 exits; NULL: none yet */
    int32_t store_displacement;        /* 0: not known yet */
    volatile uint64_t dispatch;        /* r14, once a trace has told it */
    bool is_learning;                  /* a trace is about to tell it */
    struct edges_stats stats;
};

/* Code that is being written. */
struct thunk {
    uint8_t *at;
    bool failed;
};

static int32_t
read_32(const uint8_t *at)
{
    int32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static const uint8_t *
target_of(const uint8_t *displacement)
{
    return displacement + 4 + read_32(displacement);
}

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

/* Whether an address is in the machine code of LuaJIT's own functions. */
static bool
is_luajit(const void *address)
{
    Dl_info here, luajit;

    return dladdr(address, &here) &&
           dladdr((void *)(uintptr_t)luaJIT_profile_start, &luajit) &&
           here.dli_fbase == luajit.dli_fbase;
}

static bool
protect(uint8_t *from, uint8_t *end, int protection)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = (uintptr_t)from & ~(page - 1);
    const uintptr_t last = ((uintptr_t)end + page - 1) & ~(page - 1);

    return mprotect((void *)first, last - first, protection) == 0;
}

/* As LuaJIT does it: its code is not executable while it is written to. */
static bool
write_patches(struct patch *patches, size_t count, uint8_t *from, uint8_t *end,
              bool are_told)
{
    if (!count || !protect(from, end, PROT_READ | PROT_WRITE))
        return !count;
    for (size_t i = 0; i < count; i++)
        memcpy(patches[i].at, are_told ? patches[i].after : patches[i].before,
               patches[i].size);
    __builtin___clear_cache((char *)from, (char *)end);
    return protect(from, end, PROT_READ | PROT_EXEC);
}

/* Where the store of the trace's number is; NULL: not where it should be. */
static uint8_t *
find_head(const struct edges *edges, const struct jit_trace *trace)
{
    static const uint8_t store[] = { 0x41, 0xc7, 0x86 };
    uint8_t *found = NULL;

    for (size_t i = 0; i < FARTHEST_STORE && i + STORE_SIZE <= trace->size;
         i++) {
        uint8_t *const at = trace->code + i;

        if (memcmp(at, store, sizeof(store)) ||
            read_32(at + 7) != (int32_t)trace->number ||
            (edges->store_displacement &&
             read_32(at + 3) != edges->store_displacement))
            continue;
        if (found)
            return NULL;
        found = at;
    }
    return found;
}

/* Of a root trace, what comes before the store: nothing, or `sub rsp, n`. */
static bool
begins_as_root(const struct jit_trace *trace)
{
    const uint8_t *const code = trace->code;

    switch (trace->head - code) {
    case 0:
        return true;
    case 4:
        return code[0] == 0x48 && code[1] == 0x83 &&
               (code[2] == 0xec || code[2] == 0xc4);
    case 7:
        return code[0] == 0x48 && code[1] == 0x81 &&
               (code[2] == 0xec || code[2] == 0xc4);
    default:
        return false;
    }
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
    put_jump(thunk, target_of(tail + 1));
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

/* The number of the exit whose stub is at an address; -1: it is none. */
static long
exit_at(const struct edges *edges, const uint8_t *stub)
{
    for (long i = 0; i < MOST_GROUPS && edges->stubs[i]; i++) {
        const ptrdiff_t offset = stub - edges->stubs[i];

        if (offset >= 0 && offset < STUBS_PER_GROUP * STUB_SIZE &&
            offset % STUB_SIZE == 0)
            return i * STUBS_PER_GROUP + offset / STUB_SIZE;
    }
    return -1;
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
    put_jump(thunk, target_of(at + size - 4));
}

/* The exit that a branch of the trace goes to; -1: there is no such branch. */
static long
exit_of_branch(const struct edges *edges, const struct jit_trace *trace,
               size_t offset)
{
    const uint8_t *const at = trace->code + offset;

    if (offset + BRANCH_SIZE > trace->size || at[0] != 0x0f ||
        (at[1] & 0xf0) != 0x80)
        return -1;
    return exit_at(edges, target_of(at + 2));
}

static void
tell_exits(struct traces *traces, struct jit_trace *trace, struct thunk *thunk,
           uint32_t emits)
{
    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++) {
        const long exit = exit_of_branch(traces->edges, trace, i);

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
    target = target_of(tail + 1);
    exit = exit_at(traces->edges, target);
    if (exit >= 0) {
        tell_exit(traces, trace, tail, JUMP_SIZE, exit, thunk, emits);
    } else if (link && target == link->code) {
        if (emits & VMPROF_EMIT_EVENT && link->head)
            tell_link(traces, trace, tail, link, thunk, emits);
    } else if (emits & VMPROF_EMIT_EVENT && is_luajit(target)) {
        tell_end(traces, trace, tail, thunk);
    }
}

static size_t
count_branches(const struct edges *edges, const struct jit_trace *trace)
{
    size_t count = 0;

    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++)
        count += exit_of_branch(edges, trace, i) >= 0;
    return count;
}

static void
forget_patches(struct jit_trace *trace)
{
    free(trace->patches);
    trace->patches = NULL;
    trace->patch_count = 0;
    trace->head = NULL;
}

static bool
write_thunks(struct traces *traces, struct jit_trace *trace, uint32_t emits)
{
    struct edges *const edges = traces->edges;
    const size_t most = 2 + count_branches(edges, trace);
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

static uint8_t *
stub_of(lua_State *L, const struct traces *traces, long exit)
{
    const int top = lua_gettop(L);
    uint8_t *stub = NULL;

    vmprof_luajit_push_util(L, traces, "traceexitstub");
    lua_pushinteger(L, exit);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_isnumber(L, -1))
        stub = (uint8_t *)(uintptr_t)lua_tonumber(L, -1);
    lua_settop(L, top);
    return stub;
}

/* As in lj_asm_x86.h: `push n; jmp` for each exit, then the push of the higher
   byte and the jump to the handler. */
static bool
is_group(const uint8_t *first, long number)
{
    const uint8_t *at = first;

    for (int i = 0; i < STUBS_PER_GROUP; i++, at += STUB_SIZE)
        if (at[0] != 0x6a || at[1] != (uint8_t)(number * STUBS_PER_GROUP + i) ||
            (i + 1 < STUBS_PER_GROUP &&
             (at[2] != 0xeb ||
              at + 4 + at[3] != first + STUBS_PER_GROUP * STUB_SIZE - 2)))
            return false;
    at -= 2;
    return at[0] == 0x6a && at[1] == (uint8_t)(number * STUBS_PER_GROUP >> 8) &&
           at[2] == 0xe9 && is_luajit(target_of(at + 3));
}

/* All that the exits of a trace go to. */
static bool
find_groups(lua_State *L, struct traces *traces, uint32_t exit_count)
{
    for (long i = 0; i * STUBS_PER_GROUP < (long)exit_count; i++) {
        uint8_t *first;

        if (i >= MOST_GROUPS)
            return false;
        if (traces->edges->stubs[i])
            continue;
        first = stub_of(L, traces, i * STUBS_PER_GROUP);
        if (!first || !is_group(first, i))
            return false;
        traces->edges->stubs[i] = first;
    }
    return true;
}

bool
vmprof_luajit_edges_find_exits(lua_State *L, struct traces *traces,
                               const struct jit_trace *trace, uint32_t *offsets)
{
    memset(offsets, 0, trace->exit_count * sizeof(*offsets));
    if (!find_groups(L, traces, trace->exit_count))
        return false;
    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++) {
        const long exit = exit_of_branch(traces->edges, trace, i);

        if (exit < 0)
            continue;
        if (exit < (long)trace->exit_count && !offsets[exit])
            offsets[exit] = (uint32_t)i;
        i += BRANCH_SIZE - 1;
    }
    return true;
}

/* For the current trace alone, nothing has to be written over but once. */
static bool
write_question(struct edges *edges, struct jit_trace *trace)
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

static bool
make(lua_State *L, struct traces *traces, struct jit_trace *trace)
{
    struct edges *const edges = traces->edges;

    trace->head = find_head(edges, trace);
    if (!trace->head || (!trace->parent && !begins_as_root(trace)))
        return false;
    edges->store_displacement = read_32(trace->head + 3);
    if (traces->emits & ~(uint32_t)VMPROF_EMIT_CURRENT)
        return find_groups(L, traces, trace->exit_count) &&
               write_thunks(traces, trace,
                            traces->emits & ~(uint32_t)VMPROF_EMIT_CURRENT);
    return edges->dispatch || write_question(edges, trace);
}

void
vmprof_luajit_edges_make(lua_State *L, struct traces *traces,
                         struct jit_trace *trace)
{
    struct edges *const edges = traces->edges;

    vmprof_luajit_edges_show(trace, false);
    forget_patches(trace);
    if (edges->stats.reason)
        return;
    if (make(L, traces, trace)) {
        vmprof_luajit_edges_show(trace, true);
    } else {
        edges->stats.left_alone++;
        forget_patches(trace);
    }
}

void
vmprof_luajit_edges_show(struct jit_trace *trace, bool are_told)
{
    if (trace->is_patched == are_told || !trace->patch_count)
        return;
    if (write_patches(trace->patches, trace->patch_count, trace->code,
                      trace->code + trace->size, are_told))
        trace->is_patched = are_told;
}

/* We run as a C function that LuaJIT calls, and that is what it says then. */
void
vmprof_luajit_edges_settle(lua_State *L, struct traces *traces)
{
    enum {
        IN_C = ~1,
    };
    struct edges *const edges = traces->edges;

    if (!edges->is_learning || !edges->dispatch)
        return;
    edges->is_learning = false;
    if (vmprof_luajit_edges_vmstate(edges) != IN_C)
        edges->stats.reason = "this LuaJIT does not say which trace runs";
    vmprof_luajit_traces_make_edges(L, traces);
}

int
vmprof_luajit_edges_vmstate(const struct edges *edges)
{
    const uint64_t at =
        edges->dispatch + (uint64_t)(int64_t)edges->store_displacement;

    if (!edges->dispatch || edges->stats.reason)
        return INT_MIN;
    return *(const volatile int32_t *)(uintptr_t)at;
}

void
vmprof_luajit_edges_flush(struct edges *edges)
{
    memset(edges->stubs, 0, sizeof(edges->stubs));
    vmprof_luajit_arena_clear(edges->arena);
}

/* 1: never writable and executable at once, which write_patches() relies on. */
static bool
has_protected_code(lua_State *L)
{
    const int top = lua_gettop(L);
    bool is_protected = false;

    lua_getglobal(L, "require");
    lua_pushliteral(L, "jit");
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1)) {
        lua_getfield(L, -1, "security");
        lua_pushliteral(L, "mcode");
        is_protected = lua_pcall(L, 1, 1, 0) == 0 && lua_tointeger(L, -1) == 1;
    }
    lua_settop(L, top);
    return is_protected;
}

struct edges *
vmprof_luajit_edges_new(lua_State *L, struct traces *traces)
{
    struct edges *const edges = calloc(1, sizeof(*edges));

    (void)traces;
    if (!edges)
        return NULL;
    edges->arena = vmprof_luajit_arena_new();
    if (!edges->arena) {
        free(edges);
        return NULL;
    }
    if (!has_protected_code(L))
        edges->stats.reason = "this LuaJIT does not protect its machine code";
    return edges;
}

void
vmprof_luajit_edges_free(struct edges *edges)
{
    if (!edges)
        return;
    vmprof_luajit_arena_free(edges->arena);
    free(edges);
}

void
vmprof_luajit_edges_get_stats(const struct edges *edges,
                              struct edges_stats *stats)
{
    *stats = edges->stats;
}
