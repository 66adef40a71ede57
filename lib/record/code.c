/* SPDX-License-Identifier: MIT */

#include "code.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table that cannot grow is an error for the caller, not an exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../format/name.h"
#include "../sized.h"
#include "interp/candidates.h"
#include "interp/collect.h"
#include "lock.h"

enum {
    CLASS_OPTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_code_class_options, user),
    CLASS_NAME_MAX = 63,
    ID_STEP = 4,
};

struct vmprof_code_class {
    char *name;
    struct vmprof_code_class_options options;
    const struct vmp_interp_class *interp; /* NULL: not told */
    struct vmprof_code_class *next;
};

/* What a VM's object is found by. */
struct object_key {
    const struct vmprof_code_class *code_class;
    const void *object;
};

struct code {
    uint64_t id;
    struct object_key key; /* object NULL: found by id alone */
    char *name;            /* NULL: not asked for yet */
    bool asking;           /* its name function runs */
    uint64_t forgotten;    /* the mark at which it was, or 0: it lives */
    struct code *next_forgotten;
    UT_hash_handle by_id, by_key;
};

/* Over all that follows but the callbacks. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
/* Over callbacks, which may register codes and, on their own thread, forget
 * some. Taken before the other. */
static struct vmp_lock callbacks;

static struct vmprof_code_class *classes;
static struct code *codes_by_id, *codes_by_key;
static struct code *nameless_from; /* codes before it have names */
static struct code *forgotten_codes;
static uint64_t last_id, mark = 1;
static unsigned naming; /* sessions that want names */
static bool keeping;

static void
bury(uint64_t until);

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
    naming = 0;
    keeping = false;
    bury(UINT64_MAX);
    pthread_mutex_unlock(&mutex);
    /* Its owner is the parent's thread, so that nobody here can unlock it. */
    make_callback_mutex();
    callbacks.depth = 0;
    pthread_setcancelstate(callbacks.cancel_state, NULL);
}

static bool
is_class_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.";
    const size_t size = strlen(name);

    return size && size <= CLASS_NAME_MAX && strspn(name, allowed) == size;
}

static int
add_class(struct vmprof_code_class *code_class)
{
    for (struct vmprof_code_class *c = classes; c; c = c->next)
        if (!strcmp(c->name, code_class->name))
            return -EEXIST;
    code_class->next = classes;
    classes = code_class;
    return 0;
}

int
vmprof_register_code_class(const char *name,
                           const struct vmprof_code_class_options *options,
                           struct vmprof_code_class **out)
{
    struct vmprof_code_class *made;
    int r = 0;

