/* SPDX-License-Identifier: MIT */

/* The codes of a profile: each name once, whatever it was called by. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/split_name.h"
#include "store_private.h"

int64_t
store_add_code(struct profile *profile, const struct code *code)
{
    struct profile_private *private = profile->private;

    if (!code->language || !code->function || !code->file || !code->module ||
        grow_array((void **)&profile->codes, &private->code_capacity,
                   profile->code_count, sizeof(*profile->codes)))
        return -ENOMEM;
    profile->codes[profile->code_count] = *code;
    return profile->code_count++;
}

/* The parts of a full name. */
static int
split_name(struct profile *profile, struct code *code, const void *name,
           size_t size)
{
    struct vmp_name_parts parts;
    char *copy = malloc(size + 1);

    if (!copy)
        return -ENOMEM;
    memcpy(copy, name, size);
    vmp_split_name(&parts, copy, size);
    code->line = parts.line;
    code->module = "";
    code->language =
        store_text(profile, parts.language.text, parts.language.size);
    code->function =
        store_text(profile, parts.function.text, parts.function.size);
    code->file = store_text(profile, parts.file.text, parts.file.size);
    free(copy);
    return code->language && code->function && code->file ? 0 : -ENOMEM;
}

static int64_t
add_named_code(struct profile *profile, uint64_t id, const void *name,
               size_t size)
{
    struct code code = { .id = id };

    if (split_name(profile, &code, name, size))
        return -ENOMEM;
    return store_add_code(profile, &code);
}

int64_t
store_code(struct profile *profile, uint64_t id, const void *name, size_t size)
{
    struct text *text = intern_text(&profile->private->names, name, size);
    int64_t index;

    if (!text)
        return -ENOMEM;
    if (text->code >= 0)
        return text->code;
    index = add_named_code(profile, id, name, size);
    if (index >= 0)
        text->code = index;
    return index;
}

/* What tells native functions apart, as one text. To be freed. */
static char *
native_key(const struct code *code, size_t *size)
{
    char *key = NULL;
    FILE *out = open_memstream(&key, size);

    if (!out)
        return NULL;
    fprintf(out, "%s%c%s%c%s%c%s%c%u", code->language, 0, code->function, 0,
            code->file, 0, code->module, 0, code->line);
    if (fclose(out) == 0)
        return key;
    free(key);
    return NULL;
}

static int
make_lasting(struct profile *profile, const struct code *code,
             struct code *lasting)
{
    *lasting = (struct code){
        .language = store_text(profile, code->language, strlen(code->language)),
        .function = store_text(profile, code->function, strlen(code->function)),
        .file = store_text(profile, code->file, strlen(code->file)),
        .module = store_text(profile, code->module, strlen(code->module)),
        .line = code->line,
    };
    return lasting->language && lasting->function && lasting->file &&
                   lasting->module
               ? 0
               : -ENOMEM;
}

static int64_t
add_native_code(struct profile *profile, const struct code *code)
{
    struct code lasting;

    if (make_lasting(profile, code, &lasting))
        return -ENOMEM;
    return store_add_code(profile, &lasting);
}

static struct text *
find_native(struct profile *profile, const struct code *code)
{
    size_t size = 0;
    char *key = native_key(code, &size);
    struct text *text =
        key ? intern_text(&profile->private->natives, key, size) : NULL;

    free(key);
    return text;
}

int64_t
store_native_code(struct profile *profile, const struct code *code)
{
    struct text *text = find_native(profile, code);

    if (!text)
        return -ENOMEM;
    if (text->code < 0)
        text->code = add_native_code(profile, code);
    return text->code;
}

int64_t
store_unnamed_code(struct profile *profile, uint64_t id)
{
    const struct code code = { id, "", "[unknown]", "", "", 0 };

    return store_add_code(profile, &code);
}

int64_t
store_name_code(struct profile *profile, uint32_t index, const void *name,
                size_t size)
{
    struct text *text = intern_text(&profile->private->names, name, size);

    if (!text)
        return -ENOMEM;
    if (text->code < 0) {
        if (split_name(profile, &profile->codes[index], name, size))
            return -ENOMEM;
        text->code = index;
    }
    return text->code;
}

int64_t
store_name_native_code(struct profile *profile, uint32_t index,
                       const struct code *code)
{
    struct text *text = find_native(profile, code);

    if (!text)
        return -ENOMEM;
    if (text->code < 0) {
        if (make_lasting(profile, code, &profile->codes[index]))
            return -ENOMEM;
        text->code = index;
    }
    return text->code;
}
