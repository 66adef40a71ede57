/* SPDX-License-Identifier: MIT */

/* The machine code of a jitlog's traces, and which operations it is of. */
#include <errno.h>
#include <stdlib.h>

#include "jitlog.h"

enum {
    /* No trace has more; and bytes that are not known must not cost more. */
    MOST_CODE = 64 << 20,
};

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
    if (!strncmp(name, "new", 3) || !strncmp(name, "call_malloc", 11) ||
        !strcmp(name, "nursery_ptr_increment"))
        return 'n';
    return 0;
}

/* What is made gets its type, at offset 0, and an array its length: stores that
 * were none before. */
static bool
fills_header(struct jitlog *log, const struct jitlog_operation *operation)
{
    struct span rest = operation->arguments, before;
    const bool was_array = log->made_array;
    uint64_t offset;

    if (strcmp(log->opcodes[operation->opcode], "gc_store") != 0 ||
        !span_take_until(&rest, ",", &before) ||
        !span_take_until(&rest, ",", &before) ||
        !span_take_number(&rest, 10, &offset))
        return false;
    log->made_array = was_array && offset == 0;
    return offset == 0 || was_array;
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
uint32_t
jitlog_find_optimised(struct jitlog *log,
                      const struct jitlog_operation *operation)
{
    const bool anchored = is_anchor(jitlog_kind(log, operation->opcode));

    if (fills_header(log, operation))
        return 0;
    for (uint32_t i = log->next; i < log->optimised_count; i++) {
        const struct optimised *from = &log->optimised[i];

        if (becomes(log, from, operation)) {
            log->next = i + 1;
            log->made_array =
                !strncmp(log->opcodes[from->opcode], "new_array", 9);
            return from->operation;
        }
        if (!anchored && is_anchor(jitlog_kind(log, from->opcode)))
            break;
    }
    return 0;
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
jitlog_code(struct jitlog *log, uint16_t wrapped, struct span bytes)
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
    if (!reserve_code(log, (size_t)offset + bytes.size))
        return -ENOMEM;
    memcpy(log->code + offset, bytes.at, bytes.size);
    if (!log->current || operation->has_offset)
        return 0;
    operation->offset = (uint32_t)offset;
    operation->size = (uint32_t)bytes.size;
    operation->has_offset = true;
    return 0;
}

/* What was put before an operation, such as a count, is of it. */
void
jitlog_stretch_operations(struct jitlog *log, const struct trace *trace)
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

int
jitlog_keep_code(struct jitlog *log, struct trace *trace)
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
