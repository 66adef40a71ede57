/* SPDX-License-Identifier: MIT */

/* All that was read of traces, put into the model, and their names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "native_events.h"
#include "store.h"

/* What the numbers of one trace are in the model. */
struct finish {
    struct native *native;
    struct profile *profile;
    struct traces *traces;
    uint32_t index;
    uint32_t *places;        /* by number */
    struct vmp_intern names; /* by text: those that are used */
};

static struct native_trace *
rest_of(const struct finish *finish)
{
    return &finish->native->jit.traces[finish->index];
}

static struct trace *
trace_of(const struct finish *finish)
{
    return &finish->traces->traces[finish->index];
}

static int64_t
put_place(struct finish *finish, const struct native_place *from,
          uint32_t outer)
{
    struct traces *traces = finish->traces;
    const struct code *code = &finish->profile->codes[from->code];
    const struct trace_place place = {
        .function = traces_name(traces, code->function, strlen(code->function)),
        .file = traces_name(traces, code->file, strlen(code->file)),
        .opcode = traces_name(traces, "", 0),
        .line = from->line,
        .first_line = code->line,
        .outer = outer,
        .code = from->code,
        .bytecode = from->bytecode,
        .has_bytecode = true,
    };

    if (!place.function || !place.file || !place.opcode)
        return -ENOMEM;
    return traces_add_place(traces, &place);
}

static int
put_places(struct finish *finish)
{
    const struct list *list = &rest_of(finish)->places;
    const struct native_place *places = list->members;

    finish->places = calloc((size_t)list->count + 1, sizeof(uint32_t));
    if (!finish->places)
        return -ENOMEM;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint32_t parent = places[i].parent;
        const int64_t place = put_place(
            finish, &places[i], parent ? finish->places[parent - 1] : 0);

        if (place < 0)
            return -ENOMEM;
        finish->places[i] = (uint32_t)place;
    }
    return 0;
}

/* `number`: 1 + that of the trace. */
static uint32_t
place_of(const struct finish *finish, uint32_t number)
{
    return number && number <= rest_of(finish)->places.count
               ? finish->places[number - 1]
               : 0;
}

static int
put_start(struct finish *finish)
{
    const struct native_place *start = &rest_of(finish)->start;
    const int64_t place =
        start->code || start->line ? put_place(finish, start, 0) : 0;

    if (place < 0)
        return -ENOMEM;
    trace_of(finish)->place = (uint32_t)place;
    return 0;
}

