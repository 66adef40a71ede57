/* SPDX-License-Identifier: MIT */

/* Reading, choosing and naming what is in a type profile. */
#include "types_view.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* More tuples of a site are in --json. */
    MOST_TUPLES = 8,
};

static int
fail(const char *path, const char *why)
{
    fprintf(stderr, "vmprof: %s%s\n", path, why);
    return -1;
}

static bool
is_whole(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->session_count; i++)
        if (!profile->sessions[i].ended)
            return false;
    return true;
}

static const char *
why_without_rows(const struct profile *profile)
{
    const struct damage *damage = &profile->damage;

    if (damage->bytes_unread || damage->cut || damage->chunks_missing)
        return " has no type rows that can be read; it is damaged, and what "
               "is lost may have had some";
    if (strcmp(profile->format, "vmprof log") == 0)
        return " has no type rows; a vmprof log holds none";
    if (!is_whole(profile))
        return " has no type rows; it has no end, where most programs read "
               "them out: killed, cut off, or still running";
    return " has no type rows; its program did not have its bytecodes "
           "profiled, or never read them out";
}

int
types_read(struct types_view *types)
{
    /* Names of machine code are of no use here. */
    const struct read_options options = {
        .no_native = true,
        .show_progress = true,
    };
    struct view *view = &types->view;
    char message[512];

    if (profile_read(&view->profile, view->path, &options, NULL, NULL, message,
                     sizeof(message)))
        return fail(message, "");
    if (!view->profile.readout_count)
        return fail(view->path, why_without_rows(&view->profile));
    if (type_groups_make(&types->groups, &view->profile, &types->rule))
        return fail(view->path, ": not enough memory");
    return 0;
}

void
types_free(struct types_view *types)
{
    type_groups_free(&types->groups);
    profile_free(&types->view.profile);
}

const struct code *
group_code(const struct types_view *types, const struct type_group *group)
{
    const struct profile *profile = &types->view.profile;

    return &profile->codes[profile->type_sites[group->first].code];
}

/* Rows without a place have no hash, and come first. */
uint64_t
group_hash(const struct types_view *types, const struct type_group *group)
{
    return types->view.profile.type_sites[group->first + group->count - 1].hash;
}

bool
group_is_shown(const struct types_view *types, const struct type_group *group)
{
    return !types->function ||
           fnmatch(types->function, group_code(types, group)->function, 0) == 0;
}

bool
site_is_shown(const struct types_view *types, const struct type_site *site)
{
    const unsigned usual = 1u << SITE_UNSEEN | 1u << SITE_MONOMORPHIC |
                           1u << SITE_POLYMORPHIC | 1u << SITE_MEGAMORPHIC;
    const enum site_kind kind =
        site_kind(&types->view.profile, site, &types->rule);

    return (types->kinds ? types->kinds : usual) >> kind & 1;
}

