/* SPDX-License-Identifier: MIT */

/*
 * A compiled program: functions of bytecode and their constants. Nothing in it
 * changes once it is compiled, so all threads share it.
 */
#ifndef TOY_PROGRAM_H
#define TOY_PROGRAM_H

#include "opcode.h"
#include "value.h"

#include <vmprof/code.h>

#define FUNCTION_DEPTH_MAX 1000 /* values on the stack of one */

/* What runs when an instruction of [start, end) throws. */
struct handler {
    uint32_t start;
    uint32_t end;
    uint32_t target;
    uint32_t depth; /* values on the stack that stay */
    uint32_t line;  /* of the catch */
};

/* An instruction that a line begins with. */
struct line_start {
    uint32_t offset;
    uint32_t line;
};

struct function {
    char *name;
    const char *file; /* the program's */
    uint32_t line;
    uint32_t index; /* in the program */
    uint32_t arity;
    uint32_t max_depth; /* values on its stack, at most */
    uint32_t *code;     /* see opcode.h; behind it the length of the run from
                           each instruction on: see function_run() */
    uint32_t *lines;    /* of each instruction */
    size_t count;       /* instructions; 0: named, but not defined */
    size_t code_capacity;
    size_t lines_capacity;
    struct value *constants;
    size_t constant_count;
    size_t constant_capacity;
    struct handler *handlers; /* inner ones first */
    size_t handler_count;
    size_t handler_capacity;
    struct line_start *starts; /* where lines begin */
    size_t start_count;
    size_t start_capacity;
    struct line_start *turns; /* where loops are jumped back to */
    size_t turn_count;
    size_t turn_capacity;
    struct site *sites; /* of each instruction: see events.c */
    vmprof_code_id id;  /* see profile.c */
};

struct program {
    char *file;
    struct function **functions; /* the first is the program's text itself */
    size_t function_count;
    size_t function_capacity;
    struct string **strings; /* each text once */
    size_t string_count;
    size_t string_capacity;
};

struct program *
program_new(const char *file);

void
program_free(struct program *program);

struct function *
program_add_function(struct program *program, const char *name, size_t length,
                     uint32_t line);

/* NULL if there is none of that name. */
struct function *
program_find_function(const struct program *program, const char *name,
                      size_t length);

struct string *
program_add_string(struct program *program, const char *bytes, size_t length);

/* When its code is complete. */
void
function_finish(struct function *function);

/* How many instructions are run from this one on until one may go elsewhere, but
 * for exceptions and jumps that depend on a condition. */
static inline uint32_t
function_run(const struct function *function, const uint32_t *pc)
{
    return pc[function->count];
}

/* The line of an instruction of a function. */
uint32_t
function_line(const struct function *function, uintptr_t pc);

#endif
