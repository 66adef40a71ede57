/* SPDX-License-Identifier: MIT */

/* vmprof diff: sites by what became of them. */
#include "types_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../analyse/types_change.h"
#include "json_out.h"

enum {
    MOST_TUPLES = 8, /* of a site, of each side */
};

struct sides {
    const struct types_diff *diff;
    const struct types_view *before, *after;
};

static const struct {
    const char *title, *summary, *key;
} change_names[] = {
    [CHANGE_MORE] = { "Met more types", "met more types", "more" },
    [CHANGE_FEWER] = { "Met fewer types", "fewer", "fewer" },
    [CHANGE_SHARES] = { "Met other types, or in other shares",
                        "others or in other shares", "shares" },
    [CHANGE_NEW] = { "Met types only after", "only after", "new" },
    [CHANGE_GONE] = { "Met types only before", "only before", "gone" },
    [CHANGE_NONE] = { NULL, "as before", "same" },
    [CHANGE_TOO_FEW] = { NULL, "had too few hits to tell", "too_few_hits" },
};

static const struct terminal *
terminal_of(const struct sides *sides)
{
    return &sides->after->view.terminal;
}

static void
print_side(const struct sides *sides, const char *title,
           const struct types_view *side)
{
    const struct type_sums *sums = &side->groups.sums;
    char *path = clean_text(side->view.path);
    char hits[32], bytecodes[32];

    format_count(hits, sums->hits);
    format_count(bytecodes, sums->bytecodes);
    print_title(&sides->after->view, title);
    fprintf(terminal_of(sides)->out,
            "%s: %s hits for %s bytecodes, %" PRIu32 " functions\n",
            path ? path : "", hits, bytecodes, side->groups.count);
    free(path);
}

static void
print_summary(const struct sides *sides)
{
    FILE *out = terminal_of(sides)->out;
    char count[32];

    print_title(&sides->after->view, "Sites");
    for (enum change i = 0; i < CHANGES; i++) {
        if (i == CHANGE_TOO_FEW && !sides->diff->counts[i])
            continue;
        format_count(count, sides->diff->counts[i]);
        fprintf(out, "%s%s %s", i ? ", " : "", count, change_names[i].summary);
    }
    putc('\n', out);
    if (!sides->diff->code_count)
        return;
    format_count(count, sides->diff->code_count);
    print_title(&sides->after->view, "Code");
    fprintf(out,
            "%s function%s changed, whose sites are told by line and "
            "opcode\n",
            count, sides->diff->code_count == 1 ? "" : "s");
}

/* 0 as "-": the types were not there. */
static void
format_share(char buffer[32], bool is_there, double percent)
{
    if (!is_there || percent == 0)
        snprintf(buffer, 32, "-");
    else
        snprintf(buffer, 32, "%.1f%%", percent);
}

static void
print_shares(const struct sides *sides, const struct site_change *change,
             double before, double after, const char *types)
{
    char left[32], right[32];

    format_share(left, change->before, before);
    format_share(right, change->after, after);
    fprintf(terminal_of(sides)->out, "    %7s -> %7s  ", left, right);
    terminal_print_last(terminal_of(sides), 24, types, "");
}

static int
print_tuple(const struct sides *sides, const struct site_change *change,
            const struct types_view *side, const struct type_tuple *tuple,
            double before, double after)
{
    char *types = tuple_title(&side->view.profile, tuple);

    if (!types)
        return -ENOMEM;
    print_shares(sides, change, before, after, types);
    free(types);
    return 0;
}

static double
share_in(const struct types_view *side, const struct type_tuple *tuple,
         const struct types_view *other, const struct type_site *site)
{
    return site ? percent_elsewhere(&side->view.profile, tuple,
                                    &other->view.profile, site)
                : 0;
}

/* Those of the new side, then those that only the old one has. */
static int
print_tuples(const struct sides *sides, const struct site_change *change)
{
    const struct type_site *before = change->before, *after = change->after;
    int result = 0;

    for (uint32_t i = 0;
         after && i < after->tuple_count && i < MOST_TUPLES && !result; i++) {
        const struct type_tuple *tuple =
            &sides->after->view.profile.type_tuples[after->first_tuple + i];

        result =
            print_tuple(sides, change, sides->after, tuple,
                        share_in(sides->after, tuple, sides->before, before),
                        type_percent(after, tuple->hits));
    }
    for (uint32_t i = 0;
         before && i < before->tuple_count && i < MOST_TUPLES && !result; i++) {
        const struct type_tuple *tuple =
            &sides->before->view.profile.type_tuples[before->first_tuple + i];

        if (share_in(sides->before, tuple, sides->after, after) == 0)
            result = print_tuple(sides, change, sides->before, tuple,
                                 type_percent(before, tuple->hits), 0);
    }
    if (!result && ((before && before->other) || (after && after->other)))
        print_shares(sides, change,
                     before ? type_percent(before, before->other) : 0,
                     after ? type_percent(after, after->other) : 0, "<other>");
    return result;
}

static const char *
kind_of(const struct sides *sides, const struct types_view *side,
        const struct type_site *site)
{
    return site ? site_kind_short(site_kind(&side->view.profile, site,
                                            &sides->diff->rule.kinds))
                : "not there";
}

/* "work (demo.toy:10), line 11, ADD at 5" */
static int
print_place(const struct sides *sides, const struct site_change *change)
{
    const bool is_after = change->after != NULL;
    const struct types_view *side = is_after ? sides->after : sides->before;
    const struct type_site *site = is_after ? change->after : change->before;
    const struct type_group *group =
        is_after ? change->after_group : change->before_group;
    char *name = code_name(group_code(side, group));
    char *opcode = opcode_title(site);
    FILE *out = terminal_of(sides)->out;

    if (name && opcode) {
        terminal_print(terminal_of(sides), STYLE_HEADING, "%s", name);
        if (site->line)
            fprintf(out, ", line %" PRIu32, site->line);
        fprintf(out, ", %s at %" PRIu64 ": %s -> %s", opcode, site->offset,
                kind_of(sides, sides->before, change->before),
                kind_of(sides, sides->after, change->after));
    }
    free(name);
    free(opcode);
    return name && opcode ? 0 : -ENOMEM;
}

