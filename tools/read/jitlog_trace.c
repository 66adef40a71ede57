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
jitlog_begin(struct jitlog *log, uint64_t id, struct span type, uint64_t guard,
             struct span driver)
{
    const bool is_bridge = span_is(&type, "bridge");
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
    log->made_array = false;
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
        log->current = jitlog_find_optimised(log, operation);
    return log->stage == STAGE_OPTIMISED ? jitlog_add_optimised(log, operation)
                                         : 0;
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

int
jitlog_end_trace(struct jitlog *log)
{
    struct trace *trace = &log->traces->traces[log->trace];
    int result = 0;

    if (log->trace) {
        jitlog_stretch_operations(log, trace);
        result = jitlog_keep_code(log, trace);
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
