/* SPDX-License-Identifier: MIT */

/*
 * The names of a vmprof log. They may come before the samples or after them
 * all, so that a frame has a code without a name until the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/split_name.h"
#include "store.h"
#include "text/utf8.h"
#include "vmprof_log.h"

static int64_t
find(struct log *log, uint64_t id, bool is_native)
{
    bool is_new;
    const int64_t index = vmp_intern(
        &log->ids, (uint64_t)log->session << 1 | is_native, id, &is_new);
    int64_t code;

    if (index < 0 || !is_new)
        return index;
    code = store_unnamed_code(log->profile, id);
    if (code < 0 || grow_array((void **)&log->codes, &log->code_capacity,
                               (uint32_t)index, sizeof(*log->codes)))
        return -ENOMEM;
    log->codes[index] = (struct log_code){
        .code = (uint32_t)code,
        .session = log->session,
        .is_native = is_native,
        .id = id,
    };
    return index;
}

int64_t
log_find_code(struct log *log, uint64_t id, bool is_native)
{
    const int64_t index = find(log, id, is_native);

    return index < 0 ? -ENOMEM : (int64_t)log->codes[index].code;
}

static bool
is_utf8(const struct bytes *name)
{
    uint32_t character;

    for (size_t i = 0; i < name->size;) {
        const unsigned size = vmp_decode_utf8((const char *)name->data + i,
                                              name->size - i, &character);
        if (!size)
            return false;
        i += size;
    }
    return true;
}

/* Of two names the one that sorts last counts, as in vmprof-python. */
static int
set_name(struct log *log, struct log_code *code, const char *name, bool is_weak)
{
    if (!name)
        return -ENOMEM;
    if (code->name && is_weak)
        return 0;
    if (code->name && code->name != name && !code->is_weak)
        log_repaired(log, REPAIR_NAME_TWICE);
    if (!code->name || code->is_weak || strcmp(name, code->name) > 0)
        code->name = name;
    code->is_weak = is_weak;
    return 0;
}

/*
 * vmprof-python looks all addresses up at the end, also those of its VM's code,
 * which are even and have no native name worth having.
 */
int
log_name(struct log *log, const struct log_record *record)
{
    const struct bytes *name = &record->name;
    const bool is_native = record->marker == LOG_NATIVE_NAME;
    const int64_t index = find(
        log, is_native ? record->id & ~UINT64_C(1) : record->id, is_native);

    if (index < 0)
        return -ENOMEM;
    if (!is_utf8(name))
        log_repaired(log, REPAIR_NAME_NOT_UTF8);
    return set_name(log, &log->codes[index],
                    store_text(log->profile, name->data, name->size),
                    is_native && !(record->id & 1));
}

/* "n:symbol:line:file" in parts; "-" is no file. */
static int64_t
name_native(struct log *log, const struct log_code *code)
{
    struct vmp_name_parts parts = { 0 };
    char address[32], *copy = NULL;
    struct code native = { .language = "native", .file = "", .module = "" };

    snprintf(address, sizeof(address), "0x%" PRIx64, code->id);
    native.function = address;
    if (code->name) {
        struct profile *profile = log->profile;

        copy = strdup(code->name);
        if (!copy)
            return -ENOMEM;
        vmp_split_name(&parts, copy, strlen(copy));
        native.line = parts.line;
        native.function =
            store_text(profile, parts.function.text, parts.function.size);
        native.file = store_text(profile, parts.file.text, parts.file.size);
        free(copy);
    }
    if (!native.function || !native.file)
        return -ENOMEM;
    if (strcmp(native.file, "-") == 0)
        native.file = "";
    return store_name_native_code(log->profile, code->code, &native);
}

/* A native function may have its name where those of the VM's are. */
static const char *
find_other_name(const struct log *log, const struct log_code *code)
{
    const uint64_t session = (uint64_t)code->session << 1;
    int64_t other = vmp_intern_find(&log->ids, session, code->id | 1);

    if (other < 0)
        other = vmp_intern_find(&log->ids, session, code->id);
    return other < 0 ? NULL : log->codes[other].name;
}

static int64_t
name_code(struct log *log, uint32_t index)
{
    struct log_code *code = &log->codes[index];

    if (!code->name && code->is_native)
        code->name = find_other_name(log, code);
    if (code->is_native)
        return name_native(log, code);
    if (code->name)
        return store_name_code(log->profile, code->code, code->name,
                               strlen(code->name));
    log_repaired(log, REPAIR_NAME_MISSING);
    return CODE_UNKNOWN;
}

int
log_finish_names(struct log *log)
{
    struct profile *profile = log->profile;
    const uint32_t count = profile->code_count;
    uint32_t *final = calloc(count, sizeof(*final));

    if (!final)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        final[i] = i;
    for (uint32_t i = 0; i < log->ids.count; i++) {
        const int64_t code = name_code(log, i);
        if (code < 0) {
            free(final);
            return -ENOMEM;
        }
        final[log->codes[i].code] = (uint32_t)code;
    }
    for (uint32_t i = 0; i < profile->frame_count; i++)
        if (profile->frames[i].code < count)
            profile->frames[i].code = final[profile->frames[i].code];
    free(final);
    return 0;
}