static int
put_positions(struct finish *finish)
{
    const struct list *list = &rest_of(finish)->positions;
    const struct trace_position *positions = list->members;

    trace_of(finish)->first_position = finish->traces->position_count;
    trace_of(finish)->position_count = list->count;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct trace_position position = {
            .offset = positions[i].offset,
            .place = positions[i].place == UINT32_MAX
                         ? 0
                         : place_of(finish, positions[i].place + 1),
        };

        if (traces_add_position(finish->traces, &position) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* From numbers of the trace to places of the model. */
static int
put_guards(struct finish *finish)
{
    const struct list *list = &rest_of(finish)->guards;
    const struct native_guard *guards = list->members;

    for (uint32_t i = 0; i < list->count; i++)
        finish->traces->guards[guards[i].index].place =
            place_of(finish, guards[i].place);
    return 0;
}

/* Up to where the next begins. */
static uint32_t
size_of(const struct finish *finish, uint32_t number)
{
    const struct native_trace *rest = rest_of(finish);
    const struct native_operation *operations = rest->operations.members;
    const uint32_t offset = operations[number].offset;
    const uint64_t code_size = trace_of(finish)->code_size;

    if (number + 1 < rest->operations.count)
        return operations[number + 1].offset > offset
                   ? operations[number + 1].offset - offset
                   : 0;
    return code_size > offset && code_size - offset < UINT32_MAX
               ? (uint32_t)(code_size - offset)
               : 0;
}

static int
put_operation(struct finish *finish, uint32_t number)
{
    const struct native_trace *rest = rest_of(finish);
    const struct native_operation *from =
        (const struct native_operation *)rest->operations.members + number;
    const bool is_guard = from->guard && from->guard <= rest->guards.count;
    const struct trace_operation operation = {
        .text = from->text,
        .place = place_of(finish, from->place),
        .offset = from->offset,
        .size = size_of(finish, number),
        .has_offset = true,
        .kind = is_guard ? OPERATION_GUARD : OPERATION_OTHER,
        .target =
            is_guard
                ? ((struct native_guard *)rest->guards.members)[from->guard - 1]
                      .index
                : 0,
    };
    const int64_t index = traces_add_operation(finish->traces, &operation);

    if (index < 0)
        return -ENOMEM;
    if (is_guard)
        finish->traces->guards[operation.target].operation = (uint32_t)index;
    return 0;
}

static int
put_operations(struct finish *finish)
{
    const uint32_t count = rest_of(finish)->operations.count;
    int result = 0;

    trace_of(finish)->first_operation = finish->traces->operation_count;
    trace_of(finish)->operation_count = count;
    for (uint32_t i = 0; i < count && !result; i++)
        result = put_operation(finish, i);
    return result;
}

static int
put_code(struct finish *finish)
{
    const struct list *bytes = &rest_of(finish)->code_bytes;
    struct trace *trace = trace_of(finish);

    if (!bytes->count)
        return 0;
    trace->code = traces_bytes(finish->traces, bytes->count);
    if (!trace->code)
        return -ENOMEM;
    memcpy(trace->code, bytes->members, bytes->count);
    trace->known_size = bytes->count;
    if (trace->code_size < bytes->count)
        trace->code_size = bytes->count;
    return 0;
}

static int
put_range(struct finish *finish)
{
    const struct trace *trace = trace_of(finish);
    const struct trace_range range = {
        .start = trace->code_start,
        .size = trace->code_size,
        .trace = finish->index,
        .session = trace->session,
    };

    if (!trace->code_start || !trace->code_size)
        return 0;
    return traces_add_range(finish->traces, &range) < 0 ? -ENOMEM : 0;
}

static const char *
kind_word(uint8_t kind)
{
    switch (kind) {
    case TRACE_LOOP:
        return "loop";
    case TRACE_ENTRY_BRIDGE:
        return "entry bridge";
    case TRACE_BRIDGE:
        return "bridge";
    case TRACE_METHOD:
        return "method";
    case TRACE_STUB:
        return "stub";
    }
    return "trace";
}

/* "loop 5 (work:12)", or the name that it has and, if another has it, too, its
 * id. To be freed. */
static char *
make_name(struct finish *finish, bool is_taken)
{
    const struct trace *trace = trace_of(finish);
    const struct native_trace *rest = rest_of(finish);
    const struct code *code = &finish->profile->codes[rest->start.code];
    const unsigned long long id = trace->id;
    char *name = NULL;
    int size;

    if (rest->name)
        size = is_taken ? asprintf(&name, "%s #%llu", rest->name, id)
                        : asprintf(&name, "%s", rest->name);
    else if (rest->start.code)
        size = asprintf(&name, "%s %llu (%s:%u)", kind_word(trace->kind), id,
                        code->function, rest->start.line);
    else
        size = asprintf(&name, "%s %llu", kind_word(trace->kind), id);
    return size < 0 ? NULL : name;
}

static int
put_name(struct finish *finish)
{
    const struct native_trace *rest = rest_of(finish);
    bool is_new = true;
    char *name;

    if (rest->name &&
        vmp_intern(&finish->names, (uintptr_t)rest->name, 0, &is_new) < 0)
        return -ENOMEM;
    name = make_name(finish, !is_new);
    if (!name)
        return -ENOMEM;
    trace_of(finish)->name = traces_text(finish->traces, name, strlen(name));
    free(name);
    return trace_of(finish)->name ? 0 : -ENOMEM;
}

/* The function that its frames are of. */
static int
name_code(struct finish *finish)
{
    const struct native_trace *rest = rest_of(finish);
    const char *name = trace_of(finish)->name;
    struct code *code = &finish->profile->codes[rest->code];

    if (!rest->code)
        return 0;
    code->function = store_text(finish->profile, name, strlen(name));
    code->language = store_text(finish->profile, "jit", 3);
    if (!code->function || !code->language)
        return -ENOMEM;
    code->file = finish->profile->codes[rest->start.code].file;
    code->line = rest->start.line;
    return 0;
}

/* The list that a bridge's guard is in may have come after it. */
static int
find_guard(struct finish *finish)
{
    const struct native_trace *rest = rest_of(finish);
    const int64_t number = vmp_intern_find(&finish->native->jit.guard_ids,
                                           rest->process, rest->guard_id);

    if (number < 0)
        return 0;
    trace_of(finish)->guard = (uint32_t)number + 1;
    trace_of(finish)->parent = finish->traces->guards[number + 1].trace;
    return 0;
}

static int
finish_trace(struct finish *finish)
{
    static int (*const parts[])(struct finish *) = {
        put_places, put_start, put_positions, put_guards, put_operations,
        put_code,   put_range, put_name,      name_code,  find_guard,
    };
    int result = 0;

    finish->places = NULL;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !result; i++)
        result = parts[i](finish);
    free(finish->places);
    return result;
}

int
native_traces_finish(struct native *native)
{
    struct finish finish = {
        .native = native,
        .profile = native->profile,
        .traces = &native->profile->traces,
    };
    int result = 0;

    if (!finish.traces->private)
        return 0;
    for (finish.index = 1; finish.index < finish.traces->trace_count && !result;
         finish.index++)
        result = finish_trace(&finish);
    vmp_intern_free(&finish.names);
    if (result)
        return result;
    traces_finish(finish.traces);
    return 0;
}

static void
free_trace(struct native_trace *trace)
{
    free(trace->guards.members);
    free(trace->places.members);
    free(trace->positions.members);
    free(trace->operations.members);
    free(trace->code_bytes.members);
}

void
native_jit_free(struct native *native)
{
    struct native_jit *jit = &native->jit;

    for (uint32_t i = 1; i < native->profile->traces.trace_count; i++)
        if (i < jit->trace_capacity)
            free_trace(&jit->traces[i]);
    for (uint32_t i = 0; i < jit->thread_capacity; i++)
        if (jit->threads[i]) {
            free(jit->threads[i]->waiting);
            free(jit->threads[i]->lengths);
            free(jit->threads[i]->excess);
            free(jit->threads[i]);
        }
    free(jit->traces);
    free(jit->threads);
    vmp_intern_free(&jit->processes);
    vmp_intern_free(&jit->ids);
    vmp_intern_free(&jit->guard_ids);
    vmp_intern_free(&jit->kinds);
    free(jit->usual);
}
