/* SPDX-License-Identifier: MIT */

/* Profiles for a later run, written and looked up. */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../format/saved_types.h"
#include "../../intern.h"
#include "../../sized.h"
#include "../code.h"
#include "classes.h"
#include "profile.h"

enum {
    VERSION_MAX = 255,
    ROW_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_type_row, tuples),
};

/* Words of a section: by the address of a string, which a profile has once. */
struct words {
    struct vmp_intern numbers;
    const char **texts;
    uint32_t capacity;
    bool failed;
};

static uint32_t
word(struct words *words, const char *text)
{
    bool is_new;
    const int64_t number =
        text ? vmp_intern(&words->numbers, (uintptr_t)text, 0, &is_new) : 0;

    if (!text)
        return 0;
    if (number >= 0 && is_new && number >= words->capacity) {
        const uint32_t capacity = words->capacity ? 2 * words->capacity : 64;
        const char **const grown =
            realloc(words->texts, capacity * sizeof(*grown));

        if (grown) {
            words->texts = grown;
            words->capacity = capacity;
        }
    }
    if (number < 0 || number >= words->capacity) {
        words->failed = true;
        return 0;
    }
    words->texts[number] = text;
    return (uint32_t)number + 1;
}

static bool
is_saved(const struct vmprof_type_row *row)
{
    return row->has_place && row->hash && row->hits;
}

static void
put_site(struct vmp_section *section, struct words *words,
         const struct vmprof_type_row *row)
{
    vmp_section_number(section, row->offset);
    vmp_section_number(section, row->opcode);
    vmp_section_number(section, word(words, row->opcode_name));
    vmp_section_number(section, row->line);
    vmp_section_number(section, row->untyped);
    vmp_section_number(section, row->other);
    vmp_section_number(section, row->bytecodes - row->hits);
    vmp_section_number(section, row->tuple_count);
    for (uint64_t i = 0; i < row->tuple_count; i++) {
        const struct vmprof_type_tuple *const tuple = &row->tuples[i];

        vmp_section_number(section, tuple->count);
        for (uint64_t j = 0; j < tuple->count; j++)
            vmp_section_number(
                section, tuple->types[j] ? word(words, tuple->names[j]) : 0);
        vmp_section_number(section, tuple->hits);
    }
}

/* The row behind the last one of the same code, and how many are saved. */
static uint64_t
end_of_code(const struct vmprof_type_profile *profile, uint64_t first,
            uint64_t *saved)
{
    const struct vmprof_type_row *const rows = profile->rows;
    uint64_t i = first;

    for (*saved = 0; i < profile->info.rows && rows[i].code == rows[first].code;
         i++)
        *saved += is_saved(&rows[i]);
    return i;
}

/* The codes alone: words are only known afterwards, and stand before them. */
static void
put_codes(struct vmp_section *section, struct words *words,
          const struct vmprof_type_profile *profile, uint64_t *codes)
{
    uint64_t next, saved;

    for (uint64_t i = 0; i < profile->info.rows; i = next) {
        next = end_of_code(profile, i, &saved);
        if (!saved)
            continue;
        ++*codes;
        vmp_section_string(section, profile->rows[i].name);
        vmp_section_number(section, profile->rows[i].hash);
        vmp_section_number(section, saved);
        for (; i < next; i++)
            if (is_saved(&profile->rows[i]))
                put_site(section, words, &profile->rows[i]);
    }
}

static size_t
put_section(struct vmp_section *section, const struct vmp_section *codes,
            uint64_t code_count, const struct words *words,
            const char *vm_version)
{
    vmp_section_begin(section);
    vmp_section_string(section, vm_version);
    vmp_section_number(section, words->numbers.count);
    for (uint32_t i = 0; i < words->numbers.count; i++)
        vmp_section_string(section, words->texts[i]);
    vmp_section_number(section, code_count);
    vmp_section_bytes(section, codes->bytes, codes->size);
    return vmp_section_finish(section);
}

int
vmprof_save_type_profile(const struct vmprof_type_profile *profile,
                         const char *vm_version, vmprof_write_function write,
                         void *user)
{
    const size_t version_size =
        vm_version ? strnlen(vm_version, VERSION_MAX + 1) : 0;
    struct vmp_section codes = { 0 }, section = { 0 };
    struct words words = { 0 };
    uint64_t code_count = 0;
    size_t size = 0;
    int r;

    if (!profile || !write || !version_size || version_size > VERSION_MAX)
        return -EINVAL;
    put_codes(&codes, &words, profile, &code_count);
    if (!codes.failed && !words.failed)
        size = put_section(&section, &codes, code_count, &words, vm_version);
    r = size ? write(user, section.bytes, size) : -ENOMEM;
    vmp_intern_free(&words.numbers);
    free(words.texts);
    free(codes.bytes);
    free(section.bytes);
    return r;
}

/* A code of a loaded profile. */
struct named {
    const char *name;
    uint32_t index;
};

struct vmprof_loaded_profile {
    struct vmp_saved saved;
    struct vmprof_type_tuple *tuples; /* with names */
    struct named *by_name;            /* codes, sorted */
    pthread_mutex_t mutex;            /* over what follows */
    struct vmp_intern known;          /* (code id, 0) */
    int64_t *found; /* for each known one: index of a code, or an errno */
    uint32_t found_size;
};

