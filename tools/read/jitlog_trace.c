/* SPDX-License-Identifier: MIT */

/*
 * The traces of a jitlog. A trace comes in stages: as it was recorded, which is
 * only counted; optimised, with places in the program; and assembled, rewritten
 * for the machine, with its code. What is kept are the optimised operations
 * with the code of the assembled ones that they became.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jitlog.h"
#include "store.h"

enum {
    /* No trace has more; and bytes that are not known must not cost more. */
    MOST_CODE = 64 << 20,
};

/* "Loop 2" as PYPYLOG calls it, until it has a place. */
static const char *
first_name(struct traces *traces, uint64_t id, bool is_bridge)
{
    char name[48];
    const int size =
        snprintf(name, sizeof(name), "%s %llu", is_bridge ? "Bridge" : "Loop",
                 (unsigned long long)id);

    return traces_name(traces, name, (size_t)size);
}

/* Bridges from the interpreter have no guard. That shows when all are there. */
int
jitlog_begin(struct jitlog *log, uint64_t id, struct text type, uint64_t guard,
             struct text driver)
{
    const bool is_bridge = text_is(&type, "bridge");
    const struct trace trace = {
        .id = id,
        .kind = is_bridge ? TRACE_BRIDGE : TRACE_LOOP,
        .name = first_name(log->traces, id, is_bridge),
    };
    const int result = jitlog_end_trace(log);
    int64_t index;

    (void)driver;
    if (result || !trace.name)
        return -ENOMEM;
    index = traces_add(log->traces, &trace);
    if (index < 0)
        return -ENOMEM;
    log->traces->damage.repeated +=
        id_map_get(&log->ids, JITLOG_TRACE, id) != 0;
    if (is_bridge)
        log->traces->traces[index].guard =
            id_map_get(&log->ids, JITLOG_GUARD, guard);
    log->trace = (uint32_t)index;
    return id_map_set(&log->ids, JITLOG_TRACE, id, log->trace);
}

/* What is of another trace than the one at hand is not known whose it is. */
void
jitlog_begin_stage(struct jitlog *log, uint64_t id, enum jitlog_stage stage)
{
    struct trace *trace = &log->traces->traces[log->trace];

    log->stage = STAGE_NONE;
    if (!log->trace || trace->id != id) {
        log->traces->damage.unmatched++;
        return;
    }
    /* An optimised stage that is there already stays. */
    if (stage == STAGE_OPTIMISED && trace->first_operation)
        return;
    log->stage = stage;
    if (stage == STAGE_RECORDED)
        trace->recorded_count = 0;
    if (stage == STAGE_OPTIMISED)
        trace->first_operation = log->traces->operation_count;
    log->place = 0;
    log->next = log->current = 0;
}

static enum operation_kind
kind_of(const char *name)
{
    return !strncmp(name, "guard_", 6)            ? OPERATION_GUARD
           : !strcmp(name, "label")               ? OPERATION_LABEL
           : !strcmp(name, "jump")                ? OPERATION_JUMP
           : !strncmp(name, "call_assembler", 14) ? OPERATION_CALL
           : !strcmp(name, "finish")              ? OPERATION_FINISH
                                                  : OPERATION_OTHER;
}

static void
print_arguments(FILE *out, struct text arguments, const char *between)
{
    struct text argument;
    bool first = true;

    while (text_take_until(&arguments, ",", &argument)) {
        fprintf(out, "%s%.*s", first ? "" : between, (int)argument.size,
                argument.at);
        first = false;
    }
    if (arguments.size)
        fprintf(out, "%s%.*s", first ? "" : between, (int)arguments.size,
                arguments.at);
}

/* "p2 = getfield_gc_r(p0, descr=…)": the result comes first, what describes it
 * last; a guard has the id that it is known by. */
