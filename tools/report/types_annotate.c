/* SPDX-License-Identifier: MIT */

/* vmprof types --annotate: lines of the source, their sites beside them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source_lines.h"
#include "types_view.h"

enum {
    WIDEST_SOURCE = 60, /* columns; sites of a longer line come below it */
    NARROWEST_SOURCE = 24,
    MOST_FILES = 8, /* named when none fits */
};

/* What is printed beside one line. */
struct note {
    uint32_t line;
    uint32_t site; /* its index */
};

struct source {
    const struct types_view *types;
    const char *file; /* as the profile calls it */
    struct note *notes;
    uint32_t count, next;
    unsigned width, number_width; /* of the text, of counts */
    FILE *in;
};

/* The file of the profile that is most like `path`, or NULL. */
static const char *
find_file(const struct types_view *types, const char *path)
{
    const char *best = NULL;
    size_t most = 0;

    for (uint32_t i = 0; i < types->groups.count; i++) {
        const char *file = group_code(types, &types->groups.groups[i])->file;
        const size_t same = common_end(file, path);

        if (same > most) {
            most = same;
            best = file;
        }
    }
    return best;
}

static bool
is_named_before(const struct types_view *types, uint32_t index)
{
    const char *file = group_code(types, &types->groups.groups[index])->file;

    for (uint32_t i = 0; i < index; i++)
        if (group_code(types, &types->groups.groups[i])->file == file)
            return true;
    return false;
}

static int
fail_without_file(const struct types_view *types, const char *path)
{
    char *profile = clean_text(types->view.path), *source = clean_text(path);
    uint32_t named = 0;

    fprintf(stderr, "vmprof: %s has no types of %s; it has those of",
            profile ? profile : "", source ? source : "");
    free(profile);
    free(source);
    for (uint32_t i = 0; i < types->groups.count && named < MOST_FILES; i++) {
        char *file =
            clean_text(group_code(types, &types->groups.groups[i])->file);

        if (file && *file && !is_named_before(types, i))
            fprintf(stderr, "%s %s", named++ ? "," : "", file);
        free(file);
    }
    fputs(named ? "; see --source-name\n" : " no file that is known\n", stderr);
    return -1;
}

static int
compare_notes(const void *a, const void *b)
{
    const struct note *left = a, *right = b;

    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->site < right->site ? -1 : left->site > right->site;
}

static int
find_notes(struct source *source)
{
    const struct types_view *types = source->types;
    const struct profile *profile = &types->view.profile;

    source->notes =
        calloc((size_t)profile->type_site_count + 1, sizeof(*source->notes));
    if (!source->notes)
        return -ENOMEM;
    for (uint32_t i = 0; i < types->groups.count; i++) {
        const struct type_group *group = &types->groups.groups[i];

        if (group_code(types, group)->file != source->file ||
            !group_is_shown(types, group))
            continue;
        for (uint32_t j = group->first; j < group->first + group->count; j++)
            if (profile->type_sites[j].line)
                source->notes[source->count++] =
                    (struct note){ profile->type_sites[j].line, j };
    }
    qsort(source->notes, source->count, sizeof(*source->notes), compare_notes);
    return 0;
}

static uint64_t
bytecodes_of_line(const struct source *source, uint32_t line)
{
    uint64_t sum = 0;

    for (uint32_t i = source->next;
         i < source->count && source->notes[i].line == line; i++)
        sum += source->types->view.profile.type_sites[source->notes[i].site]
                   .bytecodes;
    return sum;
}

/* What stands left of the types. Alone, it may take the whole line. */
static void
print_text(const struct source *source, uint64_t bytecodes, uint32_t line,
           const char *text, bool alone)
{
    const struct terminal *terminal = &source->types->view.terminal;
    char count[32] = "", number[16] = "";

    if (bytecodes)
        format_count(count, bytecodes);
    if (line)
        snprintf(number, sizeof(number), "%" PRIu32, line);
    fprintf(terminal->out, "%*s  %5s  ", (int)source->number_width, count,
            number);
    if (alone)
        terminal_print_last(terminal, source->number_width + 9, text, "");
    else
        fprintf(terminal->out, "%s%*s  ", text,
                (int)(source->width - text_columns(text)), "");
}

static int
print_note(const struct source *source, const struct note *note)
{
    const struct types_view *types = source->types;
    const struct type_site *site = &types->view.profile.type_sites[note->site];
    char *opcode = opcode_title(site), *about = NULL;
    char *text = site_types(&types->view.profile, site);

    if (opcode && text &&
        asprintf(&about, "%s %s%s%s", opcode,
                 site_kind_short(
                     site_kind(&types->view.profile, site, &types->rule)),
                 *text ? "  " : "", text) < 0)
        about = NULL;
    if (about)
        terminal_print_last(&types->view.terminal,
                            source->number_width + source->width + 11, about,
                            "");
    free(opcode);
    free(text);
    free(about);
    return about ? 0 : -ENOMEM;
}

