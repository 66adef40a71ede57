/* SPDX-License-Identifier: MIT */

/*
 * Text for people: colours, the width, and names of unknown origin, of which
 * no byte may ever act on the terminal.
 */
#ifndef REPORT_TERMINAL_H
#define REPORT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
    FILE *out;
    unsigned width; /* columns; 0: not a terminal, nothing is cut */
    bool colour;
};

enum style {
    STYLE_PLAIN,
    STYLE_HEADING,
    STYLE_HOT,
    STYLE_WARNING
};

void
terminal_open(struct terminal *terminal, FILE *out);

/* Printf in a style. What the arguments hold must be clean. */
void
terminal_print(const struct terminal *terminal, enum style style,
               const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * A name with everything that is not a visible character written as \xNN (a
 * byte that is not UTF-8, or a control character) or \u{NNNN} (what changes the
 * direction or the lines of text). To be freed; NULL: no memory.
 */
char *
clean_text(const char *name);

/* The columns that a clean text takes. */
unsigned
text_columns(const char *text);

/* Print a clean text in so many columns: what does not fit is cut, visibly. */
void
terminal_print_cell(const struct terminal *terminal, unsigned columns,
                    const char *text);

/*
 * Print a clean text, what stands `after` it (ASCII) and a newline when `column`
 * columns are taken. On a terminal the text is cut to fit, visibly.
 */
void
terminal_print_last(const struct terminal *terminal, unsigned column,
                    const char *text, const char *after);

#endif
