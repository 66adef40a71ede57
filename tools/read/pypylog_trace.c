/* SPDX-License-Identifier: MIT */

/* The sections of a PYPYLOG that hold the operations of a trace, a line each. */
#include <errno.h>

#include "jit_operation.h"
#include "jit_place.h"
#include "pypylog.h"
#include "store.h"

/* What the text of an operation says. */
struct parsed {
    struct span text;
    struct span name;     /* "guard_true" */
    struct span operands; /* all between the parentheses */
    struct span descr;    /* behind "descr="; empty: none */
    uint64_t offset;
    bool has_offset;
};

static int
name_trace(struct pypylog *log, uint32_t index, struct span name)
{
    struct traces *traces = log->traces;
    const char *text = traces_name(traces, name.at, name.size);

    if (!text)
        return -ENOMEM;
    traces->traces[index].name = text;
    return id_map_set(&log->ids, ID_NAME, (uintptr_t)text, index);
}

static int64_t
add_trace(struct pypylog *log, unsigned kind, uint64_t id, struct span name)
{
    const struct trace trace = {
        .id = kind == ID_NAME ? 0 : id,
        .kind = kind == ID_LOOP     ? TRACE_LOOP
                : kind == ID_BRIDGE ? TRACE_BRIDGE
                                    : TRACE_UNKNOWN,
    };
    const int64_t index = traces_add(log->traces, &trace);

    if (index < 0 || id_map_set(&log->ids, kind, id, (uint32_t)index) ||
        name_trace(log, (uint32_t)index, name))
        return -ENOMEM;
    return index;
}

int64_t
pypylog_trace(struct pypylog *log, unsigned kind, uint64_t id, struct span name)
{
    uint32_t trace = id_map_get(&log->ids, kind, id);
    const char *text;

    if (trace)
        return trace;
    /* What profile sections named before it was described. */
    text = traces_name(log->traces, name.at, name.size);
    if (!text)
        return -ENOMEM;
    trace = id_map_get(&log->ids, ID_NAME, (uintptr_t)text);
    if (!trace || log->traces->traces[trace].kind != TRACE_UNKNOWN)
        return add_trace(log, kind, id, name);
    log->traces->traces[trace].kind =
        kind == ID_BRIDGE ? TRACE_BRIDGE : TRACE_LOOP;
    log->traces->traces[trace].id = id;
    return id_map_set(&log->ids, kind, id, trace) ? -ENOMEM : (int64_t)trace;
}

static int64_t
guard_of(struct pypylog *log, uint64_t id)
{
    const uint32_t known = id_map_get(&log->ids, ID_GUARD, id);
    const struct trace_guard guard = { .id = id };
    int64_t added;

    if (known)
        return known;
    added = traces_add_guard(log->traces, &guard);
    if (added < 0 || id_map_set(&log->ids, ID_GUARD, id, (uint32_t)added))
        return -ENOMEM;
    return added;
}

int64_t
pypylog_bridge(struct pypylog *log, uint64_t id, struct span name)
{
    const int64_t bridge = pypylog_trace(log, ID_BRIDGE, id, name);
    const int64_t guard = bridge < 0 ? bridge : guard_of(log, id);

    if (guard < 0)
        return -ENOMEM;
    if (!log->traces->traces[bridge].guard) {
        log->traces->traces[bridge].guard = (uint32_t)guard;
        log->traces->guards[guard].bridge = (uint32_t)bridge;
    }
    return bridge;
}

int64_t
pypylog_new_trace(struct pypylog *log, unsigned kind, uint64_t id,
                  struct span name)
{
    const int64_t trace = add_trace(log, kind, id, name);

    if (trace < 0)
        return -ENOMEM;
    pypylog_damaged(log, &log->traces->damage.repeated);
    return kind == ID_BRIDGE ? pypylog_bridge(log, id, name) : trace;
}

/* Traces with operations keep them: the id is used again. */
static int64_t
begin_trace(struct pypylog *log, unsigned kind, uint64_t id, struct span name)
{
    const int64_t trace = kind == ID_BRIDGE
                              ? pypylog_bridge(log, id, name)
                              : pypylog_trace(log, kind, id, name);

    return trace > 0 && log->traces->traces[trace].first_operation
               ? pypylog_new_trace(log, kind, id, name)
               : trace;
}

/* "# bridge out of Guard 0x7f53 with 60 ops" */
static int64_t
take_bridge_head(struct pypylog *log, struct span line)
{
    const char *start = line.at;
    struct span name;
    uint64_t guard;

    if (!span_take(&line, "bridge out of Guard ") ||
        !span_take_address(&line, &guard))
        return 0;
    name = (struct span){ start, (size_t)(line.at - start) };
    return begin_trace(log, ID_BRIDGE, guard, name);
}

