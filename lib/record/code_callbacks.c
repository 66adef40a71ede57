/* SPDX-License-Identifier: MIT */

/* Asking a class for the names and places of its codes. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../format/name.h"
#include "code.h"
#include "code_table.h"
#include "lock.h"

/* Over callbacks, which may register codes and, on their own thread, forget
 * some. Taken before the codes' own. */
static struct vmp_lock callbacks;

/* A recursive mutex, which has no initializer in POSIX. Before the constructors
 * of the program, which may register codes. */
__attribute__((constructor(101))) static void
make_callback_mutex(void)
{
    pthread_mutexattr_t recursive;

    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&callbacks.mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
}

void
vmp_callbacks_lock(void)
{
    vmp_lock(&callbacks);
}

void
vmp_callbacks_unlock(void)
{
    vmp_unlock(&callbacks);
}

void
vmp_callbacks_leave_to_parent(void)
{
    /* Its owner is the parent's thread, so that nobody here can unlock it. */
    make_callback_mutex();
    callbacks.depth = 0;
    pthread_setcancelstate(callbacks.cancel_state, NULL);
}

/* What the callback said, made into a full name if it was none. */
static char *
ask_name(const struct vmprof_code_class *code_class, void *object)
{
    char said[VMPROF_NAME_SIZE + 1] = "", name[VMPROF_NAME_SIZE];
    const int size = code_class->options.full_name(
        code_class->options.user, object, said, VMPROF_NAME_SIZE);

    said[VMPROF_NAME_SIZE] = 0;
    if (size >= 0 && vmp_name_is_full(said) && size < VMPROF_NAME_SIZE)
        return strdup(said);
    if (size >= 0 && strlen(said) == VMPROF_NAME_SIZE - 1) {
        vmp_name_cut(name, said);
        if (vmp_name_is_full(name))
            return strdup(name);
    }
    vmprof_format_name(name, sizeof(name), code_class->name,
                       size < 0 ? "?" : said, 0, "");
    return strdup(name);
}

/* Whether a code has to be asked for, and nobody does. */
static bool
wants_name(const struct code *code)
{
    return !code->name && !code->forgotten && !code->asking;
}

/*
 * Ask for the name of a code that wants one. Called and left with the codes'
 * lock, which is let go meanwhile, and with that of the callbacks, so that no
 * other thread forgets the code. Returns false if there is no memory for it.
 */
static bool
name_code(struct code *code)
{
    const struct vmprof_code_class *const code_class = code->key.code_class;
    void *const object = (void *)(uintptr_t)code->key.object;
    const uint64_t id = code->id;
    char *name;
    bool is_named;

    code->asking = true;
    vmp_codes_unlock();
    name = ask_name(code_class, object);
    is_named = name;
    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code)
        code->asking = false;
    if (code && !code->name)
        code->name = name;
    else
        free(name);
    return is_named;
}

void
vmp_code_ask_name(uint64_t id)
{
    struct code *code;

    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code && wants_name(code))
        name_code(code);
    vmp_codes_unlock();
}

static struct code *
next_nameless(void)
{
    struct code *code = vmp_code_table.nameless_from;

    while (code && !wants_name(code))
        code = code->by_id.next;
    vmp_code_table.nameless_from = code;
    return code;
}

void
vmp_codes_name_rest(void)
{
    struct code *code;

    vmp_callbacks_lock();
    vmp_codes_lock();
    do
        code = next_nameless();
    while (code && name_code(code));
    vmp_codes_unlock();
    vmp_callbacks_unlock();
}

void
vmp_codes_name_all(void)
{
    vmp_codes_lock();
    vmp_code_table.naming++;
    vmp_codes_unlock();
    vmp_codes_name_rest();
}

void
vmp_codes_name_all_end(void)
{
    vmp_codes_lock();
    if (vmp_code_table.naming) /* a name function may have forked */
        vmp_code_table.naming--;
    vmp_codes_unlock();
}

static int
ask_place(const struct vmprof_code_class *code_class, void *object,
          uint64_t position, struct vmp_place *place)
{
    struct vmprof_location location = { 0 };
    int r = 0;

    if (code_class->options.locate)
        r = code_class->options.locate(code_class->options.user, object,
                                       (uintptr_t)position, &location);
    else
        location.offset = position;
    if (r < 0)
        return -ENOENT;
    *place = (struct vmp_place){ location.offset, location.line, true };
    return 0;
}

int
vmp_code_place(uint64_t id, uint64_t position, struct vmp_place *place)
{
    const struct vmprof_code_class *code_class = NULL;
    const struct code *code;
    void *object = NULL;
    int r = -ENOENT;

    vmp_callbacks_lock();
    vmp_codes_lock();
    code = vmp_code_find(id);
    if (code && !code->forgotten) {
        code_class = code->key.code_class;
        object = (void *)(uintptr_t)code->key.object;
    }
    vmp_codes_unlock();
    if (code_class)
        r = ask_place(code_class, object, position, place);
    vmp_callbacks_unlock();
    return r;
}
