/* SPDX-License-Identifier: MIT */

/* vmprof types: the head, and the table of sites by function. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "types_view.h"

enum {
    WIDEST_OPCODE = 24,
    KIND_WIDTH = 6,
};

/* So that all that is shown fits. */
struct columns {
    int opcode, bytecodes, hits, offset;
    bool has_hits; /* as some stand for more than themselves */
};

static void
print_readouts(const struct types_view *types)
{
    const struct profile *profile = &types->view.profile;
    const struct readout *readouts = profile->readouts;
    uint64_t least = UINT64_MAX, most = 0;
    uint32_t jittered = 0;
    char times[32], shortest[32], longest[32];

    for (uint32_t i = 0; i < profile->readout_count; i++) {
        least = readouts[i].period < least ? readouts[i].period : least;
        most = readouts[i].period > most ? readouts[i].period : most;
        jittered += readouts[i].jitter;
    }
    format_count(times, profile->readout_count);
    format_count(shortest, least);
    format_count(longest, most);
    print_title(&types->view, "Read out");
    fprintf(types->view.terminal.out, "%s time%s, period%s %s", times,
            profile->readout_count == 1 ? "" : "s",
            least == most ? "" : "s from", shortest);
    if (least != most)
        fprintf(types->view.terminal.out, " to %s", longest);
    fputs(!jittered && most > 1
              ? ", without jitter: loops may be in step with it"
          : !jittered                          ? ""
          : jittered == profile->readout_count ? " with jitter"
                                               : ", at times with jitter",
          types->view.terminal.out);
    putc('\n', types->view.terminal.out);
}

static void
print_hits(const struct types_view *types)
{
    const struct type_sums *sums = &types->groups.sums;
    FILE *out = types->view.terminal.out;
    char hits[32], bytecodes[32];

    format_count(hits, sums->hits);
    format_count(bytecodes, sums->bytecodes);
    print_title(&types->view, "Hits");
    fprintf(out, "%s", hits);
    if (sums->hits != sums->bytecodes)
        fprintf(out, ", which stand for %s bytecodes", bytecodes);
    fprintf(out, ": %.1f%% with types",
            percent_of(sums->typed + sums->other, sums->hits));
    if (sums->other)
        fprintf(out, " (%.1f%% in <other>)",
                percent_of(sums->other, sums->hits));
    fprintf(out, ", %.1f%% without", percent_of(sums->untyped, sums->hits));
    if (sums->unplaced)
        fprintf(out, ", %.1f%% without a place",
                percent_of(sums->unplaced, sums->hits));
    putc('\n', out);
}

static void
print_kinds(const struct types_view *types)
{
    static const enum site_kind kinds[] = {
        SITE_MONOMORPHIC, SITE_POLYMORPHIC, SITE_MEGAMORPHIC,
        SITE_UNTYPED,     SITE_UNSEEN,
    };
    const uint64_t *sites = types->groups.sums.sites;

    print_title(&types->view, "Sites");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char count[32];

        format_count(count, sites[kinds[i]]);
        fprintf(types->view.terminal.out, "%s%s %s", i ? ", " : "", count,
                site_kind_name(kinds[i]));
    }
    putc('\n', types->view.terminal.out);
}

int
report_types_header(const struct types_view *types)
{
    report_sessions(&types->view);
    print_readouts(types);
    print_hits(types);
    print_kinds(types);
    report_damage(&types->view);
    return 0;
}

static int
number_width(uint64_t number)
{
    char text[32];

    format_count(text, number);
    return (int)strlen(text);
}

static void
widen(int *width, int wanted)
{
    *width = wanted > *width ? wanted : *width;
}

static int
measure(struct columns *columns, const struct types_view *types)
{
    const struct profile *profile = &types->view.profile;

    *columns = (struct columns){ 6, 9, 4, 6, false };
    for (uint32_t i = 0; i < profile->type_site_count; i++) {
        const struct type_site *site = &profile->type_sites[i];
        char *opcode = opcode_title(site);

        if (!opcode)
            return -ENOMEM;
        widen(&columns->opcode, (int)text_columns(opcode));
        widen(&columns->bytecodes, number_width(site->bytecodes));
        widen(&columns->hits, number_width(site->hits));
        widen(&columns->offset, snprintf(NULL, 0, "%" PRIu64, site->offset));
        columns->has_hits |= site->hits != site->bytecodes;
        free(opcode);
    }
    if (columns->opcode > WIDEST_OPCODE)
        columns->opcode = WIDEST_OPCODE;
    return 0;
}

static enum style
style_of(enum site_kind kind)
{
    return kind == SITE_MEGAMORPHIC   ? STYLE_HOT
           : kind == SITE_POLYMORPHIC ? STYLE_WARNING
                                      : STYLE_PLAIN;
}

static void
print_head(const struct types_view *types, const struct columns *columns)
{
    const struct terminal *terminal = &types->view.terminal;

    terminal_print(terminal, STYLE_HEADING, "\n%6s  %*s  %-*s  %*s  ", "Line",
                   columns->offset, "Offset", columns->opcode, "Opcode",
                   columns->bytecodes, "Bytecodes");
    if (columns->has_hits)
        terminal_print(terminal, STYLE_HEADING, "%*s  ", columns->hits, "Hits");
    terminal_print(terminal, STYLE_HEADING, "%-*s  %s\n", KIND_WIDTH, "Kind",
                   "Types");
}

