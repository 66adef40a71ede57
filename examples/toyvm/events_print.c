/* SPDX-License-Identifier: MIT */

/* A tool like anybody's: it knows the VM by the functions of libvmprof, but for
 * the names of functions. Prints a line for each event. */
#include "events.h"
#include "native.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>

#include <stdlib.h>
#include <string.h>

#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

static const struct {
    const char *name;
    int kind;
} names[] = {
    { "call", VMPROF_EVENT_CALL },
    { "resume", VMPROF_EVENT_RESUME },
    { "return", VMPROF_EVENT_RETURN },
    { "yield", VMPROF_EVENT_YIELD },
    { "throw_into", VMPROF_EVENT_THROW_INTO },
    { "unwind", VMPROF_EVENT_UNWIND },
    { "c_call", VMPROF_EVENT_C_CALL },
    { "c_return", VMPROF_EVENT_C_RETURN },
    { "c_raise", VMPROF_EVENT_C_RAISE },
    { "raise", VMPROF_EVENT_RAISE },
    { "reraise", VMPROF_EVENT_RERAISE },
    { "handled", VMPROF_EVENT_HANDLED },
    { "line", VMPROF_EVENT_LINE },
    { "instruction", VMPROF_EVENT_INSTRUCTION },
    { "branch_taken", VMPROF_EVENT_BRANCH_TAKEN },
    { "branch_not_taken", VMPROF_EVENT_BRANCH_NOT_TAKEN },
    { "jump", VMPROF_EVENT_JUMP },
    { "back_edge", VMPROF_EVENT_BACK_EDGE },
    { "code_created", VMPROF_EVENT_CODE_CREATED },
    { "code_destroyed", VMPROF_EVENT_CODE_DESTROYED },
    { "allocation", VMPROF_EVENT_ALLOCATION },
    { "free", VMPROF_EVENT_FREE },
    { "gc_start", VMPROF_EVENT_GC_START },
    { "gc_end", VMPROF_EVENT_GC_END },
    { "jit_compiled", VMPROF_EVENT_JIT_COMPILED },
    { "jit_aborted", VMPROF_EVENT_JIT_ABORTED },
    { "jit_entered", VMPROF_EVENT_JIT_ENTERED },
    { "jit_left", VMPROF_EVENT_JIT_LEFT },
    { "jit_invalidated", VMPROF_EVENT_JIT_INVALIDATED },
    { "thread_started", VMPROF_EVENT_THREAD_STARTED },
    { "thread_ended", VMPROF_EVENT_THREAD_ENDED },
    { "spawn", EVENT_SPAWN },
    { "print", EVENT_PRINT },
};

enum {
    COUNT = sizeof(names) / sizeof(names[0])
};

static int answer = VMPROF_EVENT_KEEP;
static bool with_locals;

void
events_print_locals(void)
{
    with_locals = true;
}

void
events_answer(int given)
{
    answer = given;
}

static uint64_t
find_events(const char *name, size_t length)
{
    uint64_t all = 0;

    for (size_t i = 0; i < COUNT; i++) {
        all |= VMPROF_EVENT_BIT(names[i].kind);
        if (strlen(names[i].name) == length &&
            memcmp(names[i].name, name, length) == 0)
            return VMPROF_EVENT_BIT(names[i].kind);
    }
    return length == 3 && memcmp(name, "all", 3) == 0 ? all : 0;
}

bool
events_parse(const char *text, uint64_t *events, const char **wrong)
{
    *events = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        uint64_t found = find_events(text, length);

        *wrong = text;
        if (!found)
            return false;
        *events |= found;
        text += length + (text[length] == ',');
    }
    return true;
}

static void
add_value(struct text *text, const struct vmprof_value *value)
{
    if (value->kind == VMPROF_VALUE_STRING)
        text_format(text, "\"%.*s\"", (int)value->size,
                    (const char *)value->bytes);
    else if (value->kind == VMPROF_VALUE_NUMBER)
        text_format(text, "%g", value->number);
    else if (value->kind != VMPROF_VALUE_INTEGER)
        text_format(text, "%s", value->type);
    else if (strcmp(value->type, "bool") == 0)
        text_format(text, "%s", value->integer ? "true" : "false");
    else
        text_format(text, "%" PRId64, value->integer);
}

/* All values of a name, in brackets. */
static void
add_values(struct text *text, struct vmprof_thread *thread,
           const struct vmprof_event *event, enum vmprof_value_name name)
{
    struct vmprof_value value;

    text_format(text, "(");
    for (uint64_t i = 0;
         vmprof_get_event_value(thread, event, name, i, &value) == 0; i++) {
        if (i > 0)
            text_format(text, ", ");
        add_value(text, &value);
    }
    text_format(text, ")");
}

