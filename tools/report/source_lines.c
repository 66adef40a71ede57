/* SPDX-License-Identifier: MIT */

#include "source_lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"

enum {
    TAB = 8,
};

size_t
common_end(const char *a, const char *b)
{
    size_t left = strlen(a), right = strlen(b), same = 0, whole = 0;

    while (left && right && a[left - 1] == b[right - 1]) {
        left--;
        right--;
        same++;
        if ((!left || a[left - 1] == '/') && (!right || b[right - 1] == '/'))
            whole = same;
    }
    return whole;
}

/* A carriage return elsewhere is a byte of the line. */
static bool
is_line_end(const char *text)
{
    return strcmp(text, "\n") == 0 || strcmp(text, "\r\n") == 0;
}

char *
clean_line(const char *line)
{
    char *text = NULL, *clean;
    size_t size = 0, column = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (; *line && !is_line_end(line); line++) {
        if (*line == '\t')
            column +=
                (size_t)fprintf(out, "%*s", (int)(TAB - column % TAB), "");
        else
            column += putc(*line, out) != EOF;
    }
    clean = fclose(out) == 0 ? clean_text(text) : NULL;
    free(text);
    return clean;
}
