/* SPDX-License-Identifier: MIT */

/* Values of an event, for tools that ask. */
#include "events.h"

#include <errno.h>

static _Thread_local const struct moment *current;

const struct moment *
vmprof_lua_set_moment(const struct moment *moment)
{
    const struct moment *const before = current;

    current = moment;
    return before;
}

const struct moment *
vmprof_lua_moment(void)
{
    return current;
}

/* The value is on top of the stack, and elsewhere for as long as it is asked
   for. */
static void
describe(lua_State *L, struct vmprof_value *out)
{
    size_t size;

    out->type = lua_typename(L, lua_type(L, -1));
    switch (lua_type(L, -1)) {
    case LUA_TNIL:
        out->kind = VMPROF_VALUE_NONE;
        break;
    case LUA_TBOOLEAN:
        out->kind = VMPROF_VALUE_INTEGER;
        out->integer = lua_toboolean(L, -1);
        break;
    case LUA_TNUMBER:
        out->kind =
            lua_isinteger(L, -1) ? VMPROF_VALUE_INTEGER : VMPROF_VALUE_NUMBER;
        out->integer = lua_tointeger(L, -1);
        out->number = lua_tonumber(L, -1);
        break;
    case LUA_TSTRING:
        out->kind = VMPROF_VALUE_STRING;
        out->bytes = lua_tolstring(L, -1, &size);
        out->size = size;
        break;
    default:
        out->kind = VMPROF_VALUE_OBJECT;
        out->bytes = lua_topointer(L, -1);
    }
}

/* Push a variable of the function that runs; false: there is none. Of C
   functions these are what it was called with. */
static bool
push_local(const struct moment *moment, uint64_t index, bool is_argument)
{
    lua_State *const L = moment->state;
    lua_Debug *const activation = moment->activation;
    const char *name;
    bool is_c;

    if (index > INT16_MAX)
        return false;
    lua_getinfo(L, "Su", activation);
    is_c = *activation->what == 'C';
    if (is_argument && !is_c && index >= activation->nparams)
        return false;
    name = lua_getlocal(L, activation, (int)index + 1);
    /* No variable of the program's, but what Lua keeps there. */
    if (name && *name == '(' && !is_c) {
        lua_pop(L, 1);
        return false;
    }
    return name;
}

/* What is called or returns; of a return the first value. */
static bool
push_object(const struct moment *moment)
{
    lua_State *const L = moment->state;
    lua_Debug *const activation = moment->activation;

    if (activation->event != LUA_HOOKRET) {
        lua_getinfo(L, "f", activation);
        return true;
    }
    lua_getinfo(L, "r", activation);
    return activation->ntransfer &&
           lua_getlocal(L, activation, activation->ftransfer);
}

static bool
push(const struct moment *moment, enum vmprof_value_name name, uint64_t index)
{
    switch (name) {
    case VMPROF_VALUE_OF_OBJECT:
        return push_object(moment);
    case VMPROF_VALUE_OF_ARGUMENT:
    case VMPROF_VALUE_OF_LOCAL:
        return push_local(moment, index, name == VMPROF_VALUE_OF_ARGUMENT);
    default:
        return false;
    }
}

int
vmprof_lua_value(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event, enum vmprof_value_name name,
                 uint64_t index, struct vmprof_value *out)
{
    const struct moment *const moment = current;

    (void)user;
    (void)event;
    if (!moment || moment->thread != thread || !moment->activation ||
        !lua_checkstack(moment->state, 4) || !push(moment, name, index))
        return -ENOENT;
    describe(moment->state, out);
    lua_pop(moment->state, 1);
    return 0;
}
