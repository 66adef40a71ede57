/* SPDX-License-Identifier: MIT */

/* Values of an event, for tools that ask for them. */
#include "events.h"
#include "heap.h"

#include <errno.h>

static void
convert(struct value value, struct vmprof_value *out)
{
    out->type = value_type_name(value.type);
    switch (value.type) {
    case VALUE_NIL:
        out->kind = VMPROF_VALUE_NONE;
        break;
    case VALUE_BOOL:
        out->kind = VMPROF_VALUE_INTEGER;
        out->integer = value.boolean;
        break;
    case VALUE_INT:
        out->kind = VMPROF_VALUE_INTEGER;
        out->integer = value.integer;
        break;
    case VALUE_FLOAT:
        out->kind = VMPROF_VALUE_NUMBER;
        out->number = value.number;
        break;
    case VALUE_STRING:
        out->kind = VMPROF_VALUE_STRING;
        out->bytes = value.string->bytes;
        out->size = value.string->length;
        break;
    default:
        out->kind = VMPROF_VALUE_OBJECT;
        out->bytes = value.cell; /* or what else it points to */
    }
}

/* Where the arguments of a call are, and how many: below the locals of what
 * begins, or above the builtin. */
static const struct value *
arguments_of(const struct vmprof_event *event, uint64_t *count)
{
    const struct frame *frame = event->frame;

    *count = 0;
    if (event->kind == VMPROF_EVENT_CALL) {
        *count = frame->function->arity;
        return frame->slots;
    }
    if (event->kind == VMPROF_EVENT_C_CALL) {
        *count = (uint64_t)operand_of(word_at((const uint32_t *)frame->pc));
        return (const struct value *)event->object + 1;
    }
    return NULL;
}

static const struct value *
locals_of(const struct vmprof_event *event, uint64_t *count)
{
    const struct frame *frame = event->frame;

    *count = frame ? (uint64_t)(frame->sp - frame->slots) : 0;
    return frame ? frame->slots : NULL;
}

static bool
is_of_exception(const struct vmprof_event *event)
{
    switch (event->kind) {
    case VMPROF_EVENT_RAISE:
    case VMPROF_EVENT_RERAISE:
    case VMPROF_EVENT_HANDLED:
    case VMPROF_EVENT_UNWIND:
    case VMPROF_EVENT_THROW_INTO:
    case VMPROF_EVENT_C_RAISE:
        return true;
    default:
        return false;
    }
}

/* A trace has no value. */
static const struct value *
object_of(const struct vmprof_event *event, uint64_t *count)
{
    const bool is_jit = event->kind >= VMPROF_EVENT_JIT_COMPILED &&
                        event->kind <= VMPROF_EVENT_JIT_INVALIDATED;

    *count = event->object && !is_jit;
    return event->object;
}

int
events_get_value(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event, enum vmprof_value_name name,
                 uint64_t index, struct vmprof_value *out)
{
    const struct value *values = NULL;
    uint64_t count = 0;

    (void)user, (void)thread;
    if (name == VMPROF_VALUE_OF_OBJECT)
        values = object_of(event, &count);
    else if (name == VMPROF_VALUE_OF_ARGUMENT)
        values = arguments_of(event, &count);
    else if (name == VMPROF_VALUE_OF_LOCAL)
        values = locals_of(event, &count);
    else if (name == VMPROF_VALUE_OF_EXCEPTION && is_of_exception(event))
        values = object_of(event, &count);
    if (index >= count)
        return -ENOENT;
    convert(values[index], out);
    return 0;
}
