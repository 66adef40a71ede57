/* SPDX-License-Identifier: MIT */

/* Statements: each leaves the stack as high as the variables are many. */
#include "compiler.h"

#include "memory.h"
#include "native.h"

#include <stdlib.h>

static void
parse_let(struct parser *parser)
{
    struct token name;

    expect(parser, TOKEN_NAME, "the name of a variable is missing after let");
    name = parser->previous;
    expect(parser, '=', "a '=' and a value are missing after the name");
    parse_expression(parser);
    declare_local(parser, name.text, name.length);
}

static void
parse_if(struct parser *parser)
{
    size_t to_else, to_end;

    parse_expression(parser);
    to_else = emit_jump(parser, OP_JUMP_IF_FALSE);
    parse_block(parser);
    if (!accept(parser, TOKEN_ELSE)) {
        patch_jump(parser, to_else);
        return;
    }
    to_end = emit_jump(parser, OP_JUMP);
    patch_jump(parser, to_else);
    if (accept(parser, TOKEN_IF)) {
        begin_line(parser);
        if (enter_nesting(parser))
            parse_if(parser);
        parser->nesting--;
    } else {
        parse_block(parser);
    }
    patch_jump(parser, to_end);
}

static void
begin_loop(struct parser *parser, struct loop *loop, uint32_t line)
{
    struct unit *unit = parser->unit;

    *loop = (struct loop){ .outer = unit->loop,
                           .start = unit->function->count,
                           .line = line,
                           .local_count = unit->local_count };
    unit->loop = loop;
}

/* Its condition is on a line that begins at each turn: if it begins nowhere
 * else, then where it is jumped back to. */
static void
add_turn(struct function *function, const struct loop *loop)
{
    function->turns =
        make_room(function->turns, function->turn_count,
                  &function->turn_capacity, sizeof(*function->turns));
    function->turns[function->turn_count++] =
        (struct line_start){ (uint32_t)loop->start, loop->line };
}

static void
end_loop(struct parser *parser, struct loop *loop)
{
    add_turn(parser->unit->function, loop);
    for (size_t i = 0; i < loop->break_count; i++)
        patch_jump(parser, loop->breaks[i]);
    free(loop->breaks);
    parser->unit->loop = loop->outer;
}

/* Take off what the loop's body has declared, without forgetting it. */
static void
leave_body(struct parser *parser, const struct loop *loop)
{
    struct unit *unit = parser->unit;
    int depth = unit->depth;

    for (int i = unit->local_count; i > loop->local_count; i--)
        emit(parser, OP_POP, 0);
    unit->depth = depth;
}

static void
parse_break(struct parser *parser)
{
    struct loop *loop = parser->unit->loop;

    if (!loop) {
        fail_at(parser, parser->previous.line, "break outside a loop");
        return;
    }
    leave_body(parser, loop);
    loop->breaks = make_room(loop->breaks, loop->break_count,
                             &loop->break_capacity, sizeof(*loop->breaks));
    loop->breaks[loop->break_count++] = emit_jump(parser, OP_JUMP);
}

static void
parse_continue(struct parser *parser)
{
    struct loop *loop = parser->unit->loop;

    if (!loop) {
        fail_at(parser, parser->previous.line, "continue outside a loop");
        return;
    }
    leave_body(parser, loop);
    emit_loop(parser, loop->start);
}

static void
parse_while(struct parser *parser)
{
    struct loop loop;
    size_t to_end;

    /* Only calls come to the beginning of a function: see events.c. */
    if (parser->unit->function->count == 0)
        emit(parser, OP_JUMP, 0);
    begin_loop(parser, &loop, parser->previous.line);
    parse_expression(parser);
    to_end = emit_jump(parser, OP_JUMP_IF_FALSE);
    parse_block(parser);
    emit_loop(parser, loop.start);
    patch_jump(parser, to_end);
    end_loop(parser, &loop);
}

/* The body has a copy of the counter, so nothing in it disturbs the loop. The
 * counter is hidden below it, one behind, so that continue counts as well. */
