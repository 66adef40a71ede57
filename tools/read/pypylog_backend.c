/* SPDX-License-Identifier: MIT */

/*
 * The sections of a PYPYLOG about machine code: where it is, what it was, and
 * how often it ran; and the summary at the end.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "pypylog.h"
#include "store.h"

enum {
    /* No trace has more machine code; hostile files may claim it. */
    MOST_CODE = 64 << 20,
};

/* The parts that a trace's machine code has, a line each. */
static void
take_part(struct pypylog *log, struct trace *trace, struct span line)
{
    static const struct {
        const char *name;
        size_t member;
    } parts[] = {
        { "function", offsetof(struct trace, entry_offset) },
        { "jump target", offsetof(struct trace, entry_offset) },
        { "resops", offsetof(struct trace, body_offset) },
        { "failures", offsetof(struct trace, cold_offset) },
        { "end", offsetof(struct trace, code_size) },
    };
    struct span name;
    uint64_t address;

    if (!span_take_until(&line, ": ", &name) ||
        !span_take_address(&line, &address)) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return;
    }
    span_trim(&name);
    /* Constants lie before the code; offsets count from there. */
    if (span_is(&name, "gc table") && address <= trace->code_start) {
        const uint64_t before = trace->code_start - address;

        trace->code_start = address;
        trace->entry_offset += before;
        trace->code_size += before;
    }
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (span_is(&name, parts[i].name) && address >= trace->code_start)
            *(uint64_t *)((char *)trace + parts[i].member) =
                address - trace->code_start;
}

static int64_t
find_addressed(struct pypylog *log, struct span name)
{
    struct span rest = name;
    unsigned kind = ID_LOOP;
    uint64_t id;
    int64_t trace;

    if (span_take(&rest, "bridge out of Guard ")) {
        kind = ID_BRIDGE;
        if (!span_take_address(&rest, &id))
            return 0;
    } else if (!span_take(&rest, "Loop ") ||
               !span_take_number(&rest, 10, &id)) {
        return 0;
    }
    trace = kind == ID_BRIDGE ? pypylog_bridge(log, id, name)
                              : pypylog_trace(log, kind, id, name);
    if (trace > 0 && log->traces->traces[trace].code_start)
        return pypylog_new_trace(log, kind, id, name);
    return trace;
}

/* "Loop 1 (…) has address 0x1 to 0x2 (bootstrap 0x0)" */
int
pypylog_address_line(struct pypylog *log, struct open_section *section,
                     struct span line)
{
    struct span name;
    uint64_t start, end, bootstrap;
    struct trace *trace;
    int64_t found;

    if (section->trace) {
        take_part(log, &log->traces->traces[section->trace], line);
        return 0;
    }
    if (!span_take_until(&line, " has address ", &name) ||
        !span_take_address(&line, &start) || !span_take(&line, " to ") ||
        !span_take_address(&line, &end) || end < start || !start) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    if (span_take(&line, " (bootstrap ") &&
        span_take_address(&line, &bootstrap) && bootstrap < start)
        start = bootstrap;
    span_trim(&name);
    found = find_addressed(log, name);
    if (found < 0)
        return -ENOMEM;
    if (!found)
        return 0;
    section->trace = (uint32_t)found;
    trace = &log->traces->traces[found];
    trace->code_start = start;
    trace->code_size = end - start;
    return 0;
}

static unsigned
hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                  : 16;
}