/* "# Loop 1 (name) : loop with 73 ops" */
static int64_t
take_loop_head(struct pypylog *log, struct span line)
{
    struct span rest = line, kind;
    uint64_t number;
    int64_t trace;

    if (!span_take(&rest, "Loop ") || !span_take_number(&rest, 10, &number) ||
        !span_cut_last(&rest, ':', &kind))
        return 0;
    line.size -= kind.size + 1;
    span_trim(&line);
    span_trim(&kind);
    trace = begin_trace(log, ID_LOOP, number, line);
    if (trace > 0 && span_starts(&kind, "entry bridge"))
        log->traces->traces[trace].kind = TRACE_ENTRY_BRIDGE;
    return trace;
}

/* The place that the name of a loop has in parentheses. */
static int
set_first_place(struct pypylog *log, uint32_t index)
{
    const char *name = log->traces->traces[index].name;
    struct span text = { name, strlen(name) }, before;
    int64_t place;

    if (!span_take_until(&text, " (", &before) || !text.size ||
        text.at[text.size - 1] != ')')
        return 0;
    text.size--;
    place = jit_place(log->traces, text, 0);
    if (place < 0)
        return -ENOMEM;
    log->traces->traces[index].place = (uint32_t)place;
    return 0;
}

static int
take_head(struct pypylog *log, struct open_section *section, struct span line)
{
    int64_t trace;

    span_trim(&line);
    trace = take_loop_head(log, line);
    if (!trace)
        trace = take_bridge_head(log, line);
    if (trace < 0)
        return -ENOMEM;
    if (!trace) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    section->trace = (uint32_t)trace;
    log->traces->traces[trace].first_operation = log->traces->operation_count;
    log->place = 0;
    log->end_offset = 0;
    memset(log->places, 0, sizeof(log->places));
    return set_first_place(log, section->trace);
}

/* "+280: p2 = name(…, descr=…) […]" */
static bool
parse_operation(struct span line, struct parsed *parsed)
{
    struct span before, rest;

    memset(parsed, 0, sizeof(*parsed));
    if (span_take(&line, "+")) {
        if (!span_take_number(&line, 10, &parsed->offset) ||
            !span_take(&line, ":"))
            return false;
        parsed->has_offset = parsed->offset <= INT32_MAX;
    }
    span_trim(&line);
    rest = parsed->text = line;
    if (!span_take_until(&rest, "(", &parsed->name))
        return false;
    if (span_take_until(&parsed->name, " = ", &before))
        span_trim(&parsed->name);
    parsed->operands = rest;
    if (span_take_until(&rest, ", descr=", &before) ||
        span_take_until(&rest, "(descr=", &before))
        parsed->descr = rest;
    else if (span_starts(&parsed->operands, "descr="))
        parsed->descr =
            (struct span){ parsed->operands.at + 6, parsed->operands.size - 6 };
    return true;
}

/* "debug_merge_point(depth, call, 'place')" */
static int
take_merge_point(struct pypylog *log, uint32_t index, struct span operands)
{
    struct span before, text;
    uint64_t depth = 0;
    int64_t place;

    if (!span_take_number(&operands, 10, &depth) || depth >= MOST_DEPTH)
        depth = 0;
    if (!span_take_until(&operands, "'", &before) ||
        !span_cut_last(&operands, '\'', &text)) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    place =
        jit_place(log->traces, operands, depth ? log->places[depth - 1] : 0);
    if (place < 0)
        return -ENOMEM;
    log->place = log->places[depth] = (uint32_t)place;
    if (!log->traces->traces[index].place)
        log->traces->traces[index].place = (uint32_t)place;
    return 0;
}

/* A guard is the one that its id stands for from now on. */
static int64_t
add_guard(struct pypylog *log, uint32_t trace, const struct parsed *parsed)
{
    struct span descr = parsed->descr;
    struct trace_guard guard = {
        .trace = trace,
        .operation = log->traces->operation_count,
        .text = "",
    };
    uint32_t known;
    int64_t added;

    if (!span_take(&descr, "<Guard") || !span_take_address(&descr, &guard.id))
        return 0;
    known = id_map_get(&log->ids, ID_GUARD, guard.id);
    if (known && !log->traces->guards[known].trace) {
        guard.bridge = log->traces->guards[known].bridge;
        log->traces->guards[known] = guard;
        return known;
    }
    if (known)
        pypylog_damaged(log, &log->traces->damage.repeated);
    added = traces_add_guard(log->traces, &guard);
    if (added < 0 || id_map_set(&log->ids, ID_GUARD, guard.id, (uint32_t)added))
        return -ENOMEM;
    return added;
}

static bool
take_token(struct span descr, uint64_t *id)
{
    return span_take(&descr, "TargetToken(") &&
           span_take_number(&descr, 10, id);
}

int64_t
pypylog_label(struct pypylog *log, uint64_t id)
{
    const uint32_t known = id_map_get(&log->ids, ID_LABEL, id);
    const struct trace_label label = { .id = id };
    int64_t added;

    if (known)
        return known;
    added = traces_add_label(log->traces, &label);
    if (added < 0 || id_map_set(&log->ids, ID_LABEL, id, (uint32_t)added))
        return -ENOMEM;
    return added;
}

