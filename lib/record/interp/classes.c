/* SPDX-License-Identifier: MIT */

#include "classes.h"

#include <errno.h>
#include <stdlib.h>

#include "../../sized.h"
#include "../code.h"

enum {
    FUNCTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_interp_functions, user),
};

int
vmprof_set_interp_functions(struct vmprof_code_class *code_class,
                            const struct vmprof_interp_functions *functions)
{
    struct vmp_interp_class *made;
    int r = -EINVAL;

    if (!code_class || !functions)
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->code_class = code_class;
    r = vmp_sized_import(&made->functions, sizeof(made->functions),
                         FUNCTIONS_SIZE_0_1, functions);
    if (r == 0)
        r = vmp_code_class_set_interp(code_class, made, &made->number);
    if (r < 0)
        free(made);
    return r;
}

const struct vmp_interp_class *
vmp_interp_class_of(uint64_t code)
{
    return vmp_code_interp(code, NULL);
}

uint32_t
vmp_interp_line(const struct vmp_interp_class *functions, uint64_t code,
                uint64_t offset)
{
    void *object;

    if (!functions || !functions->functions.line ||
        !vmp_code_interp(code, &object))
        return 0;
    return functions->functions.line(functions->functions.user, object, offset);
}

uint64_t
vmp_interp_hash(const struct vmp_interp_class *functions, uint64_t code)
{
    void *object;

    if (!functions || !functions->functions.hash ||
        !vmp_code_interp(code, &object))
        return 0;
    return functions->functions.hash(functions->functions.user, object);
}

const char *
vmp_interp_opcode(const struct vmp_interp_class *functions, uint32_t opcode)
{
    if (!functions || !functions->functions.opcode_name)
        return NULL;
    return functions->functions.opcode_name(functions->functions.user, opcode);
}

struct vmp_known_hits
vmp_interp_known(uint64_t code, size_t index)
{
    struct vmp_known_hits known = { 0 };
    const struct vmp_interp_class *functions;
    void *object;
    int count;

    functions = vmp_code_interp(code, &object);
    if (!functions || !functions->functions.known)
        return known;
    count =
        functions->functions.known(functions->functions.user, object, index,
                                   &known.offset, &known.opcode, known.types);
    if (count < 0)
        return (struct vmp_known_hits){ 0 };
    known.code = code;
    known.functions = functions;
    known.count =
        (uint32_t)(count < VMPROF_MAX_OPERANDS ? count : VMPROF_MAX_OPERANDS);
    for (uint32_t i = known.count; i < VMPROF_MAX_OPERANDS; i++)
        known.types[i] = 0;
    return known;
}

bool
vmp_interp_next_site(const struct vmp_interp_class *functions, uint64_t code,
                     uint64_t *offset, uint32_t *opcode)
{
    void *object;

    return functions && functions->functions.next_site &&
           vmp_code_interp(code, &object) &&
           functions->functions.next_site(functions->functions.user, object,
                                          offset, opcode) > 0;
}
