/* SPDX-License-Identifier: MIT */

#include "pprof_places.h"

#include <errno.h>

/* Places of machine code: one for each frame. Others: a function and a line. */
#define IS_ADDRESS (UINT64_C(1) << 63)

enum {
    OWN_FILE = 0,
    FIRST_MODULE = 2, /* mapping 1 is for what has no module */
};

int
pprof_places_open(struct pprof_places *places, const struct profile *profile)
{
    *places = (struct pprof_places){ .profile = profile };
    if (functions_find(&places->functions, profile) ||
        dense_put(&places->files, OWN_FILE) == DENSE_NONE)
        return -ENOMEM;
    return 0;
}

/* A function whose lines are in two files is two to pprof. */
static uint32_t
shown_function(struct pprof_places *places, uint32_t function, const char *file)
{
    const uint32_t number = dense_put(&places->files, (uintptr_t)file);

    if (number == DENSE_NONE)
        return DENSE_NONE;
    return dense_put(&places->shown, (uint64_t)function << 32 | number);
}

static uint32_t
function_of_frame(struct pprof_places *places, const struct frame *frame)
{
    return shown_function(places, places->functions.of_code[frame->code],
                          frame->file);
}

uint32_t
pprof_place(struct pprof_places *places, const struct frame *frame,
            uint32_t number)
{
    const uint32_t function = function_of_frame(places, frame);

    if (function == DENSE_NONE ||
        (frame->module &&
         dense_put(&places->mappings, frame->module) == DENSE_NONE))
        return DENSE_NONE;
    return dense_put(&places->places,
                     frame->module ? IS_ADDRESS | number
                                   : (uint64_t)function << 32 | frame->line);
}

uint32_t
pprof_extra_place(struct pprof_places *places, enum extra extra)
{
    const uint32_t function =
        shown_function(places, places->functions.count + extra, NULL);

    if (function == DENSE_NONE)
        return DENSE_NONE;
    return dense_put(&places->places, (uint64_t)function << 32);
}

static void
write_location(struct pprof_places *places, struct pprof_file *file,
               uint32_t number)
{
    const uint64_t key = places->places.keys[number];
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Location location = PPROF__LOCATION__INIT;
    Pprof__Line line = PPROF__LINE__INIT;
    Pprof__Location *locations = &location;
    Pprof__Line *lines = &line;

    location.id = (uint64_t)number + 1;
    location.mapping_id = 1;
    if (key & IS_ADDRESS) {
        const struct frame *frame = &places->profile->frames[(uint32_t)key];
        const struct module *module = &places->profile->modules[frame->module];

        location.address = module->bias + frame->offset;
        location.mapping_id =
            dense_put(&places->mappings, frame->module) + FIRST_MODULE;
        line.function_id = (uint64_t)function_of_frame(places, frame) + 1;
        line.line = frame->line;
    } else {
        line.function_id = (key >> 32) + 1;
        line.line = (uint32_t)key;
    }
    location.n_line = 1;
    location.line = &lines;
    part.n_location = 1;
    part.location = &locations;
    pprof_file_write(file, &part);
}

static void
write_function(struct pprof_places *places, struct pprof_file *file,
               uint32_t number)
{
    const uint64_t key = places->shown.keys[number];
    const uint64_t other_file = places->files.keys[(uint32_t)key];
    const uint32_t own = (uint32_t)(key >> 32);
    const bool is_extra = own >= places->functions.count;
    const struct code extra = {
        .function = is_extra ? extra_name(own - places->functions.count) : "",
    };
    const struct code *code =
        is_extra ? &extra
                 : &places->profile->codes[places->functions.code[own]];
    Pprof__Profile part = PPROF__PROFILE__INIT;
    Pprof__Function function = PPROF__FUNCTION__INIT;
    Pprof__Function *functions = &function;

    function.id = (uint64_t)number + 1;
    function.name =
        pprof_file_string(file, *code->function ? code->function : no_name);
    function.filename = pprof_file_string(
        file, other_file ? (const char *)(uintptr_t)other_file : code->file);
    function.start_line = other_file ? 0 : code->line;
    part.n_function = 1;
    part.function = &functions;
    pprof_file_write(file, &part);
}

/* Without has_functions pprof looks for symbols in that file. */
static void
write_mapping(struct pprof_file *file, Pprof__Mapping *mapping)
{
    Pprof__Profile part = PPROF__PROFILE__INIT;

    mapping->has_functions = true;
    mapping->has_filenames = true;
    mapping->has_line_numbers = true;
    mapping->has_inline_frames = true;
    part.n_mapping = 1;
    part.mapping = &mapping;
    pprof_file_write(file, &part);
}

static void
write_module(struct pprof_places *places, struct pprof_file *file,
             uint32_t number)
{
    const struct module *module =
        &places->profile->modules[places->mappings.keys[number]];
    Pprof__Mapping mapping = PPROF__MAPPING__INIT;

    mapping.id = (uint64_t)number + FIRST_MODULE;
    mapping.memory_start = module->start;
    mapping.memory_limit = module->start + module->size;
    mapping.file_offset = module->offset;
    mapping.filename = pprof_file_string(file, module->path);
    mapping.build_id = pprof_file_string(file, module->build_id);
    write_mapping(file, &mapping);
}

void
pprof_places_write(struct pprof_places *places, struct pprof_file *file,
                   const char *title)
{
    Pprof__Mapping program = PPROF__MAPPING__INIT;

    program.id = 1;
    program.filename = pprof_file_string(file, title);
    write_mapping(file, &program);
    for (uint32_t i = 0; i < places->mappings.count; i++)
        write_module(places, file, i);
    for (uint32_t i = 0; i < places->places.count; i++)
        write_location(places, file, i);
    for (uint32_t i = 0; i < places->shown.count; i++)
        write_function(places, file, i);
}

void
pprof_places_free(struct pprof_places *places)
{
    functions_free(&places->functions);
    dense_free(&places->files);
    dense_free(&places->shown);
    dense_free(&places->places);
    dense_free(&places->mappings);
}
