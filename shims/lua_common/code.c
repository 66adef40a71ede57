/* SPDX-License-Identifier: MIT */

#include "code.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

/* A program that makes functions without end does not take all memory. */
enum {
    MAX_CODES = 1 << 20,
};

struct code {
    UT_hash_handle hh;
    vmprof_code_id id;
    struct code_key key; /* cut after its file */
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
key_size(const struct code_key *key)
{
    return offsetof(struct code_key, file) + strlen(key->file) + 1;
}

vmprof_code_id
vmprof_shim_find_code(const struct code_key *key)
{
    struct code *code;
    vmprof_code_id id;

    pthread_once(&once, prepare);
    lock();
    HASH_FIND(hh, codes, key, key_size(key), code);
    id = code ? code->id : 0;
    unlock();
    return id;
}

/* Another thread may have been faster: its id is the one that stays. */
vmprof_code_id
vmprof_shim_add_code(const struct code_key *key, const char *name)
{
    const size_t size = key_size(key);
    struct code *code;
    vmprof_code_id id = 0;

    pthread_once(&once, prepare);
    lock();
    HASH_FIND(hh, codes, key, size, code);
    if (!code && HASH_COUNT(codes) < MAX_CODES) {
        code = calloc(1, offsetof(struct code, key) + size);
        if (code) {
            code->id = register_name(name, key->line, key->file);
            memcpy(&code->key, key, size);
            HASH_ADD_KEYPTR(hh, codes, &code->key, size, code);
        }
    }
    if (code)
        id = code->id;
    unlock();
    return id;
}

void
vmprof_shim_make_lua_key(struct code_key *key, const lua_Debug *activation,
                         size_t source_size)
{
    const char *file = activation->short_src;

    memset(key, 0, sizeof(*key));
    if (*activation->source == '@' || *activation->source == '=')
        file = activation->source + 1;
    key->source_size = source_size;
    key->line = activation->linedefined;
    key->last_line = activation->lastlinedefined;
    key->upvalues = activation->nups;
    snprintf(key->file, sizeof(key->file), "%s", file);
}

void
vmprof_shim_make_c_key(struct code_key *key, const void *function)
{
    memset(key, 0, sizeof(*key));
    key->function = function;
    snprintf(key->file, sizeof(key->file), "[C]");
}

vmprof_code_id
vmprof_shim_add_label(const char *name)
{
    pthread_once(&once, prepare);
    return register_name(name, 0, "");
}
