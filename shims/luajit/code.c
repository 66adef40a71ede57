/* SPDX-License-Identifier: MIT */

/* Code ids of LuaJIT's functions. */
#include "../lua_common/code.h"
#include "name.h"
#include "state.h"

#include <stdbool.h>
#include <string.h>

/* The function is on top of the stack and stays. */
static void
make_c_key(struct code_key *key, lua_State *L)
{
    const lua_CFunction function = lua_tocfunction(L, -1);

    /* What LuaJIT has in assembler is nothing that could be called from C. */
    vmprof_shim_make_c_key(key, function ? (const void *)(uintptr_t)function
                                         : lua_topointer(L, -1));
}

/* The function is on top of the stack; it is popped. */
static vmprof_code_id
id_of(lua_State *L, lua_Debug *activation, bool is_called)
{
    char name[NAME_SIZE];
    vmprof_code_id id;
    struct code_key key;

    if (*activation->what == 'C')
        make_c_key(&key, L);
    else
        vmprof_shim_make_lua_key(&key, activation, strlen(activation->source));
    id = vmprof_shim_find_code(&key);
    if (!id) {
        vmprof_luajit_name(L, activation, is_called, name);
        id = vmprof_shim_add_code(&key, name);
    }
    lua_pop(L, 1);
    return id;
}

vmprof_code_id
vmprof_luajit_function_id(lua_State *L, lua_Debug *activation)
{
    lua_getinfo(L, "f", activation);
    return id_of(L, activation, true);
}

vmprof_code_id
vmprof_luajit_value_id(lua_State *L)
{
    lua_Debug activation;

    lua_pushvalue(L, -1);
    lua_getinfo(L, ">Su", &activation);
    return id_of(L, &activation, false);
}