static void
parse_for_body(struct parser *parser, const struct token *name, int counter)
{
    struct loop loop;
    size_t to_end;

    begin_loop(parser, &loop, name->line);
    emit(parser, OP_GET_LOCAL, counter);
    emit(parser, OP_INT, 1);
    emit(parser, OP_ADD, 0);
    emit(parser, OP_SET_LOCAL, counter);
    emit(parser, OP_GET_LOCAL, counter);
    emit(parser, OP_GET_LOCAL, counter + 1);
    emit(parser, OP_LESS, 0);
    to_end = emit_jump(parser, OP_JUMP_IF_FALSE);
    begin_block(parser);
    emit(parser, OP_GET_LOCAL, counter);
    declare_local(parser, name->text, name->length);
    parse_block(parser);
    end_block(parser);
    emit_loop(parser, loop.start);
    patch_jump(parser, to_end);
    end_loop(parser, &loop);
}

/* for NAME in FIRST..LIMIT */
static void
parse_for(struct parser *parser)
{
    struct token name;
    int counter = parser->unit->local_count;

    expect(parser, TOKEN_NAME, "the name of a variable is missing after for");
    name = parser->previous;
    expect(parser, TOKEN_IN, "'in' is missing after the variable");
    begin_block(parser);
    parse_expression(parser);
    emit(parser, OP_INT, 1);
    emit(parser, OP_SUBTRACT, 0);
    declare_local(parser, "", 0);
    expect(parser, TOKEN_RANGE, "'..' is missing: for i in 0..10 { }");
    parse_expression(parser);
    declare_local(parser, "", 0);
    parse_for_body(parser, &name, counter);
    end_block(parser);
}

static void
add_handler(struct parser *parser, size_t start, size_t end)
{
    struct function *function = parser->unit->function;

    function->handlers =
        make_room(function->handlers, function->handler_count,
                  &function->handler_capacity, sizeof(*function->handlers));
    function->handlers[function->handler_count++] = (struct handler){
        .start = (uint32_t)start,
        .end = (uint32_t)end,
        .target = (uint32_t)function->count,
        .depth = (uint32_t)parser->unit->local_count,
        .line = parser->previous.line,
    };
}

static void
parse_try(struct parser *parser)
{
    struct unit *unit = parser->unit;
    size_t start = unit->function->count, end, to_end;

    parse_block(parser);
    end = unit->function->count;
    to_end = emit_jump(parser, OP_JUMP);
    expect(parser, TOKEN_CATCH, "catch NAME { } is missing after try { }");
    expect(parser, TOKEN_NAME, "the name of a variable is missing after catch");
    add_handler(parser, start, end);
    begin_block(parser);
    unit->depth++; /* the handler starts with the exception on the stack */
    if (unit->depth > (int)unit->function->max_depth)
        unit->function->max_depth = (uint32_t)unit->depth;
    declare_local(parser, parser->previous.text, parser->previous.length);
    unit->locals[unit->local_count - 1].is_caught = true;
    parse_block(parser);
    end_block(parser);
    patch_jump(parser, to_end);
}

static void
parse_return(struct parser *parser)
{
    if (parser->current.type == '}' || parser->current.type == TOKEN_END ||
        parser->current.line != parser->previous.line)
        emit(parser, OP_NIL, 0);
    else
        parse_expression(parser);
    emit(parser, OP_RETURN, 0);
}

static void
parse_named_function(struct parser *parser)
{
    const struct token *name = &parser->previous;
    struct function *function;

    if (parser->unit->outer || parser->unit->block > 0)
        fail_at(parser, name->line,
                "only a function without a name can be made here");
    expect(parser, TOKEN_NAME, "the name of the function is missing");
    if (native_find(name->text, name->length))
        fail_at(parser, name->line, "a builtin has this name");
    function = program_find_function(parser->program, name->text, name->length);
    if (!function)
        function = program_add_function(parser->program, name->text,
                                        name->length, name->line);
    if (function->count > 0)
        fail_at(parser, name->line, "a function has this name already");
    function->line = name->line;
    parse_function(parser, function);
}

