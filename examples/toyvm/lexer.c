/* SPDX-License-Identifier: MIT */

#include "lexer.h"

#include <ctype.h>
#include <string.h>

static const struct word {
    const char *text;
    enum token_type type;
} words[] = {
    { "and", TOKEN_AND },       { "break", TOKEN_BREAK },
    { "catch", TOKEN_CATCH },   { "continue", TOKEN_CONTINUE },
    { "else", TOKEN_ELSE },     { "false", TOKEN_FALSE },
    { "fn", TOKEN_FN },         { "for", TOKEN_FOR },
    { "if", TOKEN_IF },         { "in", TOKEN_IN },
    { "let", TOKEN_LET },       { "nil", TOKEN_NIL },
    { "not", TOKEN_NOT },       { "or", TOKEN_OR },
    { "resume", TOKEN_RESUME }, { "return", TOKEN_RETURN },
    { "throw", TOKEN_THROW },   { "throw_into", TOKEN_THROW_INTO },
    { "true", TOKEN_TRUE },     { "try", TOKEN_TRY },
    { "while", TOKEN_WHILE },   { "yield", TOKEN_YIELD },
    { "==", TOKEN_EQUAL },      { "!=", TOKEN_UNEQUAL },
    { "<=", TOKEN_LESS_EQUAL }, { ">=", TOKEN_GREATER_EQUAL },
    { "..", TOKEN_RANGE },
};

void
lexer_init(struct lexer *lexer, const char *source)
{
    lexer->next = source;
    lexer->line = 1;
}

static void
skip_space(struct lexer *lexer)
{
    for (;; lexer->next++) {
        if (*lexer->next == '#')
            lexer->next += strcspn(lexer->next, "\n");
        if (*lexer->next == '\n')
            lexer->line++;
        else if (!isspace((unsigned char)*lexer->next))
            return;
    }
}

static struct token
make_token(const struct lexer *lexer, int type, const char *start)
{
    return (struct token){ .type = type,
                           .line = lexer->line,
                           .text = start,
                           .length = (size_t)(lexer->next - start) };
}

static struct token
error_token(const struct lexer *lexer, const char *message)
{
    return (struct token){ .type = TOKEN_ERROR,
                           .line = lexer->line,
                           .text = message,
                           .length = strlen(message) };
}

/* TOKEN_END if the text is none of the words. */
static enum token_type
find_word(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].text) == length &&
            memcmp(words[i].text, text, length) == 0)
            return words[i].type;
    }
    return TOKEN_END;
}

static void
skip_digits(struct lexer *lexer)
{
    while (isdigit((unsigned char)*lexer->next))
        lexer->next++;
}

/* A dot is only part of a number before a digit: 0..9 is a range. */
static struct token
number_token(struct lexer *lexer, const char *start)
{
    int type = TOKEN_INT;

    skip_digits(lexer);
    if (lexer->next[0] == '.' && isdigit((unsigned char)lexer->next[1])) {
        type = TOKEN_FLOAT;
        lexer->next++;
        skip_digits(lexer);
    }
    return make_token(lexer, type, start);
}

static struct token
string_token(struct lexer *lexer, const char *start)
{
    lexer->next++;
    while (*lexer->next != '"') {
        if (*lexer->next == '\\' && lexer->next[1] != '\0')
            lexer->next++;
        if (*lexer->next == '\0' || *lexer->next == '\n')
            return error_token(lexer, "this string does not end on its line");
        lexer->next++;
    }
    lexer->next++;
    return make_token(lexer, TOKEN_STRING, start);
}

static struct token
name_token(struct lexer *lexer, const char *start)
{
    enum token_type type;

    while (isalnum((unsigned char)*lexer->next) || *lexer->next == '_')
        lexer->next++;
    type = find_word(start, (size_t)(lexer->next - start));
    if (type == TOKEN_END)
        type = TOKEN_NAME;
    return make_token(lexer, (int)type, start);
}

static struct token
symbol_token(struct lexer *lexer, const char *start)
{
    enum token_type type = TOKEN_END;

    if (start[1] != '\0')
        type = find_word(start, 2);
    if (type != TOKEN_END) {
        lexer->next += 2;
        return make_token(lexer, (int)type, start);
    }
    if (!strchr("+-*/%=<>(){}[],.:;", *start))
        return error_token(lexer, "this character has no meaning here");
    lexer->next++;
    return make_token(lexer, *start, start);
}

struct token
lexer_next(struct lexer *lexer)
{
    const char *start;

    skip_space(lexer);
    start = lexer->next;
    if (*start == '\0')
        return make_token(lexer, TOKEN_END, start);
    if (isdigit((unsigned char)*start))
        return number_token(lexer, start);
    if (*start == '"')
        return string_token(lexer, start);
    if (isalpha((unsigned char)*start) || *start == '_')
        return name_token(lexer, start);
    return symbol_token(lexer, start);
}
