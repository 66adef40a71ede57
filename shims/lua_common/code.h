/* SPDX-License-Identifier: MIT */

/*
 * Code ids of functions.
 *
 * Neither Lua has a lasting address for a function: closures and prototypes are
 * collected, and their addresses used again. So a Lua function is known by
 * where it was defined, and a C function by its machine code, or by its object
 * where that is a builtin of LuaJIT's. The name under which it is first seen
 * stays.
 */
#ifndef LUA_COMMON_CODE_H
#define LUA_COMMON_CODE_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>
#include <vmprof/vmprof.h>

enum {
    CODE_FILE_SIZE = 512,
};

/* Zeroed, then filled: it is compared as bytes. */
struct code_key {
    const void *function; /* NULL: a Lua function */
    uint64_t source_size;
    int32_t line, last_line, upvalues;
    uint8_t parameters, is_vararg, unused[2];
    char file[CODE_FILE_SIZE]; /* up to its NUL */
};

/* Of a Lua function, of which `activation` has been asked for "Su"; its source
   has `source_size` bytes. */
void
vmprof_shim_make_lua_key(struct code_key *key, const lua_Debug *activation,
                         size_t source_size);

void
vmprof_shim_make_c_key(struct code_key *key, const void *function);

/* The id under which it was added, or 0. */
vmprof_code_id
vmprof_shim_find_code(const struct code_key *key);

/* Returns its id, which is that of another name if it is there already; 0 if
   there is none to be had. */
vmprof_code_id
vmprof_shim_add_code(const struct code_key *key, const char *name);

/* The same for what is no function. */
vmprof_code_id
vmprof_shim_add_label(const char *name);

#endif
