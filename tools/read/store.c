/* SPDX-License-Identifier: MIT */

/* The tables of a profile: texts, sessions, threads and stacks. */
#include "store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
grow_array(void **array, uint32_t *capacity, uint32_t count, size_t member_size)
{
    const uint32_t more = *capacity ? *capacity * 2 : 16;
    void *bigger;

    if (count < *capacity)
        return 0;
    /* Half of the range, so that indexes are also good as int. */
    if (more > INT32_MAX)
        return -ENOMEM;
    bigger = reallocarray(*array, more, member_size);
    if (!bigger)
        return -ENOMEM;
    *array = bigger;
    *capacity = more;
    return 0;
}

struct text *
intern_text(struct text **set, const void *bytes, size_t size)
{
    struct text *text;

    HASH_FIND(hh, *set, bytes, (unsigned)size, text);
    if (text)
        return text;
    text = malloc(sizeof(*text) + size + 1);
    if (!text)
        return NULL;
    memcpy(text->bytes, bytes, size);
    text->bytes[size] = '\0';
    text->code = -1;
    HASH_ADD_KEYPTR(hh, *set, text->bytes, (unsigned)size, text);
    if (!text->hh.tbl) {
        free(text);
        return NULL;
    }
    return text;
}

const char *
store_text(struct profile *profile, const void *bytes, size_t size)
{
    char *copy = memchr(bytes, '\0', size) ? malloc(size) : NULL;
    const struct text *text;

    if (copy) {
        for (size_t i = 0; i < size; i++) {
            const char c = ((const char *)bytes)[i];
            copy[i] = c ? c : '?';
        }
        bytes = copy;
    }
    text = intern_text(&profile->private->texts, bytes, size);
    free(copy);
    return text ? text->bytes : NULL;
}

int
store_session(struct profile *profile)
{
    struct profile_private *private = profile->private;
    struct session *session;

    if (grow_array((void **)&profile->sessions, &private->session_capacity,
                   profile->session_count, sizeof(*profile->sessions)))
        return -ENOMEM;
    session = &profile->sessions[profile->session_count];
    memset(session, 0, sizeof(*session));
    session->vm_name = session->program = session->os = "";
    session->machine = session->library_version = "";
    return (int)profile->session_count++;
}

int
store_thread(struct profile *profile, uint32_t session)
{
    struct profile_private *private = profile->private;

    if (grow_array((void **)&profile->threads, &private->thread_capacity,
                   profile->thread_count, sizeof(*profile->threads)))
        return -ENOMEM;
    profile->threads[profile->thread_count] =
        (struct thread){ .session = session, .name = "" };
    return (int)profile->thread_count++;
}

int64_t
store_module(struct profile *profile, const struct module *module)
{
    struct profile_private *private = profile->private;

    if (grow_array((void **)&profile->modules, &private->module_capacity,
                   profile->module_count, sizeof(*profile->modules)))
        return -ENOMEM;
    profile->modules[profile->module_count] = *module;
    return profile->module_count++;
}

/* A number for the code, the line and where that is. */
static int64_t
intern_point(struct profile_private *private, const struct frame *frame)
{
    bool is_new;
    const int64_t place =
        vmp_intern(&private->places, frame->code, frame->line, &is_new);
    const int64_t origin = vmp_intern(
        &private->origins, (uint64_t)frame->module << 32 | frame->inlined_into,
        (uintptr_t)frame->file, &is_new);

    if (place < 0 || origin < 0)
        return -ENOMEM;
    return vmp_intern(&private->points, (uint64_t)place, (uint64_t)origin,
                      &is_new);
}

int64_t
store_frame(struct profile *profile, const struct frame *frame)
{
    struct profile_private *private = profile->private;
    bool is_new;
    int64_t index = intern_point(private, frame);

    if (index < 0)
        return -ENOMEM;
    if (grow_array((void **)&profile->frames, &private->frame_capacity,
                   profile->frame_count, sizeof(*profile->frames)))
        return -ENOMEM;
    index =
        vmp_intern(&private->frames,
                   (uint64_t)index << 8 | frame->kind << 1 | frame->has_offset,
                   frame->has_offset ? frame->offset : frame->trace, &is_new);
    if (index < 0)
        return -ENOMEM;
    if (is_new)
        profile->frames[profile->frame_count++] = *frame;
    return index;
}

int64_t
store_node(struct profile *profile, uint32_t parent, uint32_t frame)
{
    struct profile_private *private = profile->private;
    bool is_new;
    int64_t index;

    if (grow_array((void **)&profile->nodes, &private->node_capacity,
                   profile->node_count, sizeof(*profile->nodes)))
        return -ENOMEM;
    index = vmp_intern(&private->nodes, parent, frame, &is_new);
    if (index < 0)
        return -ENOMEM;
    if (is_new)
        profile->nodes[profile->node_count++] = (struct node){
            .parent = parent,
            .frame = frame,
            .depth = profile->nodes[parent].depth + 1,
        };
    return index;
}

/* The root is its own parent, with a frame that no other node can have. */
static int
add_root(struct profile *profile)
{
    struct profile_private *private = profile->private;
    bool is_new;

    if (grow_array((void **)&profile->nodes, &private->node_capacity, 0,
                   sizeof(*profile->nodes)) ||
        vmp_intern(&private->nodes, 0, UINT64_MAX, &is_new) < 0)
        return -ENOMEM;
    profile->nodes[profile->node_count++] = (struct node){ 0 };
    return 0;
}

static int
add_fixed_entries(struct profile *profile)
{
    const struct code unknown = { 0, "", "[unknown]", "", "", 0 };
    const struct code cut = { 0, "", "[truncated]", "", "", 0 };
    const struct frame cut_frame = { .code = CODE_CUT };
    const struct module none = { .path = "", .build_id = "" };

    if (store_add_code(profile, &unknown) < 0 ||
        store_add_code(profile, &cut) < 0 || store_module(profile, &none) < 0 ||
        store_frame(profile, &cut_frame) < 0)
        return -ENOMEM;
    return add_root(profile);
}

int
store_open(struct profile *profile)
{
    profile->private = calloc(1, sizeof(*profile->private));
    if (!profile->private)
        return -ENOMEM;
    return add_fixed_entries(profile);
}

static void
free_texts(struct text **set)
{
    struct text *text, *next;

    HASH_ITER(hh, *set, text, next)
    {
        HASH_DEL(*set, text);
        free(text);
    }
}

void
store_close(struct profile *profile)
{
    struct profile_private *private = profile->private;

    if (private) {
        free_texts(&private->texts);
        free_texts(&private->names);
        free_texts(&private->natives);
        vmp_intern_free(&private->places);
        vmp_intern_free(&private->origins);
        vmp_intern_free(&private->points);
        vmp_intern_free(&private->frames);
        vmp_intern_free(&private->nodes);
        free(private);
    }
    for (uint32_t i = 0; i < profile->session_count; i++)
        free(profile->sessions[i].recorded);
    free(profile->sessions);
    free(profile->threads);
    free(profile->codes);
    free(profile->modules);
    free(profile->frames);
    free(profile->nodes);
    free(profile->readouts);
    free(profile->type_sites);
    free(profile->type_tuples);
    free(profile->words);
    free(profile->gathered.counts);
    free(profile->gathered.lines);
    free(profile->gathered.calls);
    traces_free(&profile->traces);
    memset(profile, 0, sizeof(*profile));
}
