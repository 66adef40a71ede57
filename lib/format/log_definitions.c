/* SPDX-License-Identifier: MIT */

/* Codes, functions, frames and nodes of a vmprof log: the names go out at once,
 * the rest is kept for the stacks, each of which holds it all. */

#include <stdlib.h>
#include <string.h>

#include "log_encoder.h"
#include "utf8.h"

enum {
    KIND_SHIFT = 56,
    KIND_CODE = 1,
    KIND_JITTED = 3,
    KIND_ASSEMBLER = 6,
    FIRST_ROWS = 64,
};

static const uint64_t CODE_MASK = ((uint64_t)1 << KIND_SHIFT) - 1;

void *
vmp_log_row(struct vmp_log_table *table, uint32_t index, size_t row_size)
{
    uint32_t size = table->size ? table->size : FIRST_ROWS;
    unsigned char *grown;

    while (size <= index)
        size *= 2;
    if (size != table->size) {
        grown = reallocarray(table->rows, size, row_size);
        if (!grown)
            return NULL;
        memset(grown + table->size * row_size, 0,
               (size - table->size) * row_size);
        table->rows = grown;
        table->size = size;
    }
    return (unsigned char *)table->rows + index * row_size;
}

void
vmp_log_code(struct vmp_encoder *encoder, uint64_t id, char *name, size_t size)
{
    vmp_log_put_name(vmp_log_of(encoder), VMP_LOG_NAME, id, name, size);
}

uint64_t
vmp_log_synthetic(struct vmp_log_encoder *log, uint64_t kind)
{
    static const char *const names[VMP_LOG_SYNTHETICS] = {
        [2] = "[blackhole interpreter]",
        [3] = "[compiled code]",
        [4] = "[JIT compiler]",
        [5] = "[garbage collector]",
        [7] = "[native]",
        [VMP_KIND_SYSTEM] = "[system calls]",
        [VMP_KIND_NO_POLL] = "[no poll]",
        [VMP_LOG_SYNTHETIC_CUT] = "[truncated]",
        [VMP_LOG_SYNTHETIC_OFF_CPU] = "[off-CPU]",
    };
    const bool is_known = kind < VMP_LOG_SYNTHETICS && names[kind];
    const uint64_t number = is_known ? kind : 0;
    const uint64_t id = (uint64_t)1 << KIND_SHIFT | number << 2;
    char name[64] = "n:";

    if (!(log->synthetics >> number & 1)) {
        strcat(strcat(name, is_known ? names[kind] : "[unknown]"), ":0:");
        vmp_log_put_name(log, VMP_LOG_NAME, id, name, strlen(name));
        log->synthetics |= (uint32_t)1 << number;
    }
    return id;
}

/* Kinds that vmprof-python does not take are those of what they have a name
 * for: code. */
static uint32_t
log_kind(uint64_t kind)
{
    return kind == KIND_JITTED      ? VMP_LOG_JITTED
           : kind == KIND_ASSEMBLER ? VMP_LOG_ASSEMBLER
                                    : VMP_LOG_CODE;
}

void
vmp_log_frame(struct vmp_encoder *encoder, uint64_t code,
              const struct vmp_place *place)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    const uint64_t kind = code >> KIND_SHIFT ? code >> KIND_SHIFT : KIND_CODE;
    struct vmp_log_frame *const frame =
        vmp_log_row(&log->frames, encoder->frames.count - 1, sizeof(*frame));

    if (!frame)
        return;
    frame->kind = log_kind(kind);
    frame->line = place->line;
    frame->id = code & CODE_MASK;
    if (kind == KIND_ASSEMBLER)
        frame->id = place->offset;
    else if (!frame->id)
        frame->id = vmp_log_synthetic(log, kind);
    if (kind == KIND_JITTED && log->options.has_traces)
        frame->trace = place->offset;
}

/* Odd, as addresses of functions are, and nobody else's. */
static uint64_t
free_id(struct vmp_log_encoder *log, uint64_t start)
{
    uint64_t id = (start & (uint64_t)INT64_MAX) | 1;
    bool is_new;

    while (vmp_intern(&log->ids, id, 0, &is_new) >= 0 && !is_new)
        id += 2;
    return id;
}

static uint64_t
function_id(struct vmp_log_encoder *log, struct vmp_symbol *symbol)
{
    bool is_new;
    const int64_t number =
        vmp_intern(&log->functions, symbol->start, symbol->scope, &is_new);
    uint64_t *const id =
        number < 0
            ? NULL
            : vmp_log_row(&log->function_of, (uint32_t)number, sizeof(*id));

    if (!id)
        return 0;
    if (!*id) {
        *id = free_id(log, symbol->start);
        vmp_log_put_name(log, VMP_LOG_NATIVE_NAME, *id, symbol->name,
                         symbol->size);
    }
    return *id;
}

static const struct vmp_module_info *
find_module(const struct vmp_log_encoder *log, uint32_t number)
{
    const struct vmp_log_module *const modules = log->modules.rows;

    return number && number <= log->module_count && modules[number - 1].path
               ? &modules[number - 1].info
               : NULL;
}

void
vmp_log_address(struct vmp_encoder *encoder, uint32_t module, uint64_t address)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    struct vmp_log_frame *const frame =
        vmp_log_row(&log->frames, encoder->frames.count - 1, sizeof(*frame));
    struct vmp_symbol symbol = { 0 };

    if (!frame)
        return;
    log->options.symbol_of(encoder->user, find_module(log, module), address,
                           &symbol);
    frame->kind = VMP_LOG_NATIVE;
    frame->id = function_id(log, &symbol);
}

uint32_t
vmp_log_module(struct vmp_encoder *encoder, const struct vmp_module_info *info)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    struct vmp_log_module *const module =
        vmp_log_row(&log->modules, log->module_count, sizeof(*module));

    if (!module)
        return 0;
    module->path = strdup(info->path);
    module->info = *info;
    module->info.path = module->path;
    module->info.build_id = NULL;
    module->info.build_id_size = 0;
    return ++log->module_count;
}

void
vmp_log_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    struct vmp_log_node *const node =
        vmp_log_row(&log->nodes, encoder->nodes.count - 1, sizeof(*node));

    if (node)
        *node = (struct vmp_log_node){ parent, frame };
}
