/* SPDX-License-Identifier: MIT */

#include "jit_types.h"

#include "profile.h"
#include "value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    EARLIER = 16, /* times; and at least */
    LEAST = 2,    /* rounds */
};

/* Anything that has to change for types to mean something else. */
static const char version[] = "toyvm 1";

static bool
is_number(const char *type)
{
    return strcmp(type, value_type_name(VALUE_INT)) == 0 ||
           strcmp(type, value_type_name(VALUE_FLOAT)) == 0;
}

/* Whether an operator saw two numbers, of the same types each time. */
static bool
is_monomorphic(struct vmprof_loaded_profile *types,
               const struct function *function, const uint32_t *pc)
{
    struct vmprof_type_row row;

    vmprof_type_row_init(&row);
    return vmprof_find_loaded_site(types, function->id,
                                   (uint64_t)(pc - function->code),
                                   &row) == 1 &&
           row.tuple_count == 1 && row.other == 0 && row.tuples[0].count == 2 &&
           is_number(row.tuples[0].names[0]) &&
           is_number(row.tuples[0].names[1]);
}

uint32_t
jit_types_threshold(const struct jit_settings *settings,
                    const struct function *function, const uint32_t *header,
                    const uint32_t *end)
{
    uint32_t earlier = settings->hot / EARLIER;

    if (!settings->types || settings->hot <= LEAST)
        return settings->hot;
    for (const uint32_t *pc = header; pc < end; pc++) {
        enum opcode opcode = opcode_of(word_at(pc));

        if (opcode >= OP_ADD && opcode <= OP_GREATER_EQUAL &&
            opcode != OP_NEGATE && opcode != OP_NOT &&
            !is_monomorphic(settings->types, function, pc))
            return settings->hot;
    }
    return earlier < LEAST ? LEAST : earlier;
}

/* The whole file, or NULL and errno. */
static char *
read_all(const char *name, size_t *size)
{
    FILE *file = fopen(name, "rb");
    char *data = NULL;
    long length = -1;

    if (!file)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0)
        length = ftell(file);
    if (length >= 0 && fseek(file, 0, SEEK_SET) == 0)
        data = malloc((size_t)length + 1);
    if (data && fread(data, 1, (size_t)length, file) != (size_t)length) {
        free(data);
        data = NULL;
        errno = EIO;
    }
    fclose(file);
    *size = (size_t)length;
    return data;
}

struct vmprof_loaded_profile *
jit_types_load(const char *name)
{
    struct vmprof_loaded_profile *types = NULL;
    size_t size;
    char *data = read_all(name, &size);
    int error = -errno;

    if (data)
        error = vmprof_load_type_profile(data, size, version, &types);
    if (error)
        fprintf(stderr, "toyvm: cannot use the types in %s: %s\n", name,
                data ? vmprof_strerror(error) : strerror(-error));
    free(data);
    return types;
}

static int
write_bytes(void *file, const void *data, size_t size)
{
    return fwrite(data, 1, size, file) == size ? 0 : -EIO;
}

int
jit_types_save(const char *name)
{
    FILE *file = fopen(name, "wb");
    int error = file ? 0 : -errno;

    if (!error)
        error = profile_save_types(version, write_bytes, file);
    if (file && fclose(file) != 0 && !error)
        error = -EIO;
    return error;
}
