/* SPDX-License-Identifier: MIT */

#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../export/text.h"

enum {
    LONGEST_LINE = 300, /* bytes of it that are shown */
    MOST_LINES = 20000, /* of all files */
};

static int
compare(const void *a, const void *b)
{
    const struct trace_place *const x = *(const struct trace_place *const *)a,
                                    *const y =
                                        *(const struct trace_place *const *)b;
    const int order = strcmp(x->file, y->file);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Places with a line, by file and line. NULL without memory. */
static const struct trace_place **
sort_places(const struct traces *traces, size_t *count)
{
    const struct trace_place **const sorted =
        calloc((size_t)traces->place_count + 1, sizeof(const void *));

    *count = 0;
    for (uint32_t i = 1; sorted && i < traces->place_count; i++)
        if (*traces->places[i].file && traces->places[i].line)
            sorted[(*count)++] = &traces->places[i];
    if (sorted)
        qsort(sorted, *count, sizeof(*sorted), compare);
    return sorted;
}

/* The real path of a file if it lies below a directory; else NULL and errno. */
static char *
find_below(const char *directory, const char *file)
{
    char *root = realpath(directory, NULL), *joined = NULL, *path = NULL;
    const size_t length = root ? strlen(root) : 0;

    if (root &&
        asprintf(&joined, "%s/%s", *file == '/' ? "" : root, file) >= 0) {
        path = realpath(joined, NULL);
        if (path && (strncmp(path, root, length) || path[length] != '/')) {
            free(path);
            path = NULL;
            errno = EXDEV;
        }
        free(joined);
    }
    free(root);
    return path;
}

/* A plain file: reading a pipe could wait for ever. */
static FILE *
open_below(const char *directory, const char *file)
{
    char *const path = find_below(directory, file);
    const int fd = path ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    struct stat status;

    free(path);
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return fdopen(fd, "r");
    if (fd >= 0) {
        close(fd);
        errno = EINVAL;
    }
    return NULL;
}

static void
tell_missing(const char *directory, const char *file)
{
    const char *const why =
        errno == EXDEV ? "it does not lie there" : strerror(errno);
    struct text clean = { 0 };

    fprintf(stderr, "vmprof: the source %s is not shown: below %s: %s\n",
            text_clean(&clean, file) ? clean.data : "?", directory, why);
    text_free(&clean);
}

/* The lines of one file that its places have. */
static void
write_lines(FILE *in, const struct trace_place *const *places, size_t count,
            FILE *out)
{
    char *line = NULL;
    size_t room = 0, next = 0;
    uint32_t written = 0;
    ssize_t length;

    for (uint32_t number = 1; next < count && written < MOST_LINES &&
                              (length = getline(&line, &room, in)) >= 0;
         number++) {
        if (places[next]->line != number)
            continue;
        line[strcspn(line, "\r\n")] = 0;
        if (length > LONGEST_LINE)
            line[LONGEST_LINE] = 0;
        for (char *tab = line; (tab = strchr(tab, '\t'));)
            *tab = ' ';
        fprintf(out, "%s\"%" PRIu32 "\":", written++ ? "," : "", number);
        text_write_json(out, line);
        while (next < count && places[next]->line == number)
            next++;
    }
    free(line);
}

int
write_source(const struct traces *traces, const char *directory, FILE *out)
{
    size_t count, end;
    const struct trace_place **const places = sort_places(traces, &count);
    bool is_first = true;

    if (!places)
        return -ENOMEM;
    fputs(",\n\"source\":{", out);
    for (size_t i = 0; i < count; i = end) {
        FILE *in = open_below(directory, places[i]->file);

        for (end = i;
             end < count && strcmp(places[end]->file, places[i]->file) == 0;)
            end++;
        if (!in) {
            tell_missing(directory, places[i]->file);
            continue;
        }
        if (!is_first)
            putc(',', out);
        is_first = false;
        text_write_json(out, places[i]->file);
        fputs(":{", out);
        write_lines(in, places + i, end - i, out);
        putc('}', out);
        fclose(in);
    }
    putc('}', out);
    free(places);
    return 0;
}