/* Returns the columns that it took. */
static unsigned
print_numbers(const struct types_view *types, const struct columns *columns,
              const struct type_site *site, const char *opcode)
{
    const struct terminal *terminal = &types->view.terminal;
    char line[16] = "", offset[24] = "", bytecodes[32], hits[32];
    unsigned taken;

    if (site->line)
        snprintf(line, sizeof(line), "%" PRIu32, site->line);
    if (site->has_place)
        snprintf(offset, sizeof(offset), "%" PRIu64, site->offset);
    format_count(bytecodes, site->bytecodes);
    format_count(hits, site->hits);
    taken = (unsigned)fprintf(terminal->out, "%6s  %*s  ", line,
                              columns->offset, offset);
    terminal_print_cell(terminal, (unsigned)columns->opcode,
                        site->has_place ? opcode : "");
    taken += (unsigned)columns->opcode;
    taken += (unsigned)fprintf(terminal->out, "  %*s  ", columns->bytecodes,
                               bytecodes);
    if (columns->has_hits)
        taken += (unsigned)fprintf(terminal->out, "%*s  ", columns->hits, hits);
    return taken;
}

static int
print_site(const struct types_view *types, const struct columns *columns,
           const struct type_site *site)
{
    const enum site_kind kind =
        site_kind(&types->view.profile, site, &types->rule);
    char *opcode = opcode_title(site);
    char *text = site_types(&types->view.profile, site);
    unsigned taken;

    if (opcode && text) {
        taken = print_numbers(types, columns, site, opcode);
        terminal_print(&types->view.terminal, style_of(kind), "%s",
                       site_kind_short(kind));
        if (*text)
            fprintf(types->view.terminal.out, "%*s",
                    KIND_WIDTH + 2 - (int)strlen(site_kind_short(kind)), "");
        terminal_print_last(&types->view.terminal, taken + KIND_WIDTH + 2, text,
                            "");
    }
    free(opcode);
    free(text);
    return opcode && text ? 0 : -ENOMEM;
}

/* Sites without types, which are many and say little. */
static void
print_hidden(const struct types_view *types, const struct type_group *group)
{
    uint64_t sites = 0, bytecodes = 0, unplaced = 0;
    char count[32], hidden[32], without[32];

    for (uint32_t i = group->first; i < group->first + group->count; i++) {
        const struct type_site *site = &types->view.profile.type_sites[i];

        if (site_is_shown(types, site))
            continue;
        sites += site->has_place;
        bytecodes += site->has_place ? site->bytecodes : 0;
        unplaced += site->has_place ? 0 : site->bytecodes;
    }
    format_count(count, sites);
    format_count(hidden, bytecodes);
    format_count(without, unplaced);
    if (sites)
        fprintf(types->view.terminal.out,
                "        and %s bytecodes at %s site%s without types\n", hidden,
                count, sites == 1 ? "" : "s");
    if (unplaced)
        fprintf(types->view.terminal.out,
                "        and %s bytecodes whose place is not known\n", without);
}

static int
print_group_title(const struct types_view *types,
                  const struct type_group *group)
{
    const struct type_site *first =
        &types->view.profile.type_sites[group->first];
    const struct type_site *before = group->first ? first - 1 : NULL;
    const struct type_site *after = first + group->count;
    const bool has_twin =
        (before && before->code == first->code && before->has_code) ||
        (after < types->view.profile.type_sites +
                     types->view.profile.type_site_count &&
         after->code == first->code && after->has_code);
    char *name = first->has_code ? code_name(group_code(types, group))
                                 : strdup("[any code]");
    char bytecodes[32];

    if (!name)
        return -ENOMEM;
    format_count(bytecodes, group->bytecodes);
    terminal_print(&types->view.terminal, STYLE_HEADING, "\n%s", name);
    if (has_twin)
        fprintf(types->view.terminal.out, ", code %" PRIx64,
                group_hash(types, group));
    fprintf(types->view.terminal.out, "  %s bytecode%s, %.1f%%\n", bytecodes,
            group->bytecodes == 1 ? "" : "s",
            percent_of(group->bytecodes, types->groups.sums.bytecodes));
    free(name);
    return 0;
}

/* At most `*room` sites, of which it takes off what it shows. */
static int
print_group(const struct types_view *types, const struct columns *columns,
            const struct type_group *group, uint64_t *room)
{
    uint32_t count;
    uint32_t *order = order_sites(types, group, &count);
    int result = order ? print_group_title(types, group) : -ENOMEM;
    uint32_t i;

    for (i = 0; i < count && i < *room && !result; i++)
        result = print_site(types, columns,
                            &types->view.profile.type_sites[order[i]]);
    if (!result && i < count)
        fprintf(types->view.terminal.out,
                "        and %" PRIu32 " more sites; --limit 0 shows all\n",
                count - i);
    if (!result && !types->kinds)
        print_hidden(types, group);
    *room -= i;
    free(order);
    return result;
}

int
report_types(const struct types_view *types)
{
    struct columns columns;
    uint32_t count, i;
    uint32_t *order = order_groups(types, &count);
    uint64_t room = types->view.limit ? types->view.limit : UINT64_MAX;
    int result = order ? measure(&columns, types) : -ENOMEM;

    if (!result && count)
        print_head(types, &columns);
    for (i = 0; i < count && room && !result; i++)
        result = print_group(types, &columns, &types->groups.groups[order[i]],
                             &room);
    if (!result && i < count)
        fprintf(types->view.terminal.out,
                "\nand %" PRIu32 " more functions; --limit 0 shows all\n",
                count - i);
    if (!result && !count)
        fputs("\nNo function fits what was asked for.\n",
              types->view.terminal.out);
    free(order);
    return result;
}