/* Returns whether all of it is hexadecimal. */
static bool
decode_hex(unsigned char *bytes, struct span text)
{
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        const unsigned high = hex_digit(text.at[i]);
        const unsigned low = hex_digit(text.at[i + 1]);

        if (high > 15 || low > 15)
            return false;
        bytes[i / 2] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static int
keep_dump(struct pypylog *log, uint64_t address, struct span text)
{
    unsigned char *bytes = traces_bytes(log->traces, text.size / 2 + 1);

    if (!bytes || grow_array((void **)&log->dumps, &log->dump_capacity,
                             log->dump_count, sizeof(*log->dumps)))
        return -ENOMEM;
    if (!decode_hex(bytes, text) || text.size % 2) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    log->dumps[log->dump_count++] =
        (struct code_dump){ address, bytes, text.size / 2 };
    return 0;
}

/* "CODE_DUMP @7f53714b1b40 +0  79010000" */
int
pypylog_dump_line(struct pypylog *log, struct span line)
{
    uint64_t address, offset;

    if (span_starts(&line, "BACKEND ")) {
        const char *machine;

        span_skip(&line, 8);
        machine = traces_name(log->traces, line.at, line.size);
        if (machine)
            log->traces->machine = machine;
        return machine ? 0 : -ENOMEM;
    }
    if (span_starts(&line, "SYS_EXECUTABLE "))
        return 0;
    if (!span_take(&line, "CODE_DUMP @") ||
        !span_take_number(&line, 16, &address) || !span_take(&line, " +") ||
        !span_take_number(&line, 16, &offset)) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    span_trim(&line);
    return keep_dump(log, address + offset, line);
}

static int
count_loop(struct pypylog *log, uint64_t number, uint64_t count)
{
    char name[32];
    const int size =
        snprintf(name, sizeof(name), "Loop %llu", (unsigned long long)number);
    const int64_t trace = pypylog_trace(log, ID_LOOP, number,
                                        (struct span){ name, (size_t)size });

    if (trace < 0)
        return -ENOMEM;
    log->traces->traces[trace].entries = count;
    log->traces->traces[trace].has_entries = true;
    return 0;
}

static int
count_bridge(struct pypylog *log, uint64_t guard, uint64_t count)
{
    char name[64];
    const int size = snprintf(name, sizeof(name), "bridge out of Guard 0x%llx",
                              (unsigned long long)guard);
    const int64_t trace =
        pypylog_bridge(log, guard, (struct span){ name, (size_t)size });

    if (trace < 0)
        return -ENOMEM;
    log->traces->traces[trace].entries = count;
    log->traces->traces[trace].has_entries = true;
    return 0;
}

static int
count_label(struct pypylog *log, uint64_t id, uint64_t count)
{
    const int64_t label = pypylog_label(log, id);

    if (label < 0)
        return -ENOMEM;
    log->traces->labels[label].count = count;
    log->traces->labels[label].has_count = true;
    return 0;
}

/* "entry 1:480", "TargetToken(139):480", "bridge 139:71113" */
int
pypylog_counts_line(struct pypylog *log, struct span line)
{
    struct span what;
    uint64_t id, count;

    if (!span_cut_last(&line, ':', &what) ||
        !span_take_number(&what, 10, &count) || what.size)
        goto unknown;
    log->traces->has_counts = true;
    if (span_take(&line, "entry ") && span_take_number(&line, 10, &id))
        return count_loop(log, id, count);
    if (span_take(&line, "bridge ") && span_take_number(&line, 10, &id))
        return count_bridge(log, id, count);
    if (span_take(&line, "TargetToken(") && span_take_number(&line, 10, &id))
        return count_label(log, id, count);
unknown:
    pypylog_damaged(log, &log->traces->damage.lines_unknown);
    return 0;
}

/* "0.040260" */
static bool
take_seconds(struct span text, double *seconds)
{
    uint64_t whole, part;
    double scale = 1;
    size_t digits;

    if (!span_take_number(&text, 10, &whole) || !span_take(&text, "."))
        return false;
    digits = text.size;
    if (!span_take_number(&text, 10, &part) || text.size || digits > 18)
        return false;
    while (digits-- > 0)
        scale *= 10;
    *seconds = (double)whole + (double)part / scale;
    return true;
}

/* "Tracing:      \t23\t0.040260" */
int
pypylog_summary_line(struct pypylog *log, struct span line)
{
    struct jit_total total = { 0 };
    struct span name, count;

    if (!span_take_until(&line, "\t", &name)) {
        pypylog_damaged(log, &log->traces->damage.lines_unknown);
        return 0;
    }
    if (!span_take_until(&line, "\t", &count)) {
        count = line;
        line.size = 0;
    }
    span_trim(&name);
    if (name.size && name.at[name.size - 1] == ':')
        name.size--;
    span_trim(&count);
    span_trim(&line);
    total.has_count = span_take_number(&count, 10, &total.count);
    total.has_seconds = take_seconds(line, &total.seconds);
    total.name = traces_name(log->traces, name.at, name.size);
    return total.name && traces_add_total(log->traces, &total) >= 0 ? 0
                                                                    : -ENOMEM;
}

/*
 * PyPy names the label that a loop first jumped to in place of the one it jumps
 * to at last: a jump to a label of its own passes as many operands as that has.
 */
static uint32_t
last_target(const struct pypylog *log, const struct trace *trace,
            const struct trace_operation *jump, uint32_t jump_index)
{
    const struct traces *traces = log->traces;
    const uint32_t operands = log->operand_counts[jump_index];
    const struct trace_label *label = &traces->labels[jump->target];
    uint32_t found = jump->target;

    if (!label->operation || log->operand_counts[label->operation] == operands)
        return found;
    for (uint32_t i = 0; i < trace->operation_count; i++) {
        const uint32_t index = trace->first_operation + i;

        if (traces->operations[index].kind == OPERATION_LABEL &&
            traces->operations[index].target &&
            log->operand_counts[index] == operands)
            found = traces->operations[index].target;
    }
    return found;
}

int
pypylog_finish_links(struct pypylog *log)
{
    struct traces *traces = log->traces;

    for (uint32_t i = 1; i < traces->trace_count; i++) {
        struct trace *trace = &traces->traces[i];

        for (uint32_t k = 0; k < trace->operation_count; k++) {
            const uint32_t index = trace->first_operation + k;
            struct trace_operation *operation = &traces->operations[index];

            if (operation->kind != OPERATION_JUMP || !operation->target)
                continue;
            operation->target = last_target(log, trace, operation, index);
            trace->target = operation->target;
        }
        if (trace->kind == TRACE_BRIDGE && trace->first_operation &&
            !traces->guards[trace->guard].trace)
            traces->damage.unmatched++;
        if (trace->code_size &&
            traces_add_range(traces, &(struct trace_range){
                                         .start = trace->code_start,
                                         .size = trace->code_size,
                                         .trace = i,
                                     }) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The first holds all; what is not known is not patched. */
static int
patch(struct traces *traces, struct trace *trace, const struct code_dump *dump)
{
    const uint64_t offset = dump->address - trace->code_start;
    const uint64_t room = trace->code_size - offset;

    if (!trace->code && (offset || dump->size < trace->code_size / 2))
        return 0;
    if (!trace->code)
        trace->code = traces_bytes(traces, (size_t)trace->code_size);
    if (!trace->code)
        return -ENOMEM;
    trace->known_size = trace->code_size;
    memcpy(trace->code + offset, dump->bytes,
           dump->size < room ? dump->size : (size_t)room);
    return 0;
}

/* Later ones write over earlier ones. */
int
pypylog_finish_code(struct pypylog *log)
{
    struct traces *traces = log->traces;
    int result = 0;

    for (uint32_t i = 0; i < log->dump_count && !result; i++) {
        const uint32_t index =
            traces_find_address(traces, 0, log->dumps[i].address);
        struct trace *trace = &traces->traces[index];

        if (index && trace->code_size <= MOST_CODE)
            result = patch(traces, trace, &log->dumps[i]);
    }
    return result;
}
