/* SPDX-License-Identifier: MIT */

/* Copies values from one heap to another, cycles and shared parts included. */
#include "memory.h"
#include "thread.h"

#include <stdlib.h>

struct copier {
    struct heap *target;
    struct cell **copied; /* cells whose link is their copy */
    size_t count;
    size_t capacity;
    const char *error;
};

static struct cell *
new_copy(struct copier *copier, struct value value)
{
    switch (value.type) {
    case VALUE_STRING:
        return &heap_new_string(copier->target, value.string->bytes,
                                value.string->length)
                    ->cell;
    case VALUE_LIST:
        return &heap_new_list(copier->target)->cell;
    case VALUE_OBJECT:
        return &heap_new_object(copier->target)->cell;
    default:
        copier->error = "a coroutine or thread cannot go to another thread";
        return NULL;
    }
}

/* The copy, which is filled later. */
static struct value
copy_one(struct copier *copier, struct value value)
{
    struct cell *copy;

    if (!value_is_cell(value) || value.cell->shared)
        return value;
    if (value.cell->link)
        return value_cell(value.type, value.cell->link);
    copy = new_copy(copier, value);
    if (!copy)
        return value_nil();
    value.cell->link = copy;
    copier->copied = make_room(copier->copied, copier->count, &copier->capacity,
                               sizeof(*copier->copied));
    copier->copied[copier->count++] = value.cell;
    return value_cell(value.type, copy);
}

static void
fill_list(struct copier *copier, const struct list *from, struct list *to)
{
    for (size_t i = 0; i < from->count; i++)
        list_push(copier->target, to, copy_one(copier, from->items[i]));
}

static void
fill_object(struct copier *copier, const struct object *from, struct object *to)
{
    for (size_t i = 0; i < from->count; i++) {
        struct attribute *attribute = &from->attributes[i];
        struct value name =
            copy_one(copier, value_cell(VALUE_STRING, attribute->name));

        object_set(copier->target, to, name.string,
                   copy_one(copier, attribute->value));
    }
}

static void
fill(struct copier *copier, struct cell *from)
{
    struct value source = value_cell(from->type, from);
    struct value copy = value_cell(from->type, from->link);

    if (from->type == VALUE_LIST)
        fill_list(copier, source.list, copy.list);
    else if (from->type == VALUE_OBJECT)
        fill_object(copier, source.object, copy.object);
}

const char *
copy_value(struct heap *target, struct value value, struct value *out)
{
    struct copier copier = { .target = target };

    *out = copy_one(&copier, value);
    for (size_t i = 0; i < copier.count && !copier.error; i++)
        fill(&copier, copier.copied[i]);
    for (size_t i = 0; i < copier.count; i++)
        copier.copied[i]->link = NULL;
    free(copier.copied);
    return copier.error;
}
