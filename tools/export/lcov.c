/* SPDX-License-Identifier: MIT */

/*
 * lcov's tracefile, for genhtml and what else shows coverage: which lines have
 * run, once each, and functions of which one has; with counted calls how often
 * these were called.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../analyse/gathered.h"
#include "export.h"
#include "text.h"

struct lcov {
    const struct profile *profile;
    struct covered_line *lines;
    uint64_t *calls; /* by code; 0 of one that ran: not known */
    bool *seen;      /* codes of the file in hand */
    struct text text;
    uint32_t changed_files, changed_functions; /* names */
    FILE *out;
};

enum {
    /* Names beyond these are only counted. */
    MOST_TOLD = 8,
};

/* A line is all that a name has in a tracefile, and nothing in it is escaped. */
static void
tell_changed_file(struct lcov *l, const char *file)
{
    if (++l->changed_files > MOST_TOLD)
        return;
    fputs("vmprof: the file ", stderr);
    text_write_quoted(stderr, file);
    fputs(" is called ", stderr);
    text_write_quoted(stderr, l->text.data);
    fputs(": lcov has no way to write its name\n", stderr);
}

static void
tell_changed(const struct lcov *l)
{
    if (l->changed_files > MOST_TOLD)
        fprintf(stderr, "vmprof: so are %" PRIu32 " more files\n",
                l->changed_files - MOST_TOLD);
    if (l->changed_functions)
        fprintf(stderr,
                "vmprof: names of functions that lcov has no way to write, and "
                "that are changed: %" PRIu32 "\n",
                l->changed_functions);
}

static void
count_calls(struct lcov *l)
{
    const struct gathered *gathered = &l->profile->gathered;

    for (uint32_t i = 0; i < gathered->line_count; i++)
        if (gathered->lines[i].has_run)
            l->calls[gathered->lines[i].code] = 1;
    if (!gathered->has_calls)
        return;
    for (uint32_t i = 0; i < l->profile->code_count; i++)
        l->calls[i] = 0;
    for (uint32_t i = 0; i < gathered->call_count; i++)
        if (gathered->calls[i].caller != CALLER_ANY)
            l->calls[gathered->calls[i].callee] += gathered->calls[i].calls;
}

static int
write_function(struct lcov *l, uint32_t index)
{
    const struct code *code = &l->profile->codes[index];
    const char *function = *code->function ? code->function : "???";
    const char *name = text_clean(&l->text, function);

    if (!name)
        return -1;
    l->changed_functions += strcmp(name, function) != 0;
    fprintf(l->out, "FN:%" PRIu32 ",%s\nFNDA:%" PRIu64 ",%s\n", code->line,
            name, l->calls[index], name);
    return 0;
}

static int
write_functions(struct lcov *l, uint32_t first, uint32_t end)
{
    uint32_t count = 0, called = 0;
    int result = 0;

    for (uint32_t i = first; i < end; i++)
        l->seen[l->lines[i].code] = false;
    for (uint32_t i = first; i < end && !result; i++) {
        const uint32_t code = l->lines[i].code;

        if (l->seen[code])
            continue;
        l->seen[code] = true;
        count++;
        called += l->calls[code] != 0;
        result = write_function(l, code);
    }
    fprintf(l->out, "FNF:%" PRIu32 "\nFNH:%" PRIu32 "\n", count, called);
    return result;
}

static void
write_lines(const struct lcov *l, uint32_t first, uint32_t end)
{
    uint32_t line = 0, count = 0, run = 0;
    bool has_run = false;

    while ((line = next_line(l->lines + first, end - first, line, &has_run)) !=
           0) {
        fprintf(l->out, "DA:%" PRIu32 ",%d\n", line, has_run);
        count++;
        run += has_run;
    }
    fprintf(l->out, "LF:%" PRIu32 "\nLH:%" PRIu32 "\nend_of_record\n", count,
            run);
}

static int
write_file(struct lcov *l, uint32_t first, uint32_t end)
{
    const char *file = l->profile->codes[l->lines[first].code].file;
    const char *name;

    if (!*file)
        file = "???";
    name = text_clean(&l->text, file);
    if (!name)
        return -1;
    if (strcmp(name, file) != 0)
        tell_changed_file(l, file);
    fprintf(l->out, "TN:\nSF:%s\n", name);
    if (write_functions(l, first, end))
        return -1;
    write_lines(l, first, end);
    return 0;
}

static int
write_all(struct lcov *l)
{
    int result = 0;

    l->lines = lines_by_file(l->profile);
    l->calls = calloc((size_t)l->profile->code_count + 1, sizeof(*l->calls));
    l->seen = calloc((size_t)l->profile->code_count + 1, sizeof(*l->seen));
    if (!l->lines || !l->calls || !l->seen)
        return -1;
    count_calls(l);
    for (uint32_t i = 0, end; i < l->profile->gathered.line_count && !result;
         i = end) {
        end = end_of_file(l->profile, l->lines, i);
        result = write_file(l, i, end);
    }
    return result;
}

static int
fail_without_lines(struct export_job *job)
{
    snprintf(job->message, sizeof(job->message),
             "%s has no lines: vmprof record --tool coverage notes which ones "
             "run, of VMs that tell of events",
             job->input);
    return -1;
}

int
export_lcov(struct export_job *job)
{
    struct lcov l = { .out = job->output->file, .profile = &job->profile };
    int result = export_read(job, true, NULL, NULL);

    if (!result && !job->profile.gathered.has_lines)
        return fail_without_lines(job);
    if (!result && write_all(&l))
        result = export_out_of_memory(job);
    tell_changed(&l);
    free(l.lines);
    free(l.calls);
    free(l.seen);
    text_free(&l.text);
    return result;
}
