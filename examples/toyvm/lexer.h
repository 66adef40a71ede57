/* SPDX-License-Identifier: MIT */

/* Text to tokens. */
#ifndef TOY_LEXER_H
#define TOY_LEXER_H

#include <stddef.h>
#include <stdint.h>

/* One-character tokens are their character; these come after. */
enum token_type {
    TOKEN_END = 256,
    TOKEN_ERROR, /* text says what is wrong */
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_STRING, /* text includes the quotes and escapes */
    TOKEN_NAME,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER_EQUAL,
    TOKEN_RANGE,
    TOKEN_AND,
    TOKEN_BREAK,
    TOKEN_CATCH,
    TOKEN_CONTINUE,
    TOKEN_ELSE,
    TOKEN_FALSE,
    TOKEN_FN,
    TOKEN_FOR,
    TOKEN_IF,
    TOKEN_IN,
    TOKEN_LET,
    TOKEN_NIL,
    TOKEN_NOT,
    TOKEN_OR,
    TOKEN_RESUME,
    TOKEN_RETURN,
    TOKEN_THROW,
    TOKEN_THROW_INTO,
    TOKEN_TRUE,
    TOKEN_TRY,
    TOKEN_WHILE,
    TOKEN_YIELD,
};

struct token {
    int type; /* a character or enum token_type */
    uint32_t line;
    const char *text; /* in the source */
    size_t length;
};

struct lexer {
    const char *next; /* the source ends in a NUL */
    uint32_t line;
};

void
lexer_init(struct lexer *lexer, const char *source);

struct token
lexer_next(struct lexer *lexer);

#endif
