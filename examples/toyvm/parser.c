/* SPDX-License-Identifier: MIT */

/* The parser's hold on the tokens, and compile() itself. */
#include "compiler.h"

#include "native.h"

#include <stdio.h>
#include <string.h>

void
fail_at(struct parser *parser, uint32_t line, const char *message)
{
    if (!parser->failed)
        snprintf(parser->message, parser->message_size, "%s:%u: %s",
                 parser->program->file, line, message);
    parser->failed = true;
    parser->current.type = TOKEN_END;
}

void
advance(struct parser *parser)
{
    parser->previous = parser->current;
    if (parser->failed)
        return;
    parser->current = lexer_next(&parser->lexer);
    if (parser->current.type == TOKEN_ERROR)
        fail_at(parser, parser->current.line, parser->current.text);
}

bool
accept(struct parser *parser, int type)
{
    if (parser->current.type != type)
        return false;
    advance(parser);
    return true;
}

void
expect(struct parser *parser, int type, const char *message)
{
    if (!accept(parser, type))
        fail_at(parser, parser->current.line, message);
}

/* Bounds the recursion of the parser. The caller counts down again. */
bool
enter_nesting(struct parser *parser)
{
    if (++parser->nesting > NESTING_MAX)
        fail_at(parser, parser->current.line, "this is nested too deeply");
    return !parser->failed;
}

static void
check_all_defined(struct parser *parser)
{
    char message[128];

    for (size_t i = 0; i < parser->program->function_count; i++) {
        const struct function *function = parser->program->functions[i];

        if (function->count > 0)
            continue;
        snprintf(message, sizeof(message), "the name '%s' is unknown",
                 function->name);
        fail_at(parser, function->line, message);
    }
}

/* The program's text is a function of one parameter, args. */
static void
parse_program(struct parser *parser)
{
    struct function *function =
        program_add_function(parser->program, "<main>", 6, 1);
    struct unit unit = { .function = function };

    parser->unit = &unit;
    function->arity = 1;
    unit.depth = 1;
    declare_local(parser, "args", 4);
    while (parser->current.type != TOKEN_END)
        parse_statement(parser);
    emit(parser, OP_NIL, 0);
    emit(parser, OP_RETURN, 0);
}

struct program *
compile(const char *file, const char *source, char *message,
        size_t message_size)
{
    struct parser parser = { .program = program_new(file),
                             .message = message,
                             .message_size = message_size };

    lexer_init(&parser.lexer, source);
    advance(&parser);
    parse_program(&parser);
    if (!parser.failed)
        check_all_defined(&parser);
    for (size_t i = 0; !parser.failed && i < parser.program->function_count;
         i++)
        function_finish(parser.program->functions[i]);
    if (!parser.failed)
        return parser.program;
    program_free(parser.program);
    return NULL;
}