static void
add_object(struct text *text, struct vmprof_thread *thread,
           const struct vmprof_event *event)
{
    struct vmprof_value value;

    /* The exception, if it is of one, or what else it is about. */
    if (vmprof_get_event_value(thread, event, VMPROF_VALUE_OF_EXCEPTION, 0,
                               &value) &&
        vmprof_get_event_value(thread, event, VMPROF_VALUE_OF_OBJECT, 0,
                               &value))
        return;
    text_format(text, " = ");
    add_value(text, &value);
}

/* What is at a place, if there is one. */
static void
add_place(struct text *text, const struct vmprof_event *event)
{
    const struct frame *frame = event->frame;
    const struct value *object = event->object;

    if (event->kind == VMPROF_EVENT_CODE_CREATED ||
        event->kind == VMPROF_EVENT_CODE_DESTROYED)
        text_format(text, " %s:%u", object->function->name, event->line);
    else if (frame)
        text_format(text, " %s:%u", frame->function->name, event->line);
}

/* Its name but for the number, which is another with other guards. */
static void
add_trace(struct text *text, const char *name)
{
    const char *number = strchr(name, ' ');

    if (number)
        text_format(text, " %.*s%s", (int)(number - name), name,
                    strchr(number + 1, ' '));
}

static void
add_details(struct text *text, struct vmprof_thread *thread,
            const struct vmprof_event *event)
{
    const struct frame *frame = event->frame;
    const struct value *object = event->object;

    switch (event->kind) {
    case VMPROF_EVENT_CALL:
        add_values(text, thread, event, VMPROF_VALUE_OF_ARGUMENT);
        break;
    case VMPROF_EVENT_LINE:
        if (with_locals) {
            text_format(text, " ");
            add_values(text, thread, event, VMPROF_VALUE_OF_LOCAL);
        }
        break;
    case VMPROF_EVENT_C_CALL:
        text_format(text, " %s", object->native->name);
        add_values(text, thread, event, VMPROF_VALUE_OF_ARGUMENT);
        break;
    case VMPROF_EVENT_C_RETURN:
    case VMPROF_EVENT_C_RAISE:
        text_format(text, " %s", frame->sp->native->name);
        add_object(text, thread, event);
        break;
    case VMPROF_EVENT_INSTRUCTION:
        text_format(text, " +%" PRIu64, event->offset);
        break;
    case VMPROF_EVENT_BRANCH_TAKEN:
    case VMPROF_EVENT_BRANCH_NOT_TAKEN:
    case VMPROF_EVENT_JUMP:
    case VMPROF_EVENT_BACK_EDGE:
        text_format(text, " +%" PRIu64 " to +%" PRIu64, event->offset,
                    event->target);
        break;
    case VMPROF_EVENT_ALLOCATION:
    case VMPROF_EVENT_FREE:
        text_format(text, " %s", value_type_name(object->type));
        break;
    case VMPROF_EVENT_CODE_CREATED:
    case VMPROF_EVENT_CODE_DESTROYED:
        break;
    case VMPROF_EVENT_JIT_COMPILED:
    case VMPROF_EVENT_JIT_ABORTED:
    case VMPROF_EVENT_JIT_ENTERED:
    case VMPROF_EVENT_JIT_LEFT:
    case VMPROF_EVENT_JIT_INVALIDATED:
        add_trace(text, event->object);
        break;
    case EVENT_PRINT:
        text_format(text, " %" PRIu64, event->target);
        break;
    default:
        add_object(text, thread, event);
    }
}

static const char *
name_of(uint32_t kind)
{
    size_t i = 0;

    while (names[i].kind != (int)kind)
        i++;
    return names[i].name;
}

/* One that is another thread's than the first's has its number in front. */
static int
print(void *user, struct vmprof_thread *thread,
      const struct vmprof_event *event)
{
    struct text text = { 0 };

    (void)user;
    if (events_thread > 0)
        text_format(&text, "%u: ", events_thread);
    text_format(&text, "%s", name_of(event->kind));
    add_place(&text, event);
    add_details(&text, thread, event);
    text_format(&text, "\n");
    fwrite(text.bytes, 1, text.length, stderr);
    free(text.bytes);
    return answer;
}

/* Any number of threads may come here first. */
static int
get_tool(vmprof_tool *tool)
{
    static const char name[] = "toyvm print";
    struct vmprof_tool_callbacks callbacks;
    struct vmprof_tool_info info;
    int error;

    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = print;
    error = vmprof_register_tool(name, &callbacks, tool);
    if (error != -EEXIST)
        return error;
    vmprof_tool_info_init(&info);
    error = vmprof_get_tool(name, &info);
    *tool = info.tool;
    return error;
}

int
events_print(uint64_t events)
{
    vmprof_tool tool;
    int error = get_tool(&tool);

    return error ? error : vmprof_set_events(tool, events);
}

int
events_print_function(const struct function *function, uint64_t events)
{
    vmprof_tool tool;
    int error = get_tool(&tool);

    return error ? error : vmprof_set_code_events(tool, function->id, events);
}
