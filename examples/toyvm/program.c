/* SPDX-License-Identifier: MIT */

#include "program.h"

#include "heap.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

static char *
copy_text(const char *bytes, size_t length)
{
    return memcpy(allocate(length + 1), bytes, length);
}

struct program *
program_new(const char *file)
{
    struct program *program = allocate(sizeof(*program));

    program->file = copy_text(file, strlen(file));
    return program;
}

static void
function_free(struct function *function)
{
    free(function->name);
    free(function->code);
    free(function->lines);
    free(function->constants);
    free(function->handlers);
    free(function->starts);
    free(function->turns);
    free(function);
}

void
program_free(struct program *program)
{
    if (!program)
        return;
    for (size_t i = 0; i < program->function_count; i++)
        function_free(program->functions[i]);
    for (size_t i = 0; i < program->string_count; i++)
        free(program->strings[i]);
    free(program->functions);
    free(program->strings);
    free(program->file);
    free(program);
}

struct function *
program_add_function(struct program *program, const char *name, size_t length,
                     uint32_t line)
{
    struct function *function = allocate(sizeof(*function));

    function->name = copy_text(name, length);
    function->file = program->file;
    function->line = line;
    function->index = (uint32_t)program->function_count;
    program->functions =
        make_room(program->functions, program->function_count,
                  &program->function_capacity, sizeof(*program->functions));
    program->functions[program->function_count++] = function;
    return function;
}

struct function *
program_find_function(const struct program *program, const char *name,
                      size_t length)
{
    for (size_t i = 0; i < program->function_count; i++) {
        struct function *function = program->functions[i];

        if (strlen(function->name) == length &&
            memcmp(function->name, name, length) == 0)
            return function;
    }
    return NULL;
}

struct string *
program_add_string(struct program *program, const char *bytes, size_t length)
{
    struct string *string;

    for (size_t i = 0; i < program->string_count; i++) {
        string = program->strings[i];
        if (string->length == length &&
            memcmp(string->bytes, bytes, length) == 0)
            return string;
    }
    string = allocate(sizeof(*string) + length + 1);
    string->cell.type = VALUE_STRING;
    string->cell.shared = true;
    string->length = length;
    memcpy(string->bytes, bytes, length);
    program->strings =
        make_room(program->strings, program->string_count,
                  &program->string_capacity, sizeof(*program->strings));
    program->strings[program->string_count++] = string;
    return string;
}

static bool
ends_run(enum opcode opcode)
{
    switch (opcode) {
    case OP_JUMP:
    case OP_LOOP:
    case OP_CALL:
    case OP_RETURN:
    case OP_THROW:
    case OP_RESUME:
    case OP_YIELD:
        return true;
    default:
        return false;
    }
}

void
function_finish(struct function *function)
{
    uint32_t *const code = allocate(2 * function->count * sizeof(*code));
    uint32_t length = 0;

    memcpy(code, function->code, function->count * sizeof(*code));
    for (size_t i = function->count; i--;) {
        length = ends_run(opcode_of(code[i])) ? 1 : length + 1;
        code[function->count + i] = length;
    }
    free(function->code);
    function->code = code;
}

uint32_t
function_line(const struct function *function, uintptr_t pc)
{
    return function->lines[(const uint32_t *)pc - function->code];
}
