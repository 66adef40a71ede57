/* SPDX-License-Identifier: MIT */

/* MODULES, and the frames of addresses in them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <vmprof/stack.h>

#include "native.h"
#include "store.h"

enum {
    /* No linker makes longer ones; what is longer is cut. */
    MAX_BUILD_ID = 64,
    /* Functions inlined into each other at one address; the outer ones. */
    MAX_INLINED = 256,
};

static const char *
build_id_text(struct profile *profile, struct bytes id)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * MAX_BUILD_ID];
    const size_t size = id.size < MAX_BUILD_ID ? id.size : MAX_BUILD_ID;

    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[id.data[i] >> 4];
        text[2 * i + 1] = digits[id.data[i] & 15];
    }
    return store_text(profile, text, 2 * size);
}

static int
set_field(struct profile *profile, struct module *module,
          const struct field *field)
{
    switch (field->key) {
    case VMP_MODULE_PATH:
        module->path = store_text(profile, field->text.data, field->text.size);
        return module->path ? 0 : -ENOMEM;
    case VMP_MODULE_BUILD_ID:
        module->build_id = build_id_text(profile, field->text);
        return module->build_id ? 0 : -ENOMEM;
    case VMP_MODULE_START:
        module->start = field->number;
        break;
    case VMP_MODULE_SIZE:
        module->size = field->number;
        break;
    case VMP_MODULE_OFFSET:
        module->offset = field->number;
        break;
    case VMP_MODULE_BIAS:
        module->bias = field->number;
        break;
    }
    return 0;
}

static int
read_module(struct native *native, struct native_chunk *chunk)
{
    const struct bytes bytes = cursor_string(&chunk->payload);
    struct cursor fields = { bytes.data, bytes.data + bytes.size, false };
    struct module module = { .session = chunk->session,
                             .path = "",
                             .build_id = "" };
    struct field field;
    int64_t index;

    if (chunk->payload.bad)
        return -EBADMSG;
    while (cursor_field(&fields, &field))
        if (set_field(native->profile, &module, &field))
            return -ENOMEM;
    if (fields.bad)
        return -EBADMSG;
    index = store_module(native->profile, &module);
    if (index < 0)
        return -ENOMEM;
    return index_map_add(&native->sessions[chunk->session].modules,
                         (uint32_t)index);
}

int
native_modules_chunk(struct native *native, struct native_chunk *chunk)
{
    const uint64_t first = cursor_varint(&chunk->payload);
    uint64_t count = cursor_varint(&chunk->payload);
    int result;

    if (chunk->payload.bad)
        return -EBADMSG;
    result = index_map_begin(&native->sessions[chunk->session].modules, first);
    while (count-- && !result)
        result = read_module(native, chunk);
    return result;
}

static int
find_symbols(struct native *native, uint32_t session, uint32_t module,
             uint64_t address, const struct symbol **symbols)
{
    const struct symboliser *symboliser = native->options.symboliser;

    if (!symboliser)
        return 0;
    return symboliser->find(symboliser->user, native->profile, session, module,
                            address, symbols);
}

/* "libc.so.6+0x1234": what is known for certain. */
static int64_t
store_number(struct profile *profile, const struct frame *address)
{
    const char *path = profile->modules[address->module].path;
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char name[512];
    struct frame frame = *address;
    int64_t code;

    if (address->module || address->offset)
        snprintf(name, sizeof(name), "%.400s%s0x%" PRIx64, base,
                 *base ? "+" : "", address->offset);
    else
        snprintf(name, sizeof(name), "[unknown]");
    code = store_native_code(profile, &(struct code){ .language = "native",
                                                      .function = name,
                                                      .file = "",
                                                      .module = path });
    frame.code = (uint32_t)code;
    return code < 0 ? code : store_frame(profile, &frame);
}

static int64_t
store_symbol(struct profile *profile, const struct frame *address,
             const struct symbol *symbol, uint32_t inlined_into)
{
    const struct code code = {
        .language = symbol->jit ? "jit" : "native",
        .function = symbol->function,
        .file = symbol->file,
        .module = profile->modules[address->module].path,
        .line = symbol->first_line,
    };
    const int64_t index = store_native_code(profile, &code);
    struct frame frame = *address;

    if (index < 0)
        return index;
    frame.code = (uint32_t)index;
    frame.kind = symbol->jit ? VMPROF_KIND_JITTED : address->kind;
    frame.line = symbol->at_line;
    frame.inlined_into = inlined_into;
    if (symbol->at_line && strcmp(symbol->at_file, symbol->file) != 0) {
        frame.file =
            store_text(profile, symbol->at_file, strlen(symbol->at_file));
        if (!frame.file)
            return -ENOMEM;
    }
    return store_frame(profile, &frame);
}

int64_t
native_address(struct native *native, uint32_t session, uint32_t module,
               uint64_t address)
{
    const struct frame bare = {
        .kind = FRAME_ADDRESS,
        .offset = address,
        .has_offset = true,
        .is_machine_code = true,
        .module = module,
    };
    const struct symbol *symbols;
    int64_t frame = 0;
    const int count = find_symbols(native, session, module, address, &symbols);

    if (count <= 0)
        return count < 0 ? count : store_number(native->profile, &bare);
    for (int i = 0; i < count && i < MAX_INLINED && frame >= 0; i++)
        frame =
            store_symbol(native->profile, &bare, &symbols[i], (uint32_t)frame);
    return frame;
}
