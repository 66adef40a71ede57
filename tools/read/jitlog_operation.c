/* SPDX-License-Identifier: MIT */

/* Optimised operations of a jitlog: their text, and what they refer to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jit_operation.h"
#include "jitlog.h"
#include "store.h"

enum operation_kind
jitlog_kind(const struct jitlog *log, uint16_t opcode)
{
    const char *name = log->opcodes[opcode];
    const struct span span = { name, strlen(name) };

    return jit_operation_kind(&span);
}

static void
print_arguments(FILE *out, struct span arguments, const char *between)
{
    struct span argument;
    bool first = true;

    while (span_take_until(&arguments, ",", &argument)) {
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
    struct span arguments = operation->arguments, result, descr = { "", 0 };

    if (!span_take_until(&arguments, ",", &result)) {
        result = arguments;
        arguments = (struct span){ "", 0 };
    }
    if (operation->has_descr && !span_cut_last(&arguments, ',', &descr)) {
        descr = arguments;
        arguments.size = 0;
    }
    if (!span_is(&result, "?") && result.size)
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
called_trace(const struct jitlog *log, struct span arguments)
{
    struct span descr;
    uint64_t id;

    if (!span_cut_last(&arguments, ',', &descr) ||
        !span_take(&descr, "<Loop") || !span_take_number(&descr, 10, &id))
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

int
jitlog_add_optimised(struct jitlog *log,
                     const struct jitlog_operation *operation)
{
    const enum operation_kind kind = jitlog_kind(log, operation->opcode);
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
