/* SPDX-License-Identifier: MIT */

/* The collector: marks without recursion, sweeps, and tells the profiler. */
#include "events.h"

#include <stdlib.h>

#define LEAST_THRESHOLD (1024 * 1024)

static void
mark(struct cell **gray, struct value value)
{
    if (!value_is_cell(value) || value.cell->shared || value.cell->marked)
        return;
    value.cell->marked = true;
    value.cell->link = *gray;
    *gray = value.cell;
}

static void
scan_coroutine(struct cell **gray, const struct coroutine *coroutine)
{
    for (const struct frame *frame = coroutine->frame; frame;
         frame = frame->caller) {
        for (const struct value *slot = frame->slots; slot < frame->sp; slot++)
            mark(gray, *slot);
    }
}

static void
scan(struct cell **gray, struct value value)
{
    switch (value.type) {
    case VALUE_LIST:
        for (size_t i = 0; i < value.list->count; i++)
            mark(gray, value.list->items[i]);
        break;
    case VALUE_OBJECT:
        for (size_t i = 0; i < value.object->count; i++) {
            mark(gray,
                 value_cell(VALUE_STRING, value.object->attributes[i].name));
            mark(gray, value.object->attributes[i].value);
        }
        break;
    case VALUE_COROUTINE:
        scan_coroutine(gray, value.coroutine);
        break;
    default:
        break;
    }
}

static void
mark_all(struct interp *interp)
{
    struct cell *gray = NULL;

    for (struct coroutine *coroutine = interp->current; coroutine;
         coroutine = coroutine->resumer) {
        mark(&gray, value_cell(VALUE_COROUTINE, coroutine));
        scan_coroutine(&gray, coroutine);
    }
    while (gray) {
        struct cell *cell = gray;

        gray = cell->link;
        cell->link = NULL;
        scan(&gray, value_cell(cell->type, cell));
    }
}

/* Coroutines that nobody can resume any more end, while all that is in their
 * frames is still there to be looked at. */
static void
tell_of_coroutines(struct interp *interp)
{
    if (!events_want(interp, VMPROF_EVENT_UNWIND))
        return;
    for (struct cell *cell = interp->heap.cells; cell; cell = cell->next) {
        if (cell->type == VALUE_COROUTINE && !cell->marked)
            coroutine_drop(interp, value_cell(cell->type, cell).coroutine);
    }
}

/* What a thread leaves behind is not told of. */
static void
tell_of_free(struct interp *interp, struct value value)
{
    if (VMPROF_EXPECT(events_want(interp, VMPROF_EVENT_FREE), 0))
        events_tell(interp, VMPROF_EVENT_FREE, 0, &value);
}

static void
free_cell(struct interp *interp, struct value value)
{
    if (value.type == VALUE_LIST)
        free(value.list->items);
    else if (value.type == VALUE_OBJECT)
        free(value.object->attributes);
    else if (value.type == VALUE_COROUTINE)
        coroutine_release(interp, value.coroutine);
    free(value.cell);
}

static size_t
size_of(struct value value)
{
    switch (value.type) {
    case VALUE_STRING:
        return sizeof(struct string) + value.string->length + 1;
    case VALUE_LIST:
        return sizeof(struct list) + value.list->count * sizeof(struct value);
    case VALUE_OBJECT:
        return sizeof(struct object) +
               value.object->count * sizeof(struct attribute);
    case VALUE_COROUTINE:
        return sizeof(struct coroutine) +
               (value.coroutine->frame ? SEGMENT_SIZE : 0);
    default:
        return sizeof(struct thread);
    }
}

/* Free all that is not marked; unmark the others. */
static void
sweep(struct interp *interp, bool is_running)
{
    struct cell **place = &interp->heap.cells;

    interp->heap.size = 0;
    while (*place) {
        struct cell *cell = *place;
        struct value value = value_cell(cell->type, cell);

        if (cell->marked) {
            cell->marked = false;
            interp->heap.size += size_of(value);
            place = &cell->next;
        } else {
            *place = cell->next;
            if (is_running)
                tell_of_free(interp, value);
            free_cell(interp, value);
        }
    }
}

void
heap_collect(struct interp *interp)
{
    struct heap *heap = &interp->heap;
    struct profile_gc gc = profile_begin_gc(interp->profile);

    if (events_want(interp, VMPROF_EVENT_GC_START))
        events_tell(interp, VMPROF_EVENT_GC_START, heap->size, NULL);

    if (interp->truth)
        truth_switch(interp->truth, truth_gc(interp->program));
    mark_all(interp);
    tell_of_coroutines(interp);
    sweep(interp, true);
    heap->threshold = heap->size * 2;
    if (heap->threshold < LEAST_THRESHOLD)
        heap->threshold = LEAST_THRESHOLD;
    if (interp->truth)
        truth_switch(interp->truth, interp->current->frame->function->index);
    if (events_want(interp, VMPROF_EVENT_GC_END))
        events_tell(interp, VMPROF_EVENT_GC_END, heap->size, NULL);
    profile_end_gc(interp->profile, gc);
}

void
heap_free(struct interp *interp)
{
    sweep(interp, false);
}