static int
compare(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int
compare_by_place(const struct code *left, const struct code *right)
{
    int order = strcmp(left->file, right->file);

    if (!order)
        order = compare(left->line, right->line);
    return order ? order : strcmp(left->function, right->function);
}

static int
compare_groups(const void *a, const void *b, void *user)
{
    const struct types_view *types = *(const struct types_view **)user;
    const struct type_group *left = &types->groups.groups[*(const uint32_t *)a];
    const struct type_group *right =
        &types->groups.groups[*(const uint32_t *)b];
    int order = 0;

    if (types->order == BY_LINE)
        order =
            compare_by_place(group_code(types, left), group_code(types, right));
    else if (types->order == BY_KIND)
        order = compare(right->many_bytecodes, left->many_bytecodes);
    if (!order)
        order = compare(right->bytecodes, left->bytecodes);
    return order ? order : compare(left->first, right->first);
}

static bool
has_shown_site(const struct types_view *types, const struct type_group *group)
{
    for (uint32_t i = 0; i < group->count; i++)
        if (site_is_shown(types,
                          &types->view.profile.type_sites[group->first + i]))
            return true;
    return false;
}

uint32_t *
order_groups(const struct types_view *types, uint32_t *count)
{
    uint32_t *order = calloc((size_t)types->groups.count + 1, sizeof(*order));

    *count = 0;
    for (uint32_t i = 0; order && i < types->groups.count; i++) {
        const struct type_group *group = &types->groups.groups[i];

        if (group_is_shown(types, group) &&
            (!types->kinds || has_shown_site(types, group)))
            order[(*count)++] = i;
    }
    if (order)
        qsort_r(order, *count, sizeof(*order), compare_groups, &types);
    return order;
}

static int
compare_sites(const void *a, const void *b, void *user)
{
    const struct types_view *types = *(const struct types_view **)user;
    const struct profile *profile = &types->view.profile;
    const struct type_site *left = &profile->type_sites[*(const uint32_t *)a];
    const struct type_site *right = &profile->type_sites[*(const uint32_t *)b];
    int order = 0;

    if (types->order == BY_KIND)
        order = compare(site_kind(profile, right, &types->rule),
                        site_kind(profile, left, &types->rule));
    if (!order && types->order == BY_LINE)
        order = compare(left->line, right->line);
    if (!order && types->order != BY_LINE)
        order = compare(right->bytecodes, left->bytecodes);
    return order ? order : compare(*(const uint32_t *)a, *(const uint32_t *)b);
}

uint32_t *
order_sites(const struct types_view *types, const struct type_group *group,
            uint32_t *count)
{
    uint32_t *order = calloc((size_t)group->count + 1, sizeof(*order));

    *count = 0;
    for (uint32_t i = group->first; order && i < group->first + group->count;
         i++)
        if (site_is_shown(types, &types->view.profile.type_sites[i]))
            order[(*count)++] = i;
    if (order)
        qsort_r(order, *count, sizeof(*order), compare_sites, &types);
    return order;
}

char *
opcode_title(const struct type_site *site)
{
    char number[16];

    if (*site->opcode_name)
        return clean_text(site->opcode_name);
    snprintf(number, sizeof(number), "<%" PRIu32 ">", site->opcode);
    return strdup(number);
}

static int
put_clean(FILE *out, const char *text)
{
    char *clean = clean_text(text);

    if (!clean)
        return -1;
    fputs(clean, out);
    free(clean);
    return 0;
}

/* What a memory stream holds; to be freed. `*text` is set by fclose(). */
static char *
finish(FILE *out, char **text, int result)
{
    if (fclose(out) == 0 && result == 0)
        return *text;
    free(*text);
    return NULL;
}

static int
put_tuple(FILE *out, const struct profile *profile,
          const struct type_tuple *tuple)
{
    int result = 0;

    if (tuple->count != 1)
        putc('(', out);
    for (uint32_t i = 0; i < tuple->count && !result; i++) {
        fputs(i ? ", " : "", out);
        result = put_clean(out, profile->words[tuple->words[i]]);
    }
    if (tuple->count != 1)
        putc(')', out);
    return result;
}

char *
tuple_title(const struct profile *profile, const struct type_tuple *tuple)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    return out ? finish(out, &text, put_tuple(out, profile, tuple)) : NULL;
}

static void
put_share(FILE *out, const struct type_site *site, uint64_t hits)
{
    const double percent = type_percent(site, hits);

    /* One decimal, but no rounding to all or nothing. */
    if (percent > 99.9 && percent < 100)
        fputs(" >99.9%", out);
    else if (percent < 0.1)
        fputs(" <0.1%", out);
    else
        fprintf(out, " %.*f%%", percent == 100 ? 0 : 1, percent);
}

static int
put_types(FILE *out, const struct profile *profile,
          const struct type_site *site)
{
    const struct type_tuple *tuples = &profile->type_tuples[site->first_tuple];
    uint32_t i;

    for (i = 0; i < site->tuple_count && i < MOST_TUPLES; i++) {
        fputs(i ? "  " : "", out);
        if (put_tuple(out, profile, &tuples[i]))
            return -1;
        put_share(out, site, tuples[i].hits);
    }
    if (i < site->tuple_count)
        fprintf(out, "  and %" PRIu32 " more", site->tuple_count - i);
    if (site->other) {
        fputs(i ? "  <other>" : "<other>", out);
        put_share(out, site, site->other);
    }
    if (site->untyped && (site->typed || site->other))
        fprintf(out, "  (%.1f%% of the hits had no types)",
                100 * (double)site->untyped / (double)site->hits);
    return 0;
}

char *
site_types(const struct profile *profile, const struct type_site *site)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    return out ? finish(out, &text, put_types(out, profile, site)) : NULL;
}
