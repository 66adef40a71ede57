/* SPDX-License-Identifier: MIT */

/* A class of codes whose bytecodes are counted, for tests of interp.h. */
#ifndef BYTECODES_H
#define BYTECODES_H

#include <string.h>

#include <vmprof/vmprof.h>

#include "isolate.h"

enum {
    OPCODE_PLAIN, /* without types */
    OPCODE_ONE,   /* of one operand */
    OPCODE_TWO,
    OPCODE_ALL, /* of eight */
};

/* A code object: its bytecode at an offset is on the line of that number and
 * ten more. Its last offset is `last`. */
struct object {
    uint64_t hash, last;
    vmprof_type_id known; /* of the operand that is counted in place */
};

static struct vmprof_code_class *bytecodes_class;

static inline int
object_name(void *user, void *object, char *buffer, size_t size)
{
    (void)user;
    (void)object;
    return vmprof_format_name(buffer, size, "b", "asked for", 3, "file.b");
}

static inline int
object_operands(void *user, uint64_t offset, uint32_t opcode,
                const void *operands, vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    static const int counts[] = { 0, 1, 2, 8 };

    (void)user;
    (void)offset;
    if (counts[opcode])
        memcpy(types, operands, (size_t)counts[opcode] * sizeof(*types));
    return counts[opcode];
}

static inline const char *
object_opcode(void *user, uint32_t opcode)
{
    static const char *const names[] = { "PLAIN", "ONE", "TWO", "ALL" };

    (void)user;
    return opcode <= OPCODE_ALL ? names[opcode] : NULL;
}

static inline uint32_t
object_line(void *user, void *object, uint64_t offset)
{
    (void)user;
    (void)object;
    return (uint32_t)offset + 10;
}

static inline uint64_t
object_hash(void *user, void *object)
{
    (void)user;
    return ((const struct object *)object)->hash;
}

/* Those at multiples of 100 are of one operand. */
static inline int
object_next_site(void *user, void *object, uint64_t *offset, uint32_t *opcode)
{
    (void)user;
    *offset = (*offset + 99) / 100 * 100;
    *opcode = OPCODE_ONE;
    return *offset <= ((const struct object *)object)->last;
}

/* Two for each offset up to 99: without types, and with the known one. */
static inline int
object_known(void *user, void *object, size_t index, uint64_t *offset,
             uint32_t *opcode, vmprof_type_id types[VMPROF_MAX_OPERANDS])
{
    (void)user;
    *offset = index / 2;
    *opcode = OPCODE_ONE;
    types[0] = ((const struct object *)object)->known;
    return *offset < 100 ? (int)(index % 2) : -1;
}

static inline void
bytecodes_set_up(void)
{
    struct vmprof_code_class_options options;
    struct vmprof_interp_functions functions;

    vmprof_code_class_options_init(&options);
    options.full_name = object_name;
    require(vmprof_register_code_class("b", &options, &bytecodes_class) == 0);
    vmprof_interp_functions_init(&functions);
    functions.operands = object_operands;
    functions.opcode_name = object_opcode;
    functions.line = object_line;
    functions.hash = object_hash;
    functions.next_site = object_next_site;
    functions.known = object_known;
    require(vmprof_set_interp_functions(bytecodes_class, &functions) == 0);
}

static inline vmprof_code_id
register_object(struct object *object, const char *full_name)
{
    vmprof_code_id id;

    require(vmprof_register_code(bytecodes_class, object, full_name, &id) == 0);
    return id;
}

static inline vmprof_type_id
register_type(const char *name)
{
    vmprof_type_id id;

    require(vmprof_register_type(bytecodes_class, name, &id) == 0);
    return id;
}

/* As at first, with nothing to read. */
static inline void
bytecodes_reset(void)
{
    struct vmprof_type_limits limits;

    vmprof_type_limits_init(&limits);
    require(vmprof_set_profile_interp_all(0) == 0);
    require(vmprof_set_profile_interp_period(1) == 0);
    require(vmprof_set_profile_interp_jitter(0) >= 0);
    require(vmprof_set_type_limits(&limits) == 0);
    require(vmprof_clear_type_profiles() == 0);
}

static inline struct vmprof_type_profile *
take_profile(void)
{
    struct vmprof_type_profile *profile;

    require(vmprof_get_and_clear_type_profiles(&profile) == 0);
    return profile;
}

static inline struct vmprof_type_profile_info
profile_info(const struct vmprof_type_profile *profile)
{
    struct vmprof_type_profile_info info;

    vmprof_type_profile_info_init(&info);
    require(vmprof_get_type_profile_info(profile, &info) == 0);
    return info;
}

static inline struct vmprof_type_row
profile_row(const struct vmprof_type_profile *profile, uint64_t index)
{
    struct vmprof_type_row row;

    vmprof_type_row_init(&row);
    require(vmprof_get_type_row(profile, index, &row) == 1);
    require(row.hits == row.typed + row.other + row.untyped);
    return row;
}

/* The row of a place; one without hits if there is none. */
static inline struct vmprof_type_row
find_row(const struct vmprof_type_profile *profile, vmprof_code_id code,
         uint64_t offset)
{
    const struct vmprof_type_row none = { 0 };

    for (uint64_t i = 0; i < profile_info(profile).rows; i++) {
        const struct vmprof_type_row row = profile_row(profile, i);

        if (row.code == code && row.has_place && row.offset == offset)
            return row;
    }
    return none;
}

#endif
