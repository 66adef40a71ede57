/* SPDX-License-Identifier: MIT */

#include "types.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../analyse/types.h"
#include "../export/text.h"

enum {
    MOST_SITES = 20, /* of a function: those with the most bytecodes */
    MOST_TUPLES = 8, /* of a site */
};

static const struct kind_rule rule = { USUAL_MIN_PERCENT, USUAL_MOST };

/* A site and the function that it belongs to. */
struct entry {
    uint32_t function;
    const struct type_site *site;
};

struct entries {
    struct entry *entries;
    uint32_t count;
};

static bool *
find_used(const struct functions *functions, const struct fold *fold,
          unsigned kind_bits)
{
    bool *used = calloc((size_t)functions->count + 1, sizeof(*used));

    for (uint32_t i = 1; used && i < fold->nodes.count; i++) {
        const uint32_t function = fold_label(fold, i) >> kind_bits;

        if (function < functions->count)
            used[function] = true;
    }
    return used;
}

/* By function; of one, by falling bytecodes. */
static int
compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;

    if (left->function != right->function)
        return left->function < right->function ? -1 : 1;
    if (left->site->bytecodes != right->site->bytecodes)
        return left->site->bytecodes < right->site->bytecodes ? 1 : -1;
    return left->site < right->site ? -1 : left->site > right->site;
}

static int
find_entries(struct entries *found, const struct profile *profile,
             const struct functions *functions, const bool *used)
{
    found->entries =
        calloc((size_t)profile->type_site_count + 1, sizeof(*found->entries));
    if (!found->entries)
        return -ENOMEM;
    for (uint32_t i = 0; i < profile->type_site_count; i++) {
        const struct type_site *site = &profile->type_sites[i];
        const uint32_t function = functions->of_code[site->code];

        if (site->has_code && used[function] &&
            site_kind(profile, site, &rule) >= SITE_MONOMORPHIC)
            found->entries[found->count++] = (struct entry){ function, site };
    }
    qsort(found->entries, found->count, sizeof(*found->entries),
          compare_entries);
    return 0;
}

static void
write_tuple(const struct profile *profile, const struct type_site *site,
            const struct type_tuple *tuple, FILE *out)
{
    fputs("[[", out);
    for (uint32_t i = 0; i < tuple->count; i++) {
        fputs(i ? "," : "", out);
        text_write_json(out, profile->words[tuple->words[i]]);
    }
    fprintf(out, "],%.2f]", type_percent(site, tuple->hits));
}

static void
write_opcode(const struct type_site *site, FILE *out)
{
    char number[16];

    snprintf(number, sizeof(number), "<%" PRIu32 ">", site->opcode);
    text_write_json(out, *site->opcode_name ? site->opcode_name : number);
}

static void
write_site(const struct profile *profile, const struct type_site *site,
           FILE *out)
{
    fprintf(out, "[%" PRIu32 ",", site->line);
    write_opcode(site, out);
    fprintf(out, ",\"%s\",%" PRIu64 ",[",
            site_kind_name(site_kind(profile, site, &rule)), site->bytecodes);
    for (uint32_t i = 0; i < site->tuple_count && i < MOST_TUPLES; i++) {
        fputs(i ? "," : "", out);
        write_tuple(profile, site, &profile->type_tuples[site->first_tuple + i],
                    out);
    }
    fprintf(out, "],%.2f]", type_percent(site, site->other));
}

static void
write_entries(const struct entries *found, const struct profile *profile,
              FILE *out)
{
    uint32_t of_function = 0;

    for (uint32_t i = 0; i < found->count; i++) {
        const struct entry *entry = &found->entries[i];
        const bool is_first = !i || entry[-1].function != entry->function;

        of_function = is_first ? 0 : of_function + 1;
        if (is_first)
            fprintf(out, "%s[%" PRIu32 ",[", i ? "]],\n" : "", entry->function);
        if (of_function >= MOST_SITES)
            continue;
        fputs(is_first ? "" : ",", out);
        write_site(profile, entry->site, out);
    }
    fputs(found->count ? "]]" : "", out);
}

int
write_types(const struct profile *profile, const struct functions *functions,
            const struct fold *fold, unsigned kind_bits, FILE *out)
{
    bool *used = find_used(functions, fold, kind_bits);
    struct entries found = { 0 };
    int result =
        used ? find_entries(&found, profile, functions, used) : -ENOMEM;

    if (!result) {
        fputs(",\n\"types\":[", out);
        write_entries(&found, profile, out);
        putc(']', out);
    }
    free(used);
    free(found.entries);
    return result;
}
