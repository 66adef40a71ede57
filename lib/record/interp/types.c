/* SPDX-License-Identifier: MIT */

#include "types.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "settings.h"

struct type {
    uint32_t id;
    uint32_t holders; /* tuples */
    bool forgotten;
    struct type *older; /* of the same name, living */
    UT_hash_handle by_id, by_name;
    size_t key_size;
    char key[]; /* the class's address and the name */
};

enum {
    CLASS_SIZE = sizeof(struct vmprof_code_class *),
};

static struct type *types_by_id, *types_by_name;
static uint32_t last_id;

static struct type *
find(uint32_t id)
{
    struct type *type;

    HASH_FIND(by_id, types_by_id, &id, sizeof(id), type);
    return type;
}

static struct type *
find_named(const void *key, size_t size)
{
    struct type *type;

    HASH_FIND(by_name, types_by_name, key, size, type);
    return type;
}

static struct type *
new_type(const struct vmprof_code_class *code_class, const char *name)
{
    const size_t size = strlen(name);
    struct type *const type = calloc(1, sizeof(*type) + CLASS_SIZE + size + 1);

    if (!type)
        return NULL;
    memcpy(type->key, &code_class, CLASS_SIZE);
    memcpy(type->key + CLASS_SIZE, name, size);
    type->key_size = CLASS_SIZE + size;
    return type;
}

static int
add(struct type *type)
{
    struct type *const older = find_named(type->key, type->key_size);

    if (last_id == UINT32_MAX - 2) /* the last ones are of no type, see keys */
        return -EOVERFLOW;
    type->id = last_id + 1;
    HASH_ADD(by_id, types_by_id, id, sizeof(type->id), type);
    if (!type->by_id.tbl)
        return -ENOMEM;
    HASH_ADD_KEYPTR(by_name, types_by_name, type->key, type->key_size, type);
    if (!type->by_name.tbl) {
        HASH_DELETE(by_id, types_by_id, type);
        return -ENOMEM;
    }
    if (older)
        HASH_DELETE(by_name, types_by_name, older);
    type->older = older;
    last_id++;
    return 0;
}

int
vmprof_register_type(struct vmprof_code_class *code_class, const char *name,
                     vmprof_type_id *out)
{
    struct type *type;
    int r;

    if (!code_class || !name || !*name)
        return -EINVAL;
    if (strlen(name) >= VMPROF_NAME_SIZE)
        return -ENAMETOOLONG;
    type = new_type(code_class, name);
    if (!type)
        return -ENOMEM;
    vmp_interp_lock();
    r = add(type);
    if (r == 0)
        *out = type->id;
    vmp_interp_unlock();
    if (r < 0)
        free(type);
    return r;
}

/* Take a type out of those of its name. */
static void
unname(struct type *type)
{
    struct type *const youngest = find_named(type->key, type->key_size);

    if (youngest != type) {
        struct type *younger = youngest;

        while (younger && younger->older != type)
            younger = younger->older;
        if (younger)
            younger->older = type->older;
        return;
    }
    HASH_DELETE(by_name, types_by_name, type);
    /* If it was alone there, this may lack memory: then the older ones have no
     * name to be found by any more. */
    if (type->older)
        HASH_ADD_KEYPTR(by_name, types_by_name, type->older->key,
                        type->older->key_size, type->older);
}

static void
bury(struct type *type)
{
    HASH_DELETE(by_id, types_by_id, type);
    free(type);
}

int
vmprof_forget_type(vmprof_type_id id)
{
    struct type *type;
    bool found;

    vmp_interp_lock();
    type = find(id);
    found = type && !type->forgotten;
    if (found) {
        unname(type);
        type->forgotten = true;
        if (!type->holders)
            bury(type);
    }
    vmp_interp_unlock();
    return found ? 0 : -ENOENT;
}

vmprof_type_id
vmprof_find_type(const struct vmprof_code_class *code_class, const char *name)
{
    char key[CLASS_SIZE + VMPROF_NAME_SIZE];
    const size_t size = name ? strnlen(name, VMPROF_NAME_SIZE) : 0;
    const struct type *type;
    vmprof_type_id id;

    if (!size || size == VMPROF_NAME_SIZE)
        return 0;
    memcpy(key, &code_class, CLASS_SIZE);
    memcpy(key + CLASS_SIZE, name, size);
    vmp_interp_lock();
    type = find_named(key, CLASS_SIZE + size);
    id = type ? type->id : 0;
    vmp_interp_unlock();
    return id;
}

void
vmp_type_hold(vmprof_type_id id)
{
    struct type *const type = find(id);

    if (type)
        type->holders++;
}

void
vmp_type_release(vmprof_type_id id)
{
    struct type *const type = find(id);

    /* One that was registered while the tuple had its id already. */
    if (!type || !type->holders)
        return;
    type->holders--;
    if (type->forgotten && !type->holders)
        bury(type);
}

const char *
vmp_type_name(vmprof_type_id id)
{
    const struct type *const type = id ? find(id) : NULL;

    if (!id)
        return "<NULL>";
    return type ? type->key + CLASS_SIZE : "<forgotten>";
}