    if (!name || !is_class_name(name))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    if (options)
        r = vmp_sized_import(&made->options, sizeof(made->options),
                             CLASS_OPTIONS_SIZE_0_1, options);
    if (r == 0) {
        made->name = strdup(name);
        r = made->name ? 0 : -ENOMEM;
    }
    if (r == 0) {
        pthread_mutex_lock(&mutex);
        r = add_class(made);
        pthread_mutex_unlock(&mutex);
    }
    if (r < 0) {
        free(made->name);
        free(made);
        return r;
    }
    *out = made;
    return 0;
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

static struct code *
find_by_key(const struct object_key *key)
{
    struct code *code;

    HASH_FIND(by_key, codes_by_key, key, sizeof(*key), code);
    return code;
}

static struct code *
find_by_id(uint64_t id)
{
    struct code *code;

    HASH_FIND(by_id, codes_by_id, &id, sizeof(id), code);
    return code;
}

static int
add_code(struct code *code)
{
    last_id += ID_STEP;
    code->id = last_id;
    HASH_ADD(by_id, codes_by_id, id, sizeof(code->id), code);
    if (!code->by_id.tbl)
        return -ENOMEM;
    if (code->key.object) {
        HASH_ADD(by_key, codes_by_key, key, sizeof(code->key), code);
        if (!code->by_key.tbl) {
            HASH_DELETE(by_id, codes_by_id, code);
            return -ENOMEM;
        }
    }
    if (!code->name && !nameless_from)
        nameless_from = code;
    return 0;
}

static struct code *
next_by_id(const struct code *code)
{
    return code->by_id.next;
}

int
vmp_code_class_set_interp(struct vmprof_code_class *code_class,
                          const struct vmp_interp_class *interp,
                          uint64_t *number)
{
    static uint64_t numbers;
    int r = -EALREADY;

    pthread_mutex_lock(&mutex);
    if (!code_class->interp) {
        *number = ++numbers;
        code_class->interp = interp;
        r = 0;
    }
    pthread_mutex_unlock(&mutex);
    return r;
}

const struct vmp_interp_class *
vmp_code_interp(uint64_t id, void **object)
{
    const struct vmp_interp_class *interp = NULL;
    const struct code *code;

    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    if (code && !code->forgotten) {
        interp = code->key.code_class->interp;
        if (object)
            *object = (void *)(uintptr_t)code->key.object;
    }
    pthread_mutex_unlock(&mutex);
    return interp;
}

bool
vmp_code_is_alive(uint64_t id)
{
    const struct code *code;
    bool alive;

    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    alive = code && !code->forgotten;
    pthread_mutex_unlock(&mutex);
    return alive;
}

bool
vmp_code_ask_name(uint64_t id)
{
    const struct vmprof_code_class *code_class = NULL;
    void *object = NULL;
    bool has_name;
    struct code *code;
    char *name;

    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    if (code && !code->name && !code->forgotten && !code->asking) {
        code->asking = true;
        code_class = code->key.code_class;
        object = (void *)(uintptr_t)code->key.object;
    }
    pthread_mutex_unlock(&mutex);
    if (!code_class)
        return true;
    name = ask_name(code_class, object);
    has_name = name != NULL;
    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    if (code && !code->name) {
        code->name = name;
        code->asking = false;
        name = NULL;
    }
    pthread_mutex_unlock(&mutex);
    free(name);
    return has_name;
}

/* Name one code that has no name yet. Returns false when there is none. Called
 * with the callback lock, so that the code is not forgotten meanwhile by
 * another thread. */
static bool
name_one(void)
{
    struct code *code;
    uint64_t id;

    pthread_mutex_lock(&mutex);
    for (code = nameless_from;
         code && (code->name || code->forgotten || code->asking);)
        code = next_by_id(code);
    nameless_from = code;
    id = code ? code->id : 0;
    pthread_mutex_unlock(&mutex);
    return id && vmp_code_ask_name(id);
}

void
vmp_codes_name_all(void)
{
    pthread_mutex_lock(&mutex);
    naming++;
    pthread_mutex_unlock(&mutex);

    vmp_callbacks_lock();
    while (name_one())
        ;
    vmp_callbacks_unlock();
}

void
vmp_codes_name_all_end(void)
{
    pthread_mutex_lock(&mutex);
    if (naming) /* a name function may have forked */
        naming--;
    pthread_mutex_unlock(&mutex);
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

    pthread_mutex_lock(&mutex);
    r = object && find_by_key(&code->key) ? -EEXIST : 0;
    if (r == 0)
        r = add_code(code);
    if (r == 0)
        *out = code->id;
    ask = naming && !full_name;
    pthread_mutex_unlock(&mutex);

    if (r < 0) {
        free(code->name);
        free(code);
    } else if (ask) {
        vmp_callbacks_lock();
        while (name_one())
            ;
        vmp_callbacks_unlock();
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
    pthread_mutex_lock(&mutex);
    code = find_by_key(&key);
    id = code ? code->id : 0;
    pthread_mutex_unlock(&mutex);
    return id;
}

static void
free_code(struct code *code)
{
    if (nameless_from == code)
        nameless_from = next_by_id(code);
    HASH_DELETE(by_id, codes_by_id, code);
    free(code->name);
    free(code);
}

static void
forget(struct code *code)
{
    if (code->key.object)
        HASH_DELETE(by_key, codes_by_key, code);
    if (!keeping) {
        free_code(code);
        return;
    }
    code->forgotten = mark;
    code->next_forgotten = forgotten_codes;
    forgotten_codes = code;
}

int
vmprof_forget_code(vmprof_code_id id)
{
    struct code *code;

    vmp_callbacks_lock();
    vmp_interp_forget_code(id);
    vmp_codes_lock();
    code = find_by_id(id);
    if (code && code->forgotten)
        code = NULL;
    if (code)
        forget(code);
    vmp_codes_unlock();
    vmp_callbacks_unlock();
    /* Now nobody adds one any more. */
    vmp_candidate_forget(id);
    return code ? 0 : -ENOENT;
}

size_t
vmp_code_name(uint64_t id, char buffer[VMPROF_NAME_SIZE])
{
    const struct code *code;
    int size;

    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    if (code && code->name) {
        size = (int)strlen(code->name);
        memcpy(buffer, code->name, (size_t)size);
    } else {
        size = vmprof_format_name(buffer, VMPROF_NAME_SIZE,
                                  code ? code->key.code_class->name : "?",
                                  code ? "?" : "unknown", 0, "");
    }
    pthread_mutex_unlock(&mutex);
    return (size_t)size;
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
    pthread_mutex_lock(&mutex);
    code = find_by_id(id);
    if (code && !code->forgotten) {
        code_class = code->key.code_class;
        object = (void *)(uintptr_t)code->key.object;
    }
    pthread_mutex_unlock(&mutex);
    if (code_class)
        r = ask_place(code_class, object, position, place);
    vmp_callbacks_unlock();
    return r;
}

uint64_t
vmp_codes_mark(void)
{
    uint64_t now;

    pthread_mutex_lock(&mutex);
    now = mark++;
    pthread_mutex_unlock(&mutex);
    return now;
}

/* Free what was forgotten at a mark up to `until`. */
static void
bury(uint64_t until)
{
    struct code **link = &forgotten_codes;

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
    pthread_mutex_lock(&mutex);
    bury(until);
    pthread_mutex_unlock(&mutex);
}

void
vmp_codes_keep_forgotten(bool keep)
{
    pthread_mutex_lock(&mutex);
    keeping = keep;
    if (!keep)
        bury(UINT64_MAX);
    pthread_mutex_unlock(&mutex);
}
