/* SPDX-License-Identifier: MIT */

/* Writes the bytecode of the unit that is being compiled. */
#include "compiler.h"

#include "memory.h"

#include <string.h>

static const int effects[] = {
#define EFFECT(name, effect, types) [OP_##name] = (effect),
    OPCODES(EFFECT)
#undef EFFECT
};

/* LIST and CALL take as many values as their operand says. */
static int
effect_of(enum opcode opcode, int32_t operand)
{
    if (opcode == OP_LIST || opcode == OP_CALL)
        return effects[opcode] - operand;
    return effects[opcode];
}

static void
track_depth(struct parser *parser, int effect)
{
    struct unit *unit = parser->unit;

    unit->depth += effect;
    if (unit->depth > FUNCTION_DEPTH_MAX)
        fail_at(parser, parser->previous.line,
                "this function needs too much stack");
    else if (unit->depth > (int)unit->function->max_depth)
        unit->function->max_depth = (uint32_t)unit->depth;
}

void
emit_at(struct parser *parser, enum opcode opcode, int32_t operand,
        uint32_t line)
{
    struct function *function = parser->unit->function;

    function->code = make_room(function->code, function->count,
                               &function->code_capacity, sizeof(uint32_t));
    function->lines = make_room(function->lines, function->count,
                                &function->lines_capacity, sizeof(uint32_t));
    function->lines[function->count] = line;
    function->code[function->count++] = instruction(opcode, operand);
    if (function->count > OPERAND_MAX)
        fail_at(parser, line, "this function is too long");
    track_depth(parser, effect_of(opcode, operand));
}

void
emit(struct parser *parser, enum opcode opcode, int32_t operand)
{
    emit_at(parser, opcode, operand, parser->previous.line);
}

int32_t
add_constant(struct parser *parser, struct value value)
{
    struct function *function = parser->unit->function;

    for (size_t i = 0; i < function->constant_count; i++) {
        if (function->constants[i].type == value.type &&
            value_equal(function->constants[i], value))
            return (int32_t)i;
    }
    if (function->constant_count == OPERAND_MAX)
        fail_at(parser, parser->previous.line, "too many constants");
    function->constants =
        make_room(function->constants, function->constant_count,
                  &function->constant_capacity, sizeof(value));
    function->constants[function->constant_count] = value;
    return (int32_t)function->constant_count++;
}

void
emit_constant(struct parser *parser, struct value value)
{
    emit(parser, OP_CONSTANT, add_constant(parser, value));
}

/* Returns the jump for patch_jump(). */
size_t
emit_jump(struct parser *parser, enum opcode opcode)
{
    emit(parser, opcode, 0);
    return parser->unit->function->count - 1;
}

void
patch_jump(struct parser *parser, size_t jump)
{
    struct function *function = parser->unit->function;
    int32_t distance = (int32_t)(function->count - jump - 1);

    function->code[jump] =
        instruction(opcode_of(function->code[jump]), distance);
}

void
emit_loop(struct parser *parser, size_t start)
{
    size_t next = parser->unit->function->count + 1;

    emit(parser, OP_LOOP, -(int32_t)(next - start));
}

void
begin_line(struct parser *parser)
{
    struct unit *unit = parser->unit;
    struct function *function = unit->function;
    uint32_t line = parser->current.line;

    if (unit->line == line)
        return;
    unit->line = line;
    function->starts =
        make_room(function->starts, function->start_count,
                  &function->start_capacity, sizeof(*function->starts));
    function->starts[function->start_count++] =
        (struct line_start){ (uint32_t)function->count, line };
}

/* The value on top of the stack becomes a variable. */
void
declare_local(struct parser *parser, const char *name, size_t length)
{
    struct unit *unit = parser->unit;

    if (unit->local_count == LOCALS_MAX) {
        fail_at(parser, parser->previous.line,
                "this function has too many variables");
        return;
    }
    unit->locals[unit->local_count++] =
        (struct local){ .name = name, .length = length, .block = unit->block };
}

/* The slot of a variable, or -1. Inner ones hide outer ones. */
int
find_local(const struct parser *parser, const struct token *name)
{
    const struct unit *unit = parser->unit;

    for (int i = unit->local_count - 1; i >= 0; i--) {
        if (unit->locals[i].length == name->length &&
            memcmp(unit->locals[i].name, name->text, name->length) == 0)
            return i;
    }
    return -1;
}

void
begin_block(struct parser *parser)
{
    parser->unit->block++;
}

void
end_block(struct parser *parser)
{
    struct unit *unit = parser->unit;

    unit->block--;
    while (unit->local_count > 0 &&
           unit->locals[unit->local_count - 1].block > unit->block) {
        unit->local_count--;
        emit(parser, OP_POP, 0);
    }
}
