/* SPDX-License-Identifier: MIT */

/* vmprof events --coverage --annotate: which lines of a source have run. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gathered_view.h"
#include "source_lines.h"

/* What the profile calls the file at `path`: the one most like it. */
static const char *
find_file(const struct profile *profile, const char *path)
{
    const char *best = NULL;
    size_t most = 0;

    for (uint32_t i = 0; i < profile->gathered.line_count; i++) {
        const char *file = profile->codes[profile->gathered.lines[i].code].file;
        const size_t same = common_end(file, path);

        if (same > most) {
            most = same;
            best = file;
        }
    }
    return best;
}

static int
fail_without_file(const struct view *view, const char *path)
{
    char *profile = clean_text(view->path), *source = clean_text(path);

    fprintf(stderr,
            "vmprof: %s has no lines of %s; vmprof events --coverage says "
            "which files it has, and --source-name takes one of them\n",
            profile ? profile : "", source ? source : "");
    free(profile);
    free(source);
    return -1;
}

static int
print_lines(const struct view *view, FILE *in, const struct covered_line *lines,
            uint32_t count)
{
    uint32_t number = 0, next = 0;
    bool has_run = false;
    char *line = NULL;
    size_t room = 0;
    int result = 0;

    next = next_line(lines, count, 0, &has_run);
    while (!result && getline(&line, &room, in) >= 0) {
        char *text = clean_line(line);
        const bool is_known = ++number == next;

        result = text ? 0 : -ENOMEM;
        if (text) {
            fprintf(view->terminal.out, "%7" PRIu32 "  %c  ", number,
                    !is_known ? ' '
                    : has_run ? '+'
                              : '-');
            terminal_print_last(&view->terminal, 12, text, "");
        }
        if (is_known)
            next = next_line(lines, count, next, &has_run);
        free(text);
    }
    free(line);
    if (!result && next)
        fputs("vmprof: there are lines behind the last: is this the source "
              "that ran?\n",
              stderr);
    return result;
}

static int
print_source(const struct view *view, FILE *in, const char *file)
{
    const struct profile *profile = &view->profile;
    struct covered_line *lines = lines_by_file(profile);
    int result = lines ? 0 : -ENOMEM;

    for (uint32_t i = 0, end; i < profile->gathered.line_count && !result;
         i = end) {
        end = end_of_file(profile, lines, i);
        if (strcmp(profile->codes[lines[i].code].file, file) == 0)
            result = print_lines(view, in, lines + i, end - i);
    }
    free(lines);
    return result;
}

int
report_coverage_source(const struct view *view, const char *path,
                       const char *source_name)
{
    const char *file =
        find_file(&view->profile, source_name ? source_name : path);
    FILE *in;
    int result;

    if (!file || (source_name && strcmp(file, source_name) != 0))
        return fail_without_file(view, source_name ? source_name : path);
    in = fopen(path, "r");
    if (!in) {
        fprintf(stderr, "vmprof: %s cannot be read: %s\n", path,
                strerror(errno));
        return -1;
    }
    result = print_source(view, in, file);
    fclose(in);
    return result;
}