static int
print_change(const struct sides *sides, const struct site_change *change)
{
    char before[32], after[32];

    if (print_place(sides, change))
        return -ENOMEM;
    format_count(before, change->before ? change->before->bytecodes : 0);
    format_count(after, change->after ? change->after->bytecodes : 0);
    fprintf(terminal_of(sides)->out, ", %s -> %s bytecodes%s\n", before, after,
            change->is_changed_code ? ", in changed code" : "");
    return print_tuples(sides, change);
}

static bool
is_shown(const struct sides *sides, const struct type_group *before,
         const struct type_group *after)
{
    return (before && group_is_shown(sides->before, before)) ||
           (after && group_is_shown(sides->after, after));
}

static int
print_section(const struct sides *sides, enum change wanted)
{
    const unsigned limit = sides->after->view.limit;
    uint64_t found = 0, left_out = 0;
    int result = 0;

    for (uint32_t i = 0; i < sides->diff->site_count && !result; i++) {
        const struct site_change *change = &sides->diff->sites[i];

        if (change->change != wanted ||
            !is_shown(sides, change->before_group, change->after_group))
            continue;
        if (!found++)
            terminal_print(terminal_of(sides), STYLE_HEADING, "\n%s\n",
                           change_names[wanted].title);
        if (limit && found > limit)
            left_out++;
        else
            result = print_change(sides, change);
    }
    if (left_out)
        fprintf(terminal_of(sides)->out,
                "and %" PRIu64 " more; --limit 0 shows all\n", left_out);
    return result;
}

static int
print_changed_codes(const struct sides *sides)
{
    bool is_first = true;

    for (uint32_t i = 0; i < sides->diff->code_count; i++) {
        const struct code_change *change = &sides->diff->codes[i];
        char *name;

        if (!is_shown(sides, change->before, change->after))
            continue;
        name = code_name(group_code(sides->after, change->after));
        if (!name)
            return -ENOMEM;
        if (is_first)
            terminal_print(terminal_of(sides), STYLE_HEADING, "\n%s\n",
                           "Changed their code");
        is_first = false;
        fprintf(terminal_of(sides)->out, "%s\n", name);
        free(name);
    }
    return 0;
}

int
report_types_diff(const struct types_diff *diff,
                  const struct types_view *before,
                  const struct types_view *after)
{
    const struct sides sides = { diff, before, after };
    int result = 0;

    print_side(&sides, "Before", before);
    report_damage(&before->view);
    print_side(&sides, "After", after);
    report_damage(&after->view);
    print_summary(&sides);
    for (enum change i = 0; i < CHANGE_NONE && !result; i++)
        result = print_section(&sides, i);
    return result ? result : print_changed_codes(&sides);
}

static void
json_side(struct json_object *object, const char *name,
          const struct types_view *side, const struct type_group *group,
          const struct type_site *site)
{
    struct json_object *member = json_object_new_object();

    json_group(member, side, group);
    if (site)
        json_site(member, side, site);
    json_object_object_add(object, name, member);
}

static struct json_object *
json_change(const struct sides *sides, const struct site_change *change)
{
    struct json_object *object = json_object_new_object();

    json_text(object, "change", change_names[change->change].key);
    json_flag(object, "code_changed", change->is_changed_code);
    if (change->before)
        json_side(object, "before", sides->before, change->before_group,
                  change->before);
    if (change->after)
        json_side(object, "after", sides->after, change->after_group,
                  change->after);
    return object;
}

static struct json_object *
json_counts(const struct types_diff *diff)
{
    struct json_object *object = json_object_new_object();

    for (enum change i = 0; i < CHANGES; i++)
        json_number(object, change_names[i].key, diff->counts[i]);
    json_number(object, "changed_functions", diff->code_count);
    return object;
}

static void
put_changes(struct json_out *json, const struct sides *sides)
{
    json_out_begin_array(json, "changes");
    for (uint32_t i = 0; i < sides->diff->site_count; i++) {
        const struct site_change *change = &sides->diff->sites[i];

        if (is_shown(sides, change->before_group, change->after_group))
            json_out_element(json, json_change(sides, change));
    }
    json_out_end_array(json);
}

static void
put_changed_codes(struct json_out *json, const struct sides *sides)
{
    json_out_begin_array(json, "changed_functions");
    for (uint32_t i = 0; i < sides->diff->code_count; i++) {
        const struct code_change *change = &sides->diff->codes[i];
        struct json_object *object;

        if (!is_shown(sides, change->before, change->after))
            continue;
        object = json_object_new_object();
        json_side(object, "before", sides->before, change->before, NULL);
        json_side(object, "after", sides->after, change->after, NULL);
        json_out_element(json, object);
    }
    json_out_end_array(json);
}

int
report_types_diff_json(const struct types_diff *diff,
                       const struct types_view *before,
                       const struct types_view *after)
{
    const struct sides sides = { diff, before, after };
    struct json_out json;

    json_out_begin(&json, after->view.terminal.out);
    json_out_member(&json, "before", json_object_new_string(before->view.path));
    json_out_member(&json, "after", json_object_new_string(after->view.path));
    json_out_member(&json, "summary", json_counts(diff));
    put_changes(&json, &sides);
    put_changed_codes(&json, &sides);
    return json_out_end(&json);
}
