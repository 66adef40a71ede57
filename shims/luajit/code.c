/* SPDX-License-Identifier: MIT */

/*
 * Code ids of functions.
 *
 * LuaJIT has no lasting address for a function: closures and prototypes are
 * collected, and their addresses used again. So a Lua function is known by
 * where it was defined, and a C function by its machine code, or by its object
 * where that is a builtin. The name under which it is first seen stays.
 */
#include "name.h"
#include "state.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum {
    FILE_SIZE = 512,
    /* A program that makes functions without end does not take all memory. */
    MAX_CODES = 1 << 20,
};

/* Zeroed, then filled: it is compared as bytes. */
struct key {
    const void *function; /* NULL: a Lua function */
    uint64_t source_size;
    int32_t line, last_line, upvalues, unused;
    char file[FILE_SIZE]; /* up to its NUL */
};

struct code {
    UT_hash_handle hh;
    vmprof_code_id id;
    struct key key; /* cut after its file */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct code *codes;
static struct vmprof_code_class *lua_class;

static vmprof_code_id
register_name(const char *function, long line, const char *file)
{
    char name[VMPROF_NAME_SIZE];
    vmprof_code_id id;

    if (!lua_class ||
        vmprof_format_name(name, sizeof(name), "lua", function, line, file) < 0)
        return 0;
    return vmprof_register_code(lua_class, NULL, name, &id) ? 0 : id;
}

static void
lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void
unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static void
prepare(void)
{
    if (vmprof_register_code_class("lua", NULL, &lua_class))
        lua_class = NULL;
    pthread_atfork(lock, unlock, unlock);
}

static size_t
key_size(const struct key *key)
{
    return offsetof(struct key, file) + strlen(key->file) + 1;
}

static vmprof_code_id
find(const struct key *key)
{
    struct code *code;
    vmprof_code_id id;

    lock();
    HASH_FIND(hh, codes, key, key_size(key), code);
    id = code ? code->id : 0;
    unlock();
    return id;
}

/* Another thread may have been faster: its id is the one that stays. */
static vmprof_code_id
insert(const struct key *key, const char *function)
{
    const size_t size = key_size(key);
    struct code *code;
    vmprof_code_id id = 0;

    lock();
    HASH_FIND(hh, codes, key, size, code);
    if (!code && HASH_COUNT(codes) < MAX_CODES) {
        code = calloc(1, offsetof(struct code, key) + size);
        if (code) {
            code->id = register_name(function, key->line, key->file);
            memcpy(&code->key, key, size);
            HASH_ADD_KEYPTR(hh, codes, &code->key, size, code);
        }
    }
    if (code)
        id = code->id;
    unlock();
    return id;
}

static void
make_lua_key(struct key *key, const lua_Debug *activation)
{
    const char *file = activation->short_src;

    memset(key, 0, sizeof(*key));
    if (*activation->source == '@' || *activation->source == '=')
        file = activation->source + 1;
    key->source_size = strlen(activation->source);
    key->line = activation->linedefined;
    key->last_line = activation->lastlinedefined;
    key->upvalues = activation->nups;
    snprintf(key->file, sizeof(key->file), "%s", file);
}

/* The function is on top of the stack and stays. */
static void
make_c_key(struct key *key, lua_State *L)
{
    const lua_CFunction function = lua_tocfunction(L, -1);

    memset(key, 0, sizeof(*key));
    /* What LuaJIT has in assembler is nothing that could be called from C. */
    key->function =
        function ? (const void *)(uintptr_t)function : lua_topointer(L, -1);
    snprintf(key->file, sizeof(key->file), "[C]");
}

/* The function is on top of the stack; it is popped. */
static vmprof_code_id
id_of(lua_State *L, lua_Debug *activation, bool is_called)
{
    char name[NAME_SIZE];
    vmprof_code_id id;
    struct key key;

    pthread_once(&once, prepare);
    if (*activation->what == 'C')
        make_c_key(&key, L);
    else
        make_lua_key(&key, activation);
    id = find(&key);
    if (!id) {
        vmprof_luajit_name(L, activation, is_called, name);
        id = insert(&key, name);
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
