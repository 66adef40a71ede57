/* SPDX-License-Identifier: MIT */

#include "jit_place.h"

#include <errno.h>

struct parts {
    struct span function, file, opcode;
    uint64_t line, first_line, bytecode;
    bool has_bytecode;
};

/* "12 FOR_ITER" */
static bool
take_bytecode(struct parts *parts, struct span text)
{
    if (!span_take_number(&text, 10, &parts->bytecode))
        return false;
    span_trim(&text);
    parts->opcode = text;
    parts->has_bytecode = true;
    return true;
}

/* "8-10" */
static bool
take_lines(struct parts *parts, struct span text)
{
    return span_take_number(&text, 10, &parts->first_line) &&
           span_take(&text, "-") && span_take_number(&text, 10, &parts->line) &&
           text.size == 0;
}

static bool
take_usual(struct parts *parts, struct span text)
{
    struct span bytecode, lines;

    return span_cut_last(&text, '#', &bytecode) && text.size &&
           text.at[--text.size] == '~' && take_bytecode(parts, bytecode) &&
           span_cut_last(&text, ':', &lines) && take_lines(parts, lines) &&
           span_take_until(&text, ";", &parts->function) &&
           ((parts->file = text), true);
}

static bool
take_older(struct parts *parts, struct span text)
{
    struct span bytecode;

    if (!span_take(&text, "<code object ") ||
        !span_take_until(&text, ", file '", &parts->function) ||
        !span_take_until(&text, "', line ", &parts->file) ||
        !span_take_number(&text, 10, &parts->first_line))
        return false;
    if (span_cut_last(&text, '#', &bytecode))
        take_bytecode(parts, bytecode);
    return true;
}

static uint32_t
line_number(uint64_t line)
{
    return line > INT32_MAX ? 0 : (uint32_t)line;
}

int64_t
jit_place(struct traces *traces, struct span text, uint32_t outer)
{
    struct parts parts = { 0 };
    struct trace_place place = { .outer = outer };

    if (!take_usual(&parts, text)) {
        parts = (struct parts){ 0 };
        if (!take_older(&parts, text))
            parts = (struct parts){ .function = text };
    }
    place.function =
        traces_name(traces, parts.function.at, parts.function.size);
    place.file = traces_name(traces, parts.file.at, parts.file.size);
    place.opcode = traces_name(traces, parts.opcode.at, parts.opcode.size);
    place.line = line_number(parts.line);
    place.first_line = line_number(parts.first_line);
    place.bytecode = parts.bytecode;
    place.has_bytecode = parts.has_bytecode;
    if (!place.function || !place.file || !place.opcode)
        return -ENOMEM;
    return traces_add_place(traces, &place);
}
