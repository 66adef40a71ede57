/* SPDX-License-Identifier: MIT */

/* Making cells, and what lists and objects can do. See collect.c. */
#include "events.h"

#include "memory.h"

#include <string.h>

#define FIRST_THRESHOLD (1024 * 1024)

void
heap_init(struct heap *heap)
{
    memset(heap, 0, sizeof(*heap));
    heap->threshold = FIRST_THRESHOLD;
}

void *
heap_new(struct heap *heap, enum value_type type, size_t size)
{
    struct cell *cell = allocate(size);

    cell->type = type;
    cell->next = heap->cells;
    heap->cells = cell;
    heap->size += size;
    events_allocated(heap, cell, size);
    return cell;
}

struct string *
heap_new_string(struct heap *heap, const char *bytes, size_t length)
{
    struct string *string =
        heap_new(heap, VALUE_STRING, sizeof(*string) + length + 1);

    string->length = length;
    if (length > 0)
        memcpy(string->bytes, bytes, length);
    return string;
}

struct list *
heap_new_list(struct heap *heap)
{
    return heap_new(heap, VALUE_LIST, sizeof(struct list));
}

struct object *
heap_new_object(struct heap *heap)
{
    return heap_new(heap, VALUE_OBJECT, sizeof(struct object));
}

void
list_push(struct heap *heap, struct list *list, struct value value)
{
    list->items = make_room(list->items, list->count, &list->capacity,
                            sizeof(*list->items));
    list->items[list->count++] = value;
    heap->size += sizeof(value);
}

/* Names are mostly the same constant, so the pointer is looked at first. */
static bool
same_name(const struct string *a, const struct string *b)
{
    return a == b || (a->length == b->length &&
                      memcmp(a->bytes, b->bytes, a->length) == 0);
}

struct value *
object_find(const struct object *object, const struct string *name)
{
    for (size_t i = 0; i < object->count; i++) {
        if (same_name(object->attributes[i].name, name))
            return &object->attributes[i].value;
    }
    return NULL;
}

void
object_set(struct heap *heap, struct object *object, struct string *name,
           struct value value)
{
    struct value *found = object_find(object, name);

    if (found) {
        *found = value;
        return;
    }
    object->attributes =
        make_room(object->attributes, object->count, &object->capacity,
                  sizeof(*object->attributes));
    object->attributes[object->count++] =
        (struct attribute){ .name = name, .value = value };
    heap->size += sizeof(struct attribute);
}
