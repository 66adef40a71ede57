/* SPDX-License-Identifier: MIT */

/* What is looked for in LuaJIT's machine code, and compared with what is
   expected, before anything of it is written over. */
#include "edges_x86_64.h"

#include <dlfcn.h>
#include <string.h>

#include <luajit.h>

enum {
    FARTHEST_STORE = 128,
    STUBS_PER_GROUP = 32,
    STUB_SIZE = 4,
};

int32_t
vmprof_luajit_read_32(const uint8_t *at)
{
    int32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

const uint8_t *
vmprof_luajit_target_of(const uint8_t *displacement)
{
    return displacement + 4 + vmprof_luajit_read_32(displacement);
}

bool
vmprof_luajit_is_luajit(const void *address)
{
    Dl_info here, luajit;

    return dladdr(address, &here) &&
           dladdr((void *)(uintptr_t)luaJIT_profile_start, &luajit) &&
           here.dli_fbase == luajit.dli_fbase;
}

uint8_t *
vmprof_luajit_find_head(const struct edges *edges,
                        const struct jit_trace *trace)
{
    static const uint8_t store[] = { 0x41, 0xc7, 0x86 };
    uint8_t *found = NULL;

    for (size_t i = 0; i < FARTHEST_STORE && i + STORE_SIZE <= trace->size;
         i++) {
        uint8_t *const at = trace->code + i;

        if (memcmp(at, store, sizeof(store)) ||
            vmprof_luajit_read_32(at + 7) != (int32_t)trace->number ||
            (edges->store_displacement &&
             vmprof_luajit_read_32(at + 3) != edges->store_displacement))
            continue;
        if (found)
            return NULL;
        found = at;
    }
    return found;
}

bool
vmprof_luajit_begins_as_root(const struct jit_trace *trace)
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

long
vmprof_luajit_exit_at(const struct edges *edges, const uint8_t *stub)
{
    for (long i = 0; i < MOST_GROUPS && edges->stubs[i]; i++) {
        const ptrdiff_t offset = stub - edges->stubs[i];

        if (offset >= 0 && offset < STUBS_PER_GROUP * STUB_SIZE &&
            offset % STUB_SIZE == 0)
            return i * STUBS_PER_GROUP + offset / STUB_SIZE;
    }
    return -1;
}

long
vmprof_luajit_exit_of_branch(const struct edges *edges,
                             const struct jit_trace *trace, size_t offset)
{
    const uint8_t *const at = trace->code + offset;

    if (offset + BRANCH_SIZE > trace->size || at[0] != 0x0f ||
        (at[1] & 0xf0) != 0x80)
        return -1;
    return vmprof_luajit_exit_at(edges, vmprof_luajit_target_of(at + 2));
}

size_t
vmprof_luajit_count_branches(const struct edges *edges,
                             const struct jit_trace *trace)
{
    size_t count = 0;

    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++)
        count += vmprof_luajit_exit_of_branch(edges, trace, i) >= 0;
    return count;
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
           at[2] == 0xe9 &&
           vmprof_luajit_is_luajit(vmprof_luajit_target_of(at + 3));
}

bool
vmprof_luajit_find_stubs(lua_State *L, struct traces *traces,
                         uint32_t exit_count)
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
    if (!vmprof_luajit_find_stubs(L, traces, trace->exit_count))
        return false;
    for (size_t i = 0; i + BRANCH_SIZE <= trace->size; i++) {
        const long exit = vmprof_luajit_exit_of_branch(traces->edges, trace, i);

        if (exit < 0)
            continue;
        if (exit < (long)trace->exit_count && !offsets[exit])
            offsets[exit] = (uint32_t)i;
        i += BRANCH_SIZE - 1;
    }
    return true;
}
