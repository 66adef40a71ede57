/* SPDX-License-Identifier: MIT */

/*
 * Source to bytecode in one pass. The rest of the VM calls compile() alone;
 * what follows it is shared by the compiler's own files: emit.c, expression.c,
 * statement.c.
 */
#ifndef TOY_COMPILER_H
#define TOY_COMPILER_H

#include "lexer.h"
#include "program.h"

#include <stdbool.h>

/* Returns NULL after a "FILE:LINE: what is wrong" in message. */
struct program *
compile(const char *file, const char *source, char *message,
        size_t message_size);

#define LOCALS_MAX  250
#define NESTING_MAX 200

struct local {
    const char *name; /* in the source; "" for a hidden one */
    size_t length;
    int block;      /* nesting of the block that it belongs to */
    bool is_caught; /* it holds what its catch has caught */
};

struct loop {
    struct loop *outer;
    size_t start;    /* where continue goes */
    uint32_t line;   /* of its condition */
    int local_count; /* variables that break and continue leave alone */
    size_t *breaks;  /* jumps to the end, to be patched */
    size_t break_count;
    size_t break_capacity;
};

/* A function that is being compiled. A variable's slot is its place on the
 * stack, so between statements depth equals local_count. */
struct unit {
    struct unit *outer;
    struct function *function;
    struct loop *loop;
    struct local locals[LOCALS_MAX];
    int local_count;
    int block;
    int depth;
    uint32_t line; /* that began last */
};

struct parser {
    struct lexer lexer;
    struct token current;
    struct token previous;
    struct program *program;
    struct unit *unit;
    bool assignable; /* the last expression can stand before a '=' */
    bool failed;
    int nesting;
    char *message;
    size_t message_size;
};

/* parser.c: tokens and errors. The first error ends the source. */
void
fail_at(struct parser *parser, uint32_t line, const char *message);
void
advance(struct parser *parser);
bool
accept(struct parser *parser, int type);
void
expect(struct parser *parser, int type, const char *message);
bool
enter_nesting(struct parser *parser);

/* emit.c: instructions, constants, jumps and variables of the unit. */
void
emit(struct parser *parser, enum opcode opcode, int32_t operand);
void
emit_at(struct parser *parser, enum opcode opcode, int32_t operand,
        uint32_t line);
void
emit_constant(struct parser *parser, struct value value);
int32_t
add_constant(struct parser *parser, struct value value);
size_t
emit_jump(struct parser *parser, enum opcode opcode);
void
patch_jump(struct parser *parser, size_t jump);
void
emit_loop(struct parser *parser, size_t start);
/* The next instruction begins the line of the current token, if that is another
 * than the last that began. */
void
begin_line(struct parser *parser);
void
declare_local(struct parser *parser, const char *name, size_t length);
int
find_local(const struct parser *parser, const struct token *name);
void
begin_block(struct parser *parser);
void
end_block(struct parser *parser);

/* expression.c */
void
parse_expression(struct parser *parser);

/* statement.c */
void
parse_block(struct parser *parser);
void
parse_function(struct parser *parser, struct function *function);
void
parse_statement(struct parser *parser);

#endif