static void
print_operation(FILE *out, const char *name, enum operation_kind kind,
                const struct jitlog_operation *operation)
{
    struct text arguments = operation->arguments, result, descr = { "", 0 };

    if (!text_take_until(&arguments, ",", &result)) {
        result = arguments;
        arguments = (struct text){ "", 0 };
    }
    if (operation->has_descr && !text_cut_last(&arguments, ',', &descr)) {
        descr = arguments;
        arguments.size = 0;
    }
    if (!text_is(&result, "?") && result.size)
        fprintf(out, "%.*s = ", (int)result.size, result.at);
    fprintf(out, "%s(", name);
    print_arguments(out, arguments, ", ");
    if (operation->has_descr) {
        fprintf(out, "%sdescr=", arguments.size ? ", " : "");
        if (kind == OPERATION_GUARD)
            fprintf(out, "<Guard0x%llx>", (unsigned long long)operation->descr);
        else
            fprintf(out, "%.*s", (int)descr.size, descr.at);
    }
    putc(')', out);
    if (kind == OPERATION_GUARD) {
        fputs(" [", out);
        print_arguments(out, operation->fail_arguments, ", ");
        putc(']', out);
    }
}

static const char *
operation_text(struct jitlog *log, enum operation_kind kind,
               const struct jitlog_operation *operation)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&buffer, &size);
    const char *text = NULL;

    if (!out)
        return NULL;
    print_operation(out, log->opcodes[operation->opcode], kind, operation);
    if (fclose(out) == 0)
        text = traces_text(log->traces, buffer, size);
    free(buffer);
    return text;
}

static int64_t
add_guard(struct jitlog *log, uint64_t id)
{
    const struct trace_guard guard = {
        .id = id,
        .trace = log->trace,
        .operation = log->traces->operation_count,
    };
    const int64_t added = traces_add_guard(log->traces, &guard);

    if (added < 0 || id_map_set(&log->ids, JITLOG_GUARD, id, (uint32_t)added))
        return -ENOMEM;
    return added;
}

static int64_t
add_label(struct jitlog *log, uint64_t id)
{
    const struct trace_label label = {
        .id = id,
        .trace = log->trace,
        .operation = log->traces->operation_count,
    };
    const int64_t added = traces_add_label(log->traces, &label);

    if (added < 0 || id_map_set(&log->ids, JITLOG_LABEL, id, (uint32_t)added))
        return -ENOMEM;
    return added;
}

/* "…,<Loop2>" */
static uint32_t
called_trace(const struct jitlog *log, struct text arguments)
{
    struct text descr;
    uint64_t id;

    if (!text_cut_last(&arguments, ',', &descr) ||
        !text_take(&descr, "<Loop") || !text_take_number(&descr, 10, &id))
        return 0;
    return id_map_get(&log->ids, JITLOG_TRACE, id);
}

static int64_t
target_of(struct jitlog *log, enum operation_kind kind,
          const struct jitlog_operation *operation)
{
    switch (kind) {
    case OPERATION_GUARD:
        return operation->has_descr ? add_guard(log, operation->descr) : 0;
    case OPERATION_LABEL:
        return operation->has_descr ? add_label(log, operation->descr) : 0;
    case OPERATION_JUMP:
        return operation->has_descr
                   ? (int64_t)id_map_get(&log->ids, JITLOG_LABEL,
                                         operation->descr)
                   : 0;
    case OPERATION_CALL:
        return called_trace(log, operation->arguments);
    case OPERATION_OTHER:
    case OPERATION_FINISH:
        break;
    }
    return 0;
}

static int
keep_optimised(struct jitlog *log, uint32_t index,
               const struct jitlog_operation *operation)
{
    if (grow_array((void **)&log->optimised, &log->optimised_capacity,
                   log->optimised_count, sizeof(*log->optimised)))
        return -ENOMEM;
    log->optimised[log->optimised_count++] =
        (struct optimised){ index, operation->opcode,
                            operation->has_descr ? operation->descr : 0 };
    return 0;
}

