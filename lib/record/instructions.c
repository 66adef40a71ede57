/* SPDX-License-Identifier: MIT */

#include "instructions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SIZE = 1 << 10,
    MOST_SIZE = 1 << 16,
};

int
vmp_instructions_new(struct vmp_instructions *known,
                     struct vmp_encoder *encoder)
{
    known->encoder = encoder;
    known->size = FIRST_SIZE;
    known->slots = calloc(FIRST_SIZE, sizeof(*known->slots));
    return known->slots ? 0 : -ENOMEM;
}

void
vmp_instructions_free(struct vmp_instructions *known)
{
    vmp_modules_free(&known->modules);
    free(known->slots);
}

/* Nothing is known of any instruction, as modules have come or gone. */
static void
forget_all(struct vmp_instructions *known)
{
    if (known->count)
        memset(known->slots, 0, known->size * sizeof(*known->slots));
    known->count = 0;
}

void
vmp_instructions_begin(struct vmp_instructions *known)
{
    vmp_modules_begin(&known->modules);
}

void
vmp_instructions_turn_to(struct vmp_instructions *known, uint64_t sample_ns)
{
    const uint64_t version = known->modules.version;

    vmp_modules_turn_to(&known->modules, &known->reader, sample_ns);
    if (known->modules.version != version)
        forget_all(known);
}

static struct vmp_instruction *
slot_of(struct vmp_instruction *slots, size_t size, uint64_t address)
{
    uint64_t i = address * 0x9e3779b97f4a7c15 >> 32;

    while (slots[i & (size - 1)].address &&
           slots[i & (size - 1)].address != address)
        i++;
    return &slots[i & (size - 1)];
}

static void
grow(struct vmp_instructions *known)
{
    const size_t size = known->size * 2;
    struct vmp_instruction *const grown =
        size <= MOST_SIZE ? calloc(size, sizeof(*grown)) : NULL;

    if (!grown) {
        forget_all(known);
        return;
    }
    for (size_t i = 0; i < known->size; i++)
        if (known->slots[i].address)
            *slot_of(grown, size, known->slots[i].address) = known->slots[i];
    free(known->slots);
    known->slots = grown;
    known->size = size;
}

static uint32_t
index_of(struct vmp_instructions *known, struct vmp_module *module)
{
    const struct vmp_module_info info = {
        .path = module->path,
        .build_id = module->build_id,
        .build_id_size = module->build_id_size,
        .start = module->start,
        .size = module->end - module->start,
        .offset = module->offset,
        .bias = module->bias,
    };

    if (!module->index)
        module->index = vmp_encoder_module(known->encoder, &info);
    return module->index;
}

static void
describe(struct vmp_instructions *known, struct vmp_module *module,
         uint64_t address, struct vmp_instruction *found)
{
    int64_t frame;

    *found = (struct vmp_instruction){ .address = address };
    if (module && module->id) {
        frame = vmp_encoder_address(known->encoder, index_of(known, module),
                                    address - module->bias);
        if (module->unwind_table)
            vmp_cfi_row(&known->reader, module->unwind_table, address,
                        &found->row);
    } else {
        frame = vmp_encoder_address(known->encoder, 0, address);
        found->is_lost = frame == -EOVERFLOW;
        if (found->is_lost)
            frame = vmp_encoder_address(known->encoder, 0, 0);
        found->is_of_no_file = module != NULL;
    }
    found->frame = frame < 0 ? 0 : (uint32_t)frame;
}

const struct vmp_instruction *
vmp_instruction_at(struct vmp_instructions *known, uint64_t address)
{
    struct vmp_instruction *found = slot_of(known->slots, known->size, address);
    struct vmp_module *module;

    if (found->address)
        return found;
    module = vmp_modules_find(&known->modules, address);
    if (!module || module->is_contested) {
        describe(known, module, address, &known->uncertain);
        return &known->uncertain;
    }
    if (known->count >= known->size / 2)
        grow(known);
    found = slot_of(known->slots, known->size, address);
    known->count++;
    describe(known, module, address, found);
    return found;
}

uint64_t
vmp_instructions_end(struct vmp_instructions *known, uint64_t function)
{
    const struct vmp_module *const module =
        vmp_modules_find(&known->modules, function);
    uint64_t start, end;

    if (!module || !module->unwind_table ||
        !vmp_cfi_extent(&known->reader, module->unwind_table, function, &start,
                        &end))
        return 0;
    return end;
}
