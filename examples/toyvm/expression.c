/* SPDX-License-Identifier: MIT */

/* Expressions, by precedence climbing. */
#include "compiler.h"

#include "native.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 250
#define UNARY         6 /* binds closer than any binary operator */

static const struct binary {
    int token;
    int precedence;
    enum opcode opcode;
} binaries[] = {
    { TOKEN_OR, 1, OP_OR },       { TOKEN_AND, 2, OP_AND },
    { TOKEN_EQUAL, 3, OP_EQUAL }, { TOKEN_UNEQUAL, 3, OP_UNEQUAL },
    { '<', 3, OP_LESS },          { TOKEN_LESS_EQUAL, 3, OP_LESS_EQUAL },
    { '>', 3, OP_GREATER },       { TOKEN_GREATER_EQUAL, 3, OP_GREATER_EQUAL },
    { '+', 4, OP_ADD },           { '-', 4, OP_SUBTRACT },
    { '*', 5, OP_MULTIPLY },      { '/', 5, OP_DIVIDE },
    { '%', 5, OP_REMAINDER },
};

static void
parse_binary(struct parser *parser, int precedence);

static void
parse_int(struct parser *parser)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(parser->previous.text, &end, 10);
    if (errno == ERANGE)
        fail_at(parser, parser->previous.line,
                "this number does not fit into 64 bits");
    else if (number <= OPERAND_MAX)
        emit(parser, OP_INT, (int32_t)number);
    else
        emit_constant(parser, value_int(number));
}

static char
unescape(char escaped)
{
    switch (escaped) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    default:
        return escaped;
    }
}

static void
parse_string(struct parser *parser)
{
    const char *next = parser->previous.text + 1;
    const char *end = parser->previous.text + parser->previous.length - 1;
    struct text text = { 0 };
    struct string *string;

    for (; next < end; next++) {
        char byte = *next == '\\' ? unescape(*++next) : *next;

        text_add(&text, &byte, 1);
    }
    string = program_add_string(parser->program, text.bytes ? text.bytes : "",
                                text.length);
    free(text.bytes);
    emit_constant(parser, value_cell(VALUE_STRING, string));
}

/* A name that is not a variable here is a builtin or a function, maybe one
 * that is defined further down. */
static void
parse_global(struct parser *parser)
{
    const struct token *name = &parser->previous;
    const struct native *native = native_find(name->text, name->length);
    struct value value = { .type = VALUE_NATIVE, .native = native };

    if (!native) {
        value.type = VALUE_FUNCTION;
        value.function =
            program_find_function(parser->program, name->text, name->length);
        if (!value.function)
            value.function = program_add_function(parser->program, name->text,
                                                  name->length, name->line);
    }
    emit_constant(parser, value);
}

static void
parse_name(struct parser *parser)
{
    int slot = find_local(parser, &parser->previous);

    parser->assignable = slot >= 0;
    if (slot >= 0)
        emit(parser, OP_GET_LOCAL, slot);
    else
        parse_global(parser);
}

/* The rest of a list of expressions; returns how many there were. */
static int
parse_items(struct parser *parser, int closing, const char *message)
{
    int count = 0;

    while (parser->current.type != closing) {
        parse_expression(parser);
        if (++count > ARGUMENTS_MAX)
            fail_at(parser, parser->previous.line, "this list is too long");
        if (!accept(parser, ','))
            break;
    }
    expect(parser, closing, message);
    return count;
}

/* The name of an attribute as a constant. */
static int32_t
parse_attribute_name(struct parser *parser)
{
    struct string *string;

    expect(parser, TOKEN_NAME, "the name of an attribute is missing here");
    string = program_add_string(parser->program, parser->previous.text,
                                parser->previous.length);
    return add_constant(parser, value_cell(VALUE_STRING, string));
}

static void
parse_object(struct parser *parser)
{
    emit(parser, OP_OBJECT, 0);
    while (parser->current.type != '}') {
        int32_t name = parse_attribute_name(parser);

        expect(parser, ':', "a ':' is missing after the attribute's name");
        parse_expression(parser);
        emit(parser, OP_INIT_ATTRIBUTE, name);
        if (!accept(parser, ','))
            break;
    }
    expect(parser, '}', "the object is not closed with a '}'");
}

static void
parse_anonymous_function(struct parser *parser)
{
    struct function *function =
        program_add_function(parser->program, "<fn>", 4, parser->previous.line);

    parse_function(parser, function);
    emit_constant(
        parser, (struct value){ .type = VALUE_FUNCTION, .function = function });
}

