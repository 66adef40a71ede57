/* SPDX-License-Identifier: MIT */

#include "codes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "uids.h"

enum {
    FIRST_SIZE = 1024,
    MOST_PART = VMPROF_NAME_SIZE, /* more than is kept of one */
};

/* Over the table; nothing else is called with it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void
rvm_codes_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void
rvm_codes_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

/* One for all: what a name begins with is the VM's to say. */
static struct vmprof_code_class *code_class;

static void
make_class(void)
{
    if (vmprof_register_code_class("rvmprof", NULL, &code_class) < 0)
        code_class = NULL;
}

/* Copy up to a colon, or to the end. Returns what comes behind it, or NULL. */
static const char *
take_part(char *to, const char *from)
{
    const size_t size = strcspn(from, ":");
    const size_t kept = size < MOST_PART ? size : MOST_PART;

    memcpy(to, from, kept);
    to[kept] = 0;
    return from[size] ? from + size + 1 : NULL;
}

static unsigned
count_colons(const char *name)
{
    unsigned count = 0;

    for (; *name; name++)
        count += *name == ':';
    return count;
}

/* A name of another form, or one too long, or with what stands for a colon. A
 * file keeps its colons. */
static void
format_name(char *to, const char *name)
{
    char language[MOST_PART + 1], function[MOST_PART + 1], line[MOST_PART + 1];
    const char *rest = name;

    if (count_colons(name) < 3) {
        vmprof_format_name(to, VMPROF_NAME_SIZE, "?", name, 0, "");
        return;
    }
    rest = take_part(language, rest);
    rest = take_part(function, rest);
    rest = take_part(line, rest);
    vmprof_format_name(to, VMPROF_NAME_SIZE, language, function,
                       strtol(line, NULL, 10), rest);
}

static bool
can_be_kept(const char *name)
{
    return count_colons(name) == 3 && strlen(name) < VMPROF_NAME_SIZE &&
           !strchr(name, '%');
}

static int
give_id(const char *name, vmprof_code_id *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char formatted[VMPROF_NAME_SIZE];

    pthread_once(&once, make_class);
    if (!code_class)
        return -ENOMEM;
    if (can_be_kept(name))
        return vmprof_register_code(code_class, NULL, name, out);
    format_name(formatted, name);
    return vmprof_register_code(code_class, NULL, formatted, out);
}

/* Under the mutex. */
static struct rvm_uids *
grow(struct rvm_uids *from)
{
    const size_t size = from ? from->size * 2 : FIRST_SIZE;
    struct rvm_uids *const to =
        calloc(1, sizeof(*to) + size * sizeof(*to->slots));

    if (!to)
        return NULL;
    to->size = size;
    to->smaller = from;
    for (size_t i = 0; from && i < from->size; i++) {
        const intptr_t uid = atomic_load(&from->slots[i].uid);
        struct rvm_uid *slot;

        if (!uid)
            continue;
        slot = rvm_uid_slot(to, uid);
        slot->code = from->slots[i].code;
        atomic_store_explicit(&slot->uid, uid, memory_order_relaxed);
        to->used++;
    }
    /* Pairs with the acquire of who looks something up. */
    atomic_store_explicit(&rvm_uids, to, memory_order_release);
    return to;
}

/* Returns 1 if somebody else was faster, 0, or -ENOMEM; under the mutex. */
static int
insert(intptr_t uid, vmprof_code_id code)
{
    struct rvm_uids *uids = atomic_load(&rvm_uids);
    struct rvm_uid *slot;

    if (!uids || uids->used * 2 >= uids->size)
        uids = grow(uids);
    if (!uids)
        return -ENOMEM;
    slot = rvm_uid_slot(uids, uid);
    if (atomic_load(&slot->uid))
        return 1;
    slot->code = code;
    atomic_store_explicit(&slot->uid, uid, memory_order_release);
    uids->used++;
    return 0;
}

int
rvm_register_code(const char *name, intptr_t uid)
{
    vmprof_code_id code;
    int r;

    if (!uid || !name)
        return -EINVAL;
    if (rvm_code_of(uid))
        return 0;
    r = give_id(name, &code);
    if (r < 0)
        return r;
    rvm_codes_lock();
    r = insert(uid, code);
    rvm_codes_unlock();
    if (r)
        vmprof_forget_code(code);
    return r < 0 ? r : 0;
}
