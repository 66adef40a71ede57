/* SPDX-License-Identifier: MIT */

#include "names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/terminal.h"
#include "symbols/symbols.h"

enum {
    /* Files beyond these are only counted. */
    MOST_NOTES = 8,
};

int
names_open(struct names *names, bool no_native)
{
    *names = (struct names){
        .options = { .no_native = no_native,
                     .show_progress = true,
                     .summed = true },
    };
    if (no_native)
        return 0;
    names->symbols = symbols_open();
    if (!names->symbols)
        return -ENOMEM;
    names->symboliser = (struct symboliser){ symbols_find, names->symbols };
    names->options.symboliser = &names->symboliser;
    return 0;
}

static void
print_note(const char *path, const char *reason)
{
    char *clean = clean_text(path);

    if (clean)
        fprintf(stderr, "vmprof: no names from %s: it %s\n", clean, reason);
    free(clean);
}

void
names_tell(struct names *names)
{
    unsigned count = 0;
    const char *path, *reason;

    if (!names->symbols)
        return;
    symbols_done(names->symbols);
    while ((path = symbols_note(names->symbols, count, &reason)) != NULL)
        if (count++ < MOST_NOTES)
            print_note(path, reason);
    if (count > MOST_NOTES)
        fprintf(stderr, "vmprof: nor from %u more files\n", count - MOST_NOTES);
}

void
names_close(struct names *names)
{
    symbols_close(names->symbols);
    *names = (struct names){ 0 };
}