/* resume(coroutine, value) or, what operand 1 says, throw_into() */
static void
parse_resume(struct parser *parser, int32_t operand)
{
    uint32_t line = parser->previous.line;

    expect(parser, '(',
           operand ? "a '(' is missing after throw_into"
                   : "a '(' is missing after resume");
    parse_expression(parser);
    if (accept(parser, ','))
        parse_expression(parser);
    else
        emit(parser, OP_NIL, 0);
    expect(parser, ')',
           operand ? "throw_into(coroutine, value) is not closed with a ')'"
                   : "resume(coroutine, value) is not closed with a ')'");
    emit_at(parser, OP_RESUME, operand, line);
}

static void
parse_yield(struct parser *parser)
{
    uint32_t line = parser->previous.line;

    expect(parser, '(', "a '(' is missing after yield");
    if (parser->current.type != ')')
        parse_expression(parser);
    else
        emit(parser, OP_NIL, 0);
    expect(parser, ')', "yield(value) is not closed with a ')'");
    emit_at(parser, OP_YIELD, 0, line);
}

static void
parse_minus(struct parser *parser)
{
    uint32_t line = parser->previous.line;

    parse_binary(parser, UNARY);
    emit_at(parser, OP_NEGATE, 0, line);
}

static void
parse_not(struct parser *parser)
{
    parse_binary(parser, 3);
    emit(parser, OP_NOT, 0);
}

static void
parse_group(struct parser *parser)
{
    parse_expression(parser);
    expect(parser, ')', "a ')' is missing here");
}

static void
parse_prefix(struct parser *parser)
{
    advance(parser);
    switch (parser->previous.type) {
    case TOKEN_INT:
        parse_int(parser);
        break;
    case TOKEN_FLOAT:
        emit_constant(parser, value_float(strtod(parser->previous.text, NULL)));
        break;
    case TOKEN_STRING:
        parse_string(parser);
        break;
    case TOKEN_NAME:
        parse_name(parser);
        return;
    case TOKEN_NIL:
        emit(parser, OP_NIL, 0);
        break;
    case TOKEN_TRUE:
        emit(parser, OP_TRUE, 0);
        break;
    case TOKEN_FALSE:
        emit(parser, OP_FALSE, 0);
        break;
    case TOKEN_FN:
        parse_anonymous_function(parser);
        break;
    case TOKEN_RESUME:
        parse_resume(parser, 0);
        break;
    case TOKEN_THROW_INTO:
        parse_resume(parser, 1);
        break;
    case TOKEN_YIELD:
        parse_yield(parser);
        break;
    case TOKEN_NOT:
        parse_not(parser);
        break;
    case '-':
        parse_minus(parser);
        break;
    case '(':
        parse_group(parser);
        break;
    case '[':
        emit(parser, OP_LIST,
             parse_items(parser, ']', "the list is not closed with a ']'"));
        break;
    case '{':
        parse_object(parser);
        break;
    default:
        fail_at(parser, parser->previous.line, "an expression is missing here");
    }
    parser->assignable = false;
}

/* A newline ends an expression, so what goes on must be on the same line. */
static bool
goes_on(const struct parser *parser)
{
    return parser->current.line == parser->previous.line;
}

static void
parse_call(struct parser *parser)
{
    uint32_t line = parser->previous.line;
    int count =
        parse_items(parser, ')', "the arguments are not closed with a ')'");

    emit_at(parser, OP_CALL, count, line);
    parser->assignable = false;
}

static void
parse_postfix(struct parser *parser)
{
    parse_prefix(parser);
    while (goes_on(parser)) {
        if (accept(parser, '(')) {
            parse_call(parser);
        } else if (accept(parser, '[')) {
            parse_expression(parser);
            expect(parser, ']', "the index is not closed with a ']'");
            emit(parser, OP_GET_INDEX, 0);
            parser->assignable = true;
        } else if (accept(parser, '.')) {
            emit(parser, OP_GET_ATTRIBUTE, parse_attribute_name(parser));
            parser->assignable = true;
        } else {
            return;
        }
    }
}

static const struct binary *
find_binary(int token)
{
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
        if (binaries[i].token == token)
            return &binaries[i];
    }
    return NULL;
}

static void
parse_right_side(struct parser *parser, const struct binary *binary)
{
    uint32_t line = parser->previous.line;

    if (binary->opcode == OP_AND || binary->opcode == OP_OR) {
        size_t jump = emit_jump(parser, binary->opcode);

        parse_binary(parser, binary->precedence + 1);
        patch_jump(parser, jump);
    } else {
        parse_binary(parser, binary->precedence + 1);
        emit_at(parser, binary->opcode, 0, line);
    }
    parser->assignable = false;
}

static void
parse_binary(struct parser *parser, int precedence)
{
    if (enter_nesting(parser))
        parse_postfix(parser);
    while (goes_on(parser)) {
        const struct binary *binary = find_binary(parser->current.type);

        if (!binary || binary->precedence < precedence)
            break;
        advance(parser);
        parse_right_side(parser, binary);
    }
    parser->nesting--;
}

void
parse_expression(struct parser *parser)
{
    parse_binary(parser, 1);
}
