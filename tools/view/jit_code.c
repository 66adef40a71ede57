/* SPDX-License-Identifier: MIT */

/* Operations and machine code of a trace, with the time at each. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../export/text.h"
#include "disassemble.h"
#include "jit.h"

enum {
    MOST_OPERATIONS = 3000,
    MOST_BYTES = 16384, /* of code, of a trace */
    ROW_BYTES = 16,
};

struct code_writer {
    const struct jit_page *page;
    const struct trace *trace;
    uint32_t index;
    bool is_first;
    FILE *out;
};

static void
write_where(const struct code_writer *writer, uint32_t index)
{
    const struct trace_place *place =
        &writer->page->profile->traces.places[index];

    if (!index) {
        fputs("null", writer->out);
        return;
    }
    putc('[', writer->out);
    text_write_json(writer->out, place->function);
    putc(',', writer->out);
    text_write_json(writer->out, place->file);
    fprintf(writer->out, ",%" PRIu32 "]", place->line);
}

/* [offset, bytes, text, guard, where] */
static void
write_operation(const struct code_writer *writer,
                const struct trace_operation *operation)
{
    fprintf(writer->out, "[%" PRIu32 ",%" PRIu32 ",", operation->offset,
            operation->size);
    text_write_json(writer->out, operation->text);
    fprintf(writer->out, ",%" PRIu32 ",",
            operation->kind == OPERATION_GUARD ? operation->target : 0);
    write_where(writer, operation->place);
    putc(']', writer->out);
}

static void
write_operations(const struct code_writer *writer)
{
    const struct traces *traces = &writer->page->profile->traces;

    fputs(",\"operations\":[", writer->out);
    for (uint32_t i = 0;
         i < writer->trace->operation_count && i < MOST_OPERATIONS; i++) {
        fputs(i ? ",\n" : "", writer->out);
        write_operation(
            writer, &traces->operations[writer->trace->first_operation + i]);
    }
    putc(']', writer->out);
}

/* [offset, hexadecimal, text or null, where, nanoseconds] */
static int
write_instruction(void *user, const struct instruction *instruction)
{
    struct code_writer *writer = user;
    const struct traces *traces = &writer->page->profile->traces;
    const struct cell cell = trace_heat_between(
        &writer->page->reading->heat, writer->index, instruction->offset,
        instruction->offset + instruction->size);

    fprintf(writer->out, "%s[%" PRIu64 ",\"", writer->is_first ? "" : ",\n",
            instruction->offset);
    writer->is_first = false;
    for (size_t i = 0; i < instruction->size; i++)
        fprintf(writer->out, "%02x",
                writer->trace->code[instruction->offset + i]);
    fputs("\",", writer->out);
    if (instruction->text)
        text_write_json(writer->out, instruction->text);
    else
        fputs("null", writer->out);
    putc(',', writer->out);
    write_where(writer,
                traces_place_at(traces, writer->index, instruction->offset));
    fprintf(writer->out, ",%" PRIu64 "]", cell.self_ns);
    return 0;
}

/* Where the bytes of an operation end, or a row is full. */
static uint64_t
end_of_row(const struct code_writer *writer, uint64_t from, uint64_t end,
           uint32_t *operation)
{
    const struct traces *traces = &writer->page->profile->traces;
    uint64_t to = from + ROW_BYTES < end ? from + ROW_BYTES : end;

    for (; *operation < writer->trace->operation_count; ++*operation) {
        const struct trace_operation *at =
            &traces->operations[writer->trace->first_operation + *operation];

        if (!at->has_offset || at->offset <= from)
            continue;
        return at->offset < to ? at->offset : to;
    }
    return to;
}

static int
write_bytes(struct code_writer *writer, size_t size)
{
    uint32_t operation = 0;
    uint64_t end;

    for (uint64_t from = 0; from < size; from = end) {
        end = end_of_row(writer, from, size, &operation);
        write_instruction(
            writer, &(struct instruction){ from, (size_t)(end - from), NULL });
    }
    return 0;
}

static const char *
machine_of(const struct code_writer *writer)
{
    return writer->page->profile->sessions[writer->trace->session].machine;
}

static int
write_code(struct code_writer *writer)
{
    const uint64_t known = writer->trace->code ? writer->trace->known_size : 0;
    const size_t size = known < MOST_BYTES ? (size_t)known : MOST_BYTES;
    int result = 0;

    fputs(",\"code\":[", writer->out);
    if (size)
        result =
            disassemble(machine_of(writer), writer->trace->code_start,
                        writer->trace->code, size, write_instruction, writer);
    if (result == -ENOTSUP)
        result = write_bytes(writer, size);
    putc(']', writer->out);
    if (known > size)
        fprintf(writer->out, ",\"codeCut\":%" PRIu64, known - size);
    return result;
}

static void
write_heat(const struct code_writer *writer)
{
    const struct trace_heat *heat = &writer->page->reading->heat;
    bool is_first = true;

    fputs(",\"heat\":[", writer->out);
    for (uint32_t i = 0; i < heat->count; i++) {
        if (heat->rows[i].trace != writer->index)
            continue;
        fprintf(writer->out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",",
                is_first ? "" : ",", heat->rows[i].offset, heat->rows[i].ns,
                heat->rows[i].samples);
        write_where(writer,
                    traces_place_at(&writer->page->profile->traces,
                                    writer->index, heat->rows[i].offset));
        putc(']', writer->out);
        is_first = false;
    }
    putc(']', writer->out);
}

int
write_jit_code(const struct jit_page *page, uint32_t index, FILE *out)
{
    struct code_writer writer = {
        .page = page,
        .trace = &page->profile->traces.traces[index],
        .index = index,
        .is_first = true,
        .out = out,
    };

    write_operations(&writer);
    write_heat(&writer);
    return write_code(&writer);
}