/* A line and what is beside it; also one that the file does not have. */
static int
print_line(struct source *source, uint32_t line, const char *text)
{
    const uint64_t bytecodes = bytecodes_of_line(source, line);
    bool is_first = true;
    int result = 0;

    for (; source->next < source->count && !result &&
           source->notes[source->next].line == line;
         source->next++) {
        const struct note *note = &source->notes[source->next];

        if (!site_is_shown(source->types,
                           &source->types->view.profile.type_sites[note->site]))
            continue;
        if (is_first && text_columns(text) > source->width) {
            print_text(source, bytecodes, line, text, true);
            is_first = false;
        }
        print_text(source, is_first ? bytecodes : 0, is_first ? line : 0,
                   is_first ? text : "", false);
        result = print_note(source, note);
        is_first = false;
    }
    if (is_first)
        print_text(source, bytecodes, line, text, true);
    return result;
}

static int
print_lines(struct source *source)
{
    char *line = NULL;
    size_t room = 0;
    uint32_t number = 0;
    int result = 0;

    while (!result && getline(&line, &room, source->in) >= 0) {
        char *text = clean_line(line);

        result = text ? print_line(source, ++number, text) : -ENOMEM;
        free(text);
    }
    free(line);
    if (!result && source->next < source->count)
        fprintf(stderr,
                "vmprof: %" PRIu32 " sites are on lines behind the last: is "
                "this the source that ran?\n",
                source->count - source->next);
    return result;
}

/* As wide as the longest line that has types, within limits. */
static int
measure(struct source *source)
{
    const unsigned terminal = source->types->view.terminal.width;
    unsigned widest = WIDEST_SOURCE;
    char *line = NULL, count[32];
    size_t room = 0;
    bool done = true;

    if (terminal && terminal / 2 < widest)
        widest = terminal / 2;
    if (widest < NARROWEST_SOURCE)
        widest = NARROWEST_SOURCE;
    source->width = NARROWEST_SOURCE;
    while (done && getline(&line, &room, source->in) >= 0) {
        char *text = clean_line(line);
        const unsigned columns = text ? text_columns(text) : 0;

        if (columns <= widest && columns > source->width)
            source->width = columns;
        done = text != NULL;
        free(text);
    }
    free(line);
    rewind(source->in);
    format_count(count, source->types->groups.sums.bytecodes);
    source->number_width = (unsigned)strlen(count);
    if (source->number_width < sizeof("Bytecodes") - 1)
        source->number_width = sizeof("Bytecodes") - 1;
    return done ? 0 : -ENOMEM;
}

static int
print_source(struct source *source)
{
    const struct terminal *terminal = &source->types->view.terminal;
    int result = find_notes(source);

    if (!result)
        result = measure(source);
    if (!result) {
        terminal_print(terminal, STYLE_HEADING, "\n%*s  %5s  %-*s  %s\n",
                       (int)source->number_width, "Bytecodes", "Line",
                       (int)source->width, "Source", "Types");
        result = print_lines(source);
    }
    free(source->notes);
    return result;
}

/* The text that the profile has, wherever it is in the tables. */
static const char *
find_named(const struct types_view *types, const char *name)
{
    for (uint32_t i = 0; i < types->groups.count; i++) {
        const char *file = group_code(types, &types->groups.groups[i])->file;

        if (strcmp(file, name) == 0)
            return file;
    }
    return NULL;
}

/* It is read twice, so it has to be a file; a device may have no end. */
static FILE *
open_source(const char *path)
{
    struct stat status;
    FILE *in = NULL;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        fprintf(stderr,
                "vmprof: %s is not a file, and --annotate needs one; see "
                "--source-name\n",
                path);
        return NULL;
    }
    in = fopen(path, "r");
    if (!in)
        fprintf(stderr, "vmprof: %s cannot be read: %s\n", path,
                strerror(errno));
    return in;
}

int
report_types_source(const struct types_view *types, const char *path,
                    const char *file)
{
    struct source source = {
        .types = types,
        .file = file ? find_named(types, file) : find_file(types, path),
    };
    int result;

    if (!source.file)
        return fail_without_file(types, file ? file : path);
    source.in = open_source(path);
    if (!source.in)
        return -1;
    result = print_source(&source);
    fclose(source.in);
    return result;
}
