/* SPDX-License-Identifier: MIT */

#include "code.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../format/name.h"
#include "code_table.h"
#include "interp/candidates.h"
#include "interp/collect.h"

enum {
    ID_STEP = 4,
};

/* Over all that follows. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct vmp_code_table vmp_code_table = { .mark = 1 };

static void
bury(uint64_t until);

void
vmp_codes_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void
vmp_codes_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

void
vmp_codes_leave_to_parent(void)
{
    vmp_code_table.naming = 0;
    vmp_code_table.keeping = false;
    bury(UINT64_MAX);
    vmp_codes_unlock();
    vmp_callbacks_leave_to_parent();
}

static struct code *
find_by_key(const struct object_key *key)
{
    struct code *code;

    HASH_FIND(by_key, vmp_code_table.by_key, key, sizeof(*key), code);
    return code;
}

struct code *
vmp_code_find(uint64_t id)
{
    struct code *code;

    HASH_FIND(by_id, vmp_code_table.by_id, &id, sizeof(id), code);
    return code;
}

static int
add_code(struct code *code)
{
    vmp_code_table.last_id += ID_STEP;
    code->id = vmp_code_table.last_id;
    HASH_ADD(by_id, vmp_code_table.by_id, id, sizeof(code->id), code);
    if (!code->by_id.tbl)
        return -ENOMEM;
    if (code->key.object) {
        HASH_ADD(by_key, vmp_code_table.by_key, key, sizeof(code->key), code);
        if (!code->by_key.tbl) {
            HASH_DELETE(by_id, vmp_code_table.by_id, code);
            return -ENOMEM;
        }
    }
    if (!code->name && !vmp_code_table.nameless_from)
        vmp_code_table.nameless_from = code;
    return 0;
}

const struct vmp_interp_class *
vmp_code_interp(uint64_t id, void **object)
{
    const struct vmp_interp_class *interp = NULL;
    const struct code *code;

    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code && !code->forgotten) {
        interp = code->key.code_class->interp;
        if (object)
            *object = (void *)(uintptr_t)code->key.object;
    }
    vmp_codes_unlock();
    return interp;
}

bool
vmp_code_is_alive(uint64_t id)
{
    const struct code *code;
    bool alive;

    vmp_codes_lock();
    code = vmp_code_find(id);
    alive = code && !code->forgotten;
    vmp_codes_unlock();
    return alive;
}

static int
check_name(const struct vmprof_code_class *code_class, const void *object,
           const char *full_name)
{
    if (!full_name)
        return code_class->options.full_name && object ? 0 : -EINVAL;
    if (strlen(full_name) >= VMPROF_NAME_SIZE)
        return -ENAMETOOLONG;
    return vmp_name_is_full(full_name) ? 0 : -EINVAL;
}

int
vmprof_register_code(struct vmprof_code_class *code_class, void *object,
                     const char *full_name, vmprof_code_id *out)
{
    struct code *code;
    bool ask;
    int r;

    if (!code_class)
        return -EINVAL;
    r = check_name(code_class, object, full_name);
    if (r < 0)
        return r;
    code = calloc(1, sizeof(*code));
    if (!code)
        return -ENOMEM;
    code->key.code_class = code_class;
    code->key.object = object;
    code->name = full_name ? strdup(full_name) : NULL;
    if (full_name && !code->name) {
        free(code);
        return -ENOMEM;
    }

    vmp_codes_lock();
    r = object && find_by_key(&code->key) ? -EEXIST : 0;
    if (r == 0)
        r = add_code(code);
    if (r == 0)
        *out = code->id;
    ask = vmp_code_table.naming && !full_name;
    vmp_codes_unlock();

    if (r < 0) {
        free(code->name);
        free(code);
    } else if (ask) {
        vmp_codes_name_rest();
    }
    return r;
}

vmprof_code_id
vmprof_get_unique_id(const struct vmprof_code_class *code_class,
                     const void *object)
{
    const struct object_key key = { code_class, object };
    struct code *code;
    vmprof_code_id id;

    if (!object)
        return 0;
    vmp_codes_lock();
    code = find_by_key(&key);
    id = code ? code->id : 0;
    vmp_codes_unlock();
    return id;
}

static void
free_code(struct code *code)
{
    if (vmp_code_table.nameless_from == code)
        vmp_code_table.nameless_from = code->by_id.next;
    HASH_DELETE(by_id, vmp_code_table.by_id, code);
    free(code->name);
    free(code);
}

static void
forget(struct code *code)
{
    if (code->key.object)
        HASH_DELETE(by_key, vmp_code_table.by_key, code);
    if (!vmp_code_table.keeping) {
        free_code(code);
        return;
    }
    code->forgotten = vmp_code_table.mark;
    code->next_forgotten = vmp_code_table.forgotten;
    vmp_code_table.forgotten = code;
}

int
vmprof_forget_code(vmprof_code_id id)
{
    struct code *code;

    vmp_candidate_forget(id);
    vmp_callbacks_lock();
    vmp_interp_forget_code(id);
    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code && code->forgotten)
        code = NULL;
    if (code)
        forget(code);
    vmp_codes_unlock();
    vmp_callbacks_unlock();
    return code ? 0 : -ENOENT;
}

size_t
vmp_code_name(uint64_t id, char buffer[VMPROF_NAME_SIZE])
{
    const struct code *code;
    int size;

    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code && code->name) {
        size = (int)strlen(code->name);
        memcpy(buffer, code->name, (size_t)size);
    } else {
        size = vmprof_format_name(buffer, VMPROF_NAME_SIZE,
                                  code ? code->key.code_class->name : "?",
                                  code ? "?" : "unknown", 0, "");
    }
    vmp_codes_unlock();
    return (size_t)size;
}

uint64_t
vmp_codes_mark(void)
{
    uint64_t now;

    vmp_codes_lock();
    now = vmp_code_table.mark++;
    vmp_codes_unlock();
    return now;
}

/* Free what was forgotten at a mark up to `until`. */
static void
bury(uint64_t until)
{
    struct code **link = &vmp_code_table.forgotten;

    while (*link) {
        struct code *const code = *link;
        if (code->forgotten <= until) {
            *link = code->next_forgotten;
            free_code(code);
        } else {
            link = &code->next_forgotten;
        }
    }
}

void
vmp_codes_bury(uint64_t until)
{
    vmp_codes_lock();
    bury(until);
    vmp_codes_unlock();
}

void
vmp_codes_keep_forgotten(bool keep)
{
    vmp_codes_lock();
    vmp_code_table.keeping = keep;
    if (!keep)
        bury(UINT64_MAX);
    vmp_codes_unlock();
}
