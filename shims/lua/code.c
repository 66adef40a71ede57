/* SPDX-License-Identifier: MIT */

/* Code ids of Lua's functions. */
#include "../lua_common/code.h"
#include "name.h"
#include "state.h"

#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static vmprof_code_id tail_call_id;

static void
make_c_key(struct code_key *key, lua_State *L, lua_Debug *activation)
{
    lua_getinfo(L, "f", activation);
    vmprof_shim_make_c_key(key,
                           (const void *)(uintptr_t)lua_tocfunction(L, -1));
    lua_pop(L, 1);
}

static void
make_lua_key(struct code_key *key, const lua_Debug *activation)
{
    vmprof_shim_make_lua_key(key, activation, activation->srclen);
    key->parameters = activation->nparams;
    key->is_vararg = activation->isvararg != 0;
}

vmprof_code_id
vmprof_lua_function_id(lua_State *runner, lua_State *L, lua_Debug *activation)
{
    char name[NAME_SIZE];
    vmprof_code_id id;
    struct code_key key;

    if (*activation->what == 'C')
        make_c_key(&key, L, activation);
    else
        make_lua_key(&key, activation);
    id = vmprof_shim_find_code(&key);
    if (id)
        return id;
    vmprof_lua_name(runner, L, activation, name);
    return vmprof_shim_add_code(&key, name);
}

static void
add_tail_call(void)
{
    tail_call_id = vmprof_shim_add_label("(...tail calls...)");
}

vmprof_code_id
vmprof_lua_tail_call_id(void)
{
    pthread_once(&once, add_tail_call);
    return tail_call_id;
}

void
vmprof_lua_name_c_function(lua_CFunction function, const char *name)
{
    struct code_key key;

    vmprof_shim_make_c_key(&key, (const void *)(uintptr_t)function);
    vmprof_shim_add_code(&key, name);
}
