/* SPDX-License-Identifier: MIT */

#include "event_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/event_names.h>

#include "commands.h"

enum {
    KINDS = 64,
};

/* The first name that means nothing. */
static char *
find_wrong(const char *list)
{
    uint64_t events;

    for (;;) {
        const size_t size = strcspn(list, ",");
        char *name = strndup(list, size);

        if (!name || vmprof_parse_events(name, &events) < 0 || !list[size])
            return name;
        free(name);
        list += size + 1;
    }
}

/* All that there are, in a few lines. */
static void
print_names(FILE *out)
{
    const char *between = "";
    const char *name;

    fputs("events: ", out);
    for (uint32_t kind = 0; kind < KINDS; kind++)
        if ((name = vmprof_event_name(kind)) != NULL) {
            fprintf(out, "%s%s", between, name);
            between = ", ";
        }
    fputs("\ngroups: ", out);
    for (uint64_t i = 0; (name = vmprof_event_group(i, NULL)) != NULL; i++)
        fprintf(out, "%s%s", i ? ", " : "", name);
    putc('\n', out);
}

int
take_events(const char *command, const char *option, const char *list,
            uint64_t *events)
{
    char *wrong;
    int status;

    if (!strchr(list, ';') && vmprof_parse_events(list, events) == 0)
        return 0;
    wrong = find_wrong(list);
    status = usage_error(command, "%s: there is no event \"%s\"", option,
                         wrong ? wrong : list);
    free(wrong);
    print_names(stderr);
    return status;
}