static int64_t
add_label(struct pypylog *log, uint32_t trace, const struct parsed *parsed)
{
    uint64_t id;
    int64_t label;

    if (!take_token(parsed->descr, &id))
        return 0;
    label = pypylog_label(log, id);
    if (label > 0) {
        log->traces->labels[label].trace = trace;
        log->traces->labels[label].operation = log->traces->operation_count;
    }
    return label;
}

/* What an operation refers to: 0 if it is nothing, or not known. */
static int64_t
target_of(struct pypylog *log, uint32_t trace, enum operation_kind kind,
          const struct parsed *parsed)
{
    struct span descr = parsed->descr;
    uint64_t id;

    switch (kind) {
    case OPERATION_GUARD:
        return add_guard(log, trace, parsed);
    case OPERATION_LABEL:
        return add_label(log, trace, parsed);
    case OPERATION_JUMP:
        return take_token(descr, &id) ? pypylog_label(log, id) : 0;
    case OPERATION_CALL:
        return span_take(&descr, "<Loop") && span_take_number(&descr, 10, &id)
                   ? (int64_t)id_map_get(&log->ids, ID_LOOP, id)
                   : 0;
    case OPERATION_OTHER:
    case OPERATION_FINISH:
        break;
    }
    return 0;
}

static uint32_t
count_operands(struct span operands)
{
    struct span before;
    uint32_t count = 0;

    while (span_take_until(&operands, ", ", &before) &&
           !span_starts(&before, "descr="))
        count++;
    return count;
}

static int
keep_operand_count(struct pypylog *log, uint32_t operation, uint32_t count)
{
    while (log->operand_capacity <= operation)
        if (grow_array((void **)&log->operand_counts, &log->operand_capacity,
                       log->operand_capacity, sizeof(*log->operand_counts)))
            return -ENOMEM;
    log->operand_counts[operation] = count;
    return 0;
}

static int
add_operation(struct pypylog *log, uint32_t trace, const struct parsed *parsed)
{
    const enum operation_kind kind = jit_operation_kind(&parsed->name);
    const int64_t target = target_of(log, trace, kind, parsed);
    struct trace_operation operation = {
        .text = traces_text(log->traces, parsed->text.at, parsed->text.size),
        .place = log->place,
        .offset = (uint32_t)parsed->offset,
        .has_offset = parsed->has_offset,
        .kind = (uint8_t)kind,
        .target = (uint32_t)target,
    };
    int64_t added;

    if (!operation.text || target < 0)
        return -ENOMEM;
    added = traces_add_operation(log->traces, &operation);
    if (added < 0)
        return -ENOMEM;
    log->traces->traces[trace].operation_count++;
    if (kind != OPERATION_LABEL && kind != OPERATION_JUMP)
        return 0;
    if (kind == OPERATION_JUMP)
        log->traces->traces[trace].target = operation.target;
    return keep_operand_count(log, (uint32_t)added,
                              count_operands(parsed->operands));
}

static int
take_operation(struct pypylog *log, uint32_t trace, struct span line)
{
    struct parsed parsed;
    struct span rest = line, before;
    struct trace *at = &log->traces->traces[trace];

    if (span_take_until(&rest, ": --end of the loop--", &before)) {
        if (!span_take(&before, "+") ||
            !span_take_number(&before, 10, &log->end_offset))
            log->end_offset = 0;
        return 0;
    }
    if (!parse_operation(line, &parsed)) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    if (span_is(&parsed.name, "debug_merge_point"))
        return take_merge_point(log, trace, parsed.operands);
    /* Another trace's are between: a section that was opened inside. */
    if (at->first_operation + at->operation_count !=
        log->traces->operation_count) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    if (span_is(&parsed.name, "finish"))
        at->end = TRACE_END_RETURNS;
    return add_operation(log, trace, &parsed);
}

int
pypylog_trace_line(struct pypylog *log, struct open_section *section,
                   struct span line)
{
    if (span_take(&line, "#"))
        return section->trace ? 0 : take_head(log, section, line);
    if (!section->trace) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    /* The arguments at its beginning. */
    if (span_starts(&line, "["))
        return 0;
    return take_operation(log, section->trace, line);
}

/* The machine code of each reaches to that of the next. */
void
pypylog_trace_end(struct pypylog *log, const struct open_section *section)
{
    const struct trace *trace = &log->traces->traces[section->trace];
    uint64_t next = log->end_offset;

    for (uint32_t i = trace->operation_count; section->trace && i-- > 0;) {
        struct trace_operation *operation =
            &log->traces->operations[trace->first_operation + i];

        if (!operation->has_offset)
            continue;
        if (next > operation->offset && next <= INT32_MAX)
            operation->size = (uint32_t)next - operation->offset;
        next = operation->offset;
    }
}