static int
compare_names(const void *a, const void *b)
{
    const struct named *const x = a, *const y = b;
    const int order = strcmp(x->name, y->name);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int
prepare(struct vmprof_loaded_profile *p)
{
    const struct vmp_saved *const s = &p->saved;

    p->tuples = calloc(s->tuple_count + 1, sizeof(*p->tuples));
    p->by_name = calloc(s->code_count + 1, sizeof(*p->by_name));
    if (!p->tuples || !p->by_name)
        return -ENOMEM;
    for (size_t i = 0; i < s->tuple_count; i++) {
        p->tuples[i].hits = s->tuples[i].hits;
        p->tuples[i].count = s->tuples[i].count;
        for (uint32_t j = 0; j < s->tuples[i].count; j++)
            p->tuples[i].names[j] = s->words[s->tuples[i].words[j]];
    }
    for (uint32_t i = 0; i < s->code_count; i++)
        p->by_name[i] = (struct named){ s->codes[i].name, i };
    qsort(p->by_name, s->code_count, sizeof(*p->by_name), compare_names);
    return 0;
}

int
vmprof_load_type_profile(const void *data, size_t size, const char *vm_version,
                         struct vmprof_loaded_profile **out)
{
    struct vmprof_loaded_profile *made;
    int r;

    if (!data || !vm_version || !out)
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    pthread_mutex_init(&made->mutex, NULL);
    r = vmp_saved_read(data, size, vm_version, &made->saved);
    if (r == 0 && !made->saved.sections)
        r = -ENOENT;
    if (r == 0)
        r = prepare(made);
    if (r < 0)
        vmprof_free_loaded_profile(made);
    else
        *out = made;
    return r;
}

void
vmprof_free_loaded_profile(struct vmprof_loaded_profile *profile)
{
    if (!profile)
        return;
    vmp_saved_free(&profile->saved);
    vmp_intern_free(&profile->known);
    pthread_mutex_destroy(&profile->mutex);
    free(profile->tuples);
    free(profile->by_name);
    free(profile->found);
    free(profile);
}

/* The last code of a name, or -ENOENT. */
static int64_t
find_name(const struct vmprof_loaded_profile *p, const char *name)
{
    size_t low = 0, high = p->saved.code_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (strcmp(p->by_name[middle].name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low || strcmp(p->by_name[low - 1].name, name) != 0)
        return -ENOENT;
    return p->by_name[low - 1].index;
}

/* Which code of the profile a code of this process is, or an errno. */
static int64_t
identify(const struct vmprof_loaded_profile *p, uint64_t code)
{
    char name[VMPROF_NAME_SIZE];
    int64_t found;
    uint64_t hash;

    vmp_callbacks_lock();
    vmp_code_ask_name(code);
    name[vmp_code_name(code, name)] = 0;
    hash = vmp_interp_hash(vmp_interp_class_of(code), code);
    vmp_callbacks_unlock();
    found = find_name(p, name);
    return found >= 0 && p->saved.codes[found].hash != hash ? -ESTALE : found;
}

/* As identify(), which is asked once: ids are never used again. */
static int64_t
find_code(struct vmprof_loaded_profile *p, uint64_t code)
{
    int64_t found = vmp_intern_find(&p->known, code, 0), index;
    bool is_new;

    if (found >= 0)
        return p->found[found];
    found = identify(p, code);
    if (p->known.count >= p->found_size) {
        const uint32_t size = p->found_size ? 2 * p->found_size : 64;
        int64_t *const grown = realloc(p->found, size * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        p->found = grown;
        p->found_size = size;
    }
    index = vmp_intern(&p->known, code, 0, &is_new);
    if (index < 0)
        return index;
    p->found[index] = found;
    return found;
}

static const struct vmp_saved_site *
find_site(const struct vmp_saved *saved, const struct vmp_saved_code *code,
          uint64_t offset)
{
    const struct vmp_saved_site *const sites = saved->sites + code->first_site;
    size_t low = 0, high = code->site_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (sites[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < code->site_count && sites[low].offset == offset ? &sites[low]
                                                                 : NULL;
}

static int
export_site(const struct vmprof_loaded_profile *p,
            const struct vmp_saved_code *code, uint64_t id,
            const struct vmp_saved_site *site, struct vmprof_type_row *row)
{
    const struct vmprof_type_row found = {
        .code = id,
        .name = code->name,
        .hash = code->hash,
        .offset = site->offset,
        .opcode = site->opcode,
        .line = site->line,
        .has_place = 1,
        .opcode_name = site->opname ? p->saved.words[site->opname] : NULL,
        .hits = site->untyped + site->other + site->typed,
        .typed = site->typed,
        .other = site->other,
        .untyped = site->untyped,
        .bytecodes = site->bytecodes,
        .tuple_count = site->tuple_count,
        .tuples = p->tuples + site->first_tuple,
    };
    const int r = vmp_sized_export(row, sizeof(*row), ROW_SIZE_0_1, &found);

    return r < 0 ? r : 1;
}

int
vmprof_find_loaded_site(struct vmprof_loaded_profile *profile,
                        vmprof_code_id code, uint64_t offset,
                        struct vmprof_type_row *row)
{
    const struct vmp_saved_code *known;
    const struct vmp_saved_site *site;
    int64_t found;

    if (!profile || !row)
        return -EINVAL;
    if (!vmp_code_is_alive(code))
        return -ENOENT;
    pthread_mutex_lock(&profile->mutex);
    found = find_code(profile, code);
    pthread_mutex_unlock(&profile->mutex);
    if (found < 0)
        return (int)found;
    known = &profile->saved.codes[found];
    site = find_site(&profile->saved, known, offset);
    return site ? export_site(profile, known, code, site, row) : 0;
}