static int
add_optimised(struct jitlog *log, const struct jitlog_operation *operation)
{
    const enum operation_kind kind = kind_of(log->opcodes[operation->opcode]);
    const int64_t target = target_of(log, kind, operation);
    const struct trace_operation added = {
        .text = operation_text(log, kind, operation),
        .place = log->place,
        .kind = (uint8_t)kind,
        .target = (uint32_t)target,
    };
    struct trace *trace = &log->traces->traces[log->trace];
    int64_t index;

    if (!added.text || target < 0)
        return -ENOMEM;
    index = traces_add_operation(log->traces, &added);
    if (index < 0)
        return -ENOMEM;
    trace->operation_count++;
    if (kind == OPERATION_JUMP)
        trace->target = added.target;
    if (kind == OPERATION_FINISH)
        trace->end = TRACE_END_RETURNS;
    return keep_optimised(log, (uint32_t)index, operation);
}

/* What loads and stores become: the same for all that become the same. */
static char
family(const char *name)
{
    if (!strncmp(name, "get", 3) || !strncmp(name, "gc_load", 7) ||
        !strncmp(name, "raw_load", 8) || !strncmp(name, "strgetitem", 10) ||
        !strncmp(name, "strlen", 6) || !strncmp(name, "arraylen", 8))
        return 'l';
    if (!strncmp(name, "set", 3) || !strncmp(name, "gc_store", 8) ||
        !strncmp(name, "raw_store", 9))
        return 's';
    return 0;
}

static bool
becomes(const struct jitlog *log, const struct optimised *from,
        const struct jitlog_operation *to)
{
    const char *before = log->opcodes[from->opcode];
    const char *after = log->opcodes[to->opcode];

    if (from->opcode == to->opcode)
        return !to->has_descr || from->descr == to->descr;
    return family(after) && family(before) == family(after);
}

/* What keeps its place when a trace is rewritten. */
static bool
is_anchor(enum operation_kind kind)
{
    return kind != OPERATION_OTHER;
}

/* The optimised operation that this one was: the next that fits, before the
 * next anchor. */
static uint32_t
find_optimised(struct jitlog *log, const struct jitlog_operation *operation)
{
    const bool anchored = is_anchor(kind_of(log->opcodes[operation->opcode]));

    for (uint32_t i = log->next; i < log->optimised_count; i++) {
        const struct optimised *from = &log->optimised[i];

        if (becomes(log, from, operation)) {
            log->next = i + 1;
            return from->operation;
        }
        if (!anchored && is_anchor(kind_of(log->opcodes[from->opcode])))
            break;
    }
    return 0;
}

int
jitlog_operation(struct jitlog *log, const struct jitlog_operation *operation)
{
    struct trace *trace = &log->traces->traces[log->trace];

    if (!log->trace)
        return 0;
    if (log->stage == STAGE_RECORDED)
        trace->recorded_count++;
    if (log->stage == STAGE_ASSEMBLED)
        log->current = find_optimised(log, operation);
    return log->stage == STAGE_OPTIMISED ? add_optimised(log, operation) : 0;
}

static bool
reserve_code(struct jitlog *log, size_t size)
{
    size_t capacity = log->code_capacity ? log->code_capacity : 4096;
    unsigned char *bigger;

    while (capacity < size)
        capacity *= 2;
    if (capacity > log->code_capacity) {
        bigger = realloc(log->code, capacity);
        if (!bigger)
            return false;
        log->code = bigger;
        log->code_capacity = capacity;
    }
    if (size > log->code_size) {
        memset(log->code + log->code_size, 0, size - log->code_size);
        log->code_size = size;
    }
    return true;
}

/* Offsets have 16 bits, and only grow; so they wrap. */
static uint64_t
unwrap(struct jitlog *log, uint16_t offset)
{
    if (offset < log->last_offset)
        log->code_base += 1 << 16;
    log->last_offset = offset;
    return log->code_base + offset;
}