static void
parse_parameters(struct parser *parser)
{
    struct unit *unit = parser->unit;

    expect(parser, '(', "'(' and the parameters are missing");
    while (parser->current.type == TOKEN_NAME) {
        advance(parser);
        declare_local(parser, parser->previous.text, parser->previous.length);
        if (!accept(parser, ','))
            break;
    }
    expect(parser, ')', "the parameters are not closed with a ')'");
    unit->depth = unit->local_count;
    unit->function->arity = (uint32_t)unit->local_count;
    unit->function->max_depth = (uint32_t)unit->local_count;
}

void
parse_function(struct parser *parser, struct function *function)
{
    struct unit unit = { .outer = parser->unit, .function = function };

    parser->unit = &unit;
    parse_parameters(parser);
    if (parser->current.type != '{')
        fail_at(parser, parser->current.line, "a '{' is missing here");
    parse_block(parser);
    emit(parser, OP_NIL, 0);
    emit(parser, OP_RETURN, 0);
    parser->unit = unit.outer;
}

/* What the last instruction read is to be written instead. */
static void
parse_assignment(struct parser *parser)
{
    struct function *function = parser->unit->function;
    uint32_t line = parser->previous.line;
    uint32_t word;

    if (!parser->assignable) {
        fail_at(parser, line, "nothing can be assigned to this");
        return;
    }
    word = function->code[--function->count];
    switch (opcode_of(word)) {
    case OP_GET_LOCAL:
        parser->unit->depth--;
        parser->unit->locals[operand_of(word)].is_caught = false;
        parse_expression(parser);
        emit_at(parser, OP_SET_LOCAL, operand_of(word), line);
        break;
    case OP_GET_ATTRIBUTE:
        parse_expression(parser);
        emit_at(parser, OP_SET_ATTRIBUTE, operand_of(word), line);
        break;
    default:
        parser->unit->depth++;
        parse_expression(parser);
        emit_at(parser, OP_SET_INDEX, 0, line);
    }
}

static void
parse_simple(struct parser *parser)
{
    parse_expression(parser);
    if (accept(parser, '='))
        parse_assignment(parser);
    else
        emit(parser, OP_POP, 0);
}

/* Whether the value on top is what a catch has caught, and nothing else. */
static bool
is_caught(const struct unit *unit, size_t start)
{
    const struct function *function = unit->function;

    return function->count == start + 1 &&
           opcode_of(function->code[start]) == OP_GET_LOCAL &&
           unit->locals[operand_of(function->code[start])].is_caught;
}

static void
parse_throw(struct parser *parser)
{
    const struct unit *unit = parser->unit;
    size_t start = unit->function->count;

    parse_expression(parser);
    emit(parser, OP_THROW, is_caught(unit, start));
}

void
parse_block(struct parser *parser)
{
    expect(parser, '{', "a '{' is missing here");
    begin_block(parser);
    while (parser->current.type != '}' && parser->current.type != TOKEN_END)
        parse_statement(parser);
    expect(parser, '}', "a '}' is missing here");
    end_block(parser);
}

static const struct {
    int token;
    void (*parse)(struct parser *parser);
} statements[] = {
    { TOKEN_BREAK, parse_break },
    { TOKEN_CONTINUE, parse_continue },
    { TOKEN_FN, parse_named_function },
    { TOKEN_FOR, parse_for },
    { TOKEN_IF, parse_if },
    { TOKEN_LET, parse_let },
    { TOKEN_RETURN, parse_return },
    { TOKEN_THROW, parse_throw },
    { TOKEN_TRY, parse_try },
    { TOKEN_WHILE, parse_while },
};

static void
parse_one(struct parser *parser)
{
    if (parser->current.type != TOKEN_FN) /* makes no instruction here */
        begin_line(parser);
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (accept(parser, statements[i].token)) {
            statements[i].parse(parser);
            return;
        }
    }
    parse_simple(parser);
}

void
parse_statement(struct parser *parser)
{
    if (enter_nesting(parser))
        parse_one(parser);
    parser->nesting--;
    while (accept(parser, ';'))
        continue;
}
