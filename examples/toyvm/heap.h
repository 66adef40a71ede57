/* SPDX-License-Identifier: MIT */

/*
 * The heap of one VM thread: strings, lists and objects, and a collector that
 * marks and sweeps. No other thread ever touches it, so there is no lock.
 */
#ifndef TOY_HEAP_H
#define TOY_HEAP_H

#include "value.h"

struct interp;

struct cell {
    struct cell *next; /* all cells of the heap */
    struct cell *link; /* while marking: to be scanned; while copying: where
                           the copy is */
    enum value_type type;
    bool marked;
    bool shared; /* a constant of the program: in no heap, never written */
};

struct string {
    struct cell cell;
    size_t length;
    char bytes[];
};

struct list {
    struct cell cell;
    struct value *items;
    size_t count;
    size_t capacity;
};

struct attribute {
    struct string *name;
    struct value value;
};

struct object {
    struct cell cell;
    struct attribute *attributes;
    size_t count;
    size_t capacity;
};

/* The handle of a VM thread; NULL once it has been joined. */
struct thread {
    struct cell cell;
    struct vm_thread *running;
};

struct heap {
    struct cell *cells;
    size_t size;      /* bytes in use, about */
    size_t threshold; /* collect when size is over this */
};

void
heap_init(struct heap *heap);

/* A zeroed cell of a given type. Never collects: see heap_collect(). */
void *
heap_new(struct heap *heap, enum value_type type, size_t size);

struct string *
heap_new_string(struct heap *heap, const char *bytes, size_t length);

struct list *
heap_new_list(struct heap *heap);

struct object *
heap_new_object(struct heap *heap);

void
list_push(struct heap *heap, struct list *list, struct value value);

/* NULL if there is none of that name. */
struct value *
object_find(const struct object *object, const struct string *name);

void
object_set(struct heap *heap, struct object *object, struct string *name,
           struct value value);

/*
 * Free what the running coroutine and those that wait for it cannot reach. To
 * be called between two instructions only, when all that lives is on a stack:
 * so no C function ever has to protect a value that it works on.
 */
void
heap_collect(struct interp *interp);

/* Free every cell. */
void
heap_free(struct interp *interp);

#endif