int
jitlog_code(struct jitlog *log, uint16_t wrapped, struct text bytes)
{
    struct trace_operation *operation = &log->traces->operations[log->current];
    uint64_t offset;

    if (!log->trace || log->stage != STAGE_ASSEMBLED)
        return 0;
    offset = unwrap(log, wrapped);
    if (offset + bytes.size > MOST_CODE) {
        log->traces->damage.limited++;
        return 0;
    }
    if (!reserve_code(log, offset + bytes.size))
        return -ENOMEM;
    memcpy(log->code + offset, bytes.at, bytes.size);
    if (!log->current || operation->has_offset)
        return 0;
    operation->offset = (uint32_t)offset;
    operation->size = (uint32_t)bytes.size;
    operation->has_offset = true;
    return 0;
}

int
jitlog_address(struct jitlog *log, uint64_t start, uint64_t end)
{
    struct trace *trace = &log->traces->traces[log->trace];

    if (!log->trace || trace->code_start)
        return 0;
    trace->code_start = start;
    trace->code_size = end - start;
    return id_map_set(&log->ids, JITLOG_START, start, log->trace);
}

/* What was put before an operation, such as a count, is of it. */
static void
stretch_operations(struct jitlog *log, const struct trace *trace)
{
    uint64_t next = log->code_size;

    for (uint32_t i = trace->operation_count; i-- > 0;) {
        const uint32_t index = trace->first_operation + i;
        struct trace_operation *operation = &log->traces->operations[index];

        if (!operation->has_offset)
            continue;
        if (next > operation->offset)
            operation->size = (uint32_t)(next - operation->offset);
        next = operation->offset;
    }
}

static int
keep_code(struct jitlog *log, struct trace *trace)
{
    if (!trace->code_size || log->code_size > trace->code_size ||
        !log->code_size)
        return 0;
    /* What is behind are ways out, which the log leaves out. */
    trace->cold_offset = log->code_size;
    trace->known_size = log->code_size;
    trace->code = traces_bytes(log->traces, log->code_size);
    if (!trace->code)
        return -ENOMEM;
    memcpy(trace->code, log->code, log->code_size);
    return 0;
}

int
jitlog_end_trace(struct jitlog *log)
{
    struct trace *trace = &log->traces->traces[log->trace];
    int result = 0;

    if (log->trace) {
        stretch_operations(log, trace);
        result = keep_code(log, trace);
    }
    log->trace = log->place = log->next = log->current = 0;
    log->stage = STAGE_NONE;
    log->optimised_count = 0;
    log->code_size = 0;
    log->code_base = log->last_offset = 0;
    return result;
}

/* "Loop 1 (spin;/samples/workload.py:10~#12 FOR_ITER)" */
static const char *
full_name(struct traces *traces, const struct trace *trace)
{
    const struct trace_place *place = &traces->places[trace->place];
    char *name;
    const char *kept;
    int size;

    size = asprintf(&name, "%s %llu (%s;%s:%" PRIu32 "~#%llu %s)",
                    trace->kind == TRACE_BRIDGE ? "Bridge" : "Loop",
                    (unsigned long long)trace->id, place->function, place->file,
                    place->line, (unsigned long long)place->bytecode,
                    place->opcode);
    if (size < 0)
        return NULL;
    kept = traces_name(traces, name, (size_t)size);
    free(name);
    return kept;
}

static int
finish_trace(struct jitlog *log, uint32_t index)
{
    struct traces *traces = log->traces;
    struct trace *trace = &traces->traces[index];

    if (trace->kind == TRACE_BRIDGE && !trace->guard)
        trace->kind = TRACE_ENTRY_BRIDGE;
    if (trace->guard)
        traces->guards[trace->guard].bridge = index;
    if (trace->place)
        trace->name = full_name(traces, trace);
    if (!trace->name)
        return -ENOMEM;
    if (!trace->code_size)
        return 0;
    return traces_add_range(traces,
                            &(struct trace_range){
                                .start = trace->code_start,
                                .size = trace->code_size,
                                .trace = index,
                            }) < 0
               ? -ENOMEM
               : 0;
}

int
jitlog_finish_links(struct jitlog *log)
{
    int result = 0;

    for (uint32_t i = 1; i < log->traces->trace_count && !result; i++)
        result = finish_trace(log, i);
    return result;
}
