/* SPDX-License-Identifier: MIT */

/*
 * Code ids of functions.
 *
 * Lua has no lasting address for a function: closures and prototypes are
 * collected, and their addresses used again. So a Lua function is known by
 * where it was defined, and a C function by its machine code. The name under
 * which it is first seen stays.
 */
#include "name.h"
#include "state.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
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
    lua_CFunction function; /* NULL: a Lua function */
    uint64_t source_size;
    int32_t line, last_line;
    uint8_t upvalues, parameters, is_vararg, unused[5];
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
static vmprof_code_id tail_call_id;

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
    tail_call_id = register_name("(...tail calls...)", 0, "");
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
insert(const struct key *key, const char *function, const char *file)
{
    const size_t size = key_size(key);
    struct code *code;
    vmprof_code_id id = 0;

    lock();
    HASH_FIND(hh, codes, key, size, code);
    if (!code && HASH_COUNT(codes) < MAX_CODES) {
        code = calloc(1, offsetof(struct code, key) + size);
        if (code) {
            code->id = register_name(function, key->line, file);
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
make_key(struct key *key, const lua_Debug *activation)
{
    const char *file = activation->short_src;

    memset(key, 0, sizeof(*key));
    if (*activation->source == '@' || *activation->source == '=')
        file = activation->source + 1;
    key->source_size = activation->srclen;
    key->line = activation->linedefined;
    key->last_line = activation->lastlinedefined;
    key->upvalues = activation->nups;
    key->parameters = activation->nparams;
    key->is_vararg = activation->isvararg != 0;
    snprintf(key->file, sizeof(key->file), "%s", file);
}

static void
make_c_key(struct key *key, lua_State *L, lua_Debug *activation)
{
    memset(key, 0, sizeof(*key));
    lua_getinfo(L, "f", activation);
    key->function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    snprintf(key->file, sizeof(key->file), "[C]");
}

vmprof_code_id
vmprof_lua_function_id(lua_State *runner, lua_State *L, lua_Debug *activation)
{
    char name[NAME_SIZE];
    vmprof_code_id id;
    struct key key;

    pthread_once(&once, prepare);
    if (*activation->what == 'C')
        make_c_key(&key, L, activation);
    else
        make_key(&key, activation);
    id = find(&key);
    if (id)
        return id;
    vmprof_lua_name(runner, L, activation, name);
    return insert(&key, name, key.file);
}

vmprof_code_id
vmprof_lua_tail_call_id(void)
{
    pthread_once(&once, prepare);
    return tail_call_id;
}

void
vmprof_lua_name_c_function(lua_CFunction function, const char *name)
{
    struct key key;

    pthread_once(&once, prepare);
    memset(&key, 0, sizeof(key));
    key.function = function;
    snprintf(key.file, sizeof(key.file), "[C]");
    insert(&key, name, key.file);
}
