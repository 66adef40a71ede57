/* SPDX-License-Identifier: MIT */

#include "event_options.h"

#include <getopt.h>
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

static int
take_time(const char *command, const char *option, const char *argument,
          uint64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {
        { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "us", 1e3 }, { "ns", 1 },
    };
    char *end;
    const double number = strtod(argument, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != argument && strcmp(end, units[i].name) == 0 && number >= 0 &&
            number * units[i].ns < 1e18) {
            *ns = (uint64_t)(number * units[i].ns + 0.5);
            return 0;
        }
    return usage_error(command,
                       "%s is a time such as 1.5s, 20ms or 7us, not \"%s\"",
                       option, argument);
}

bool
is_filter_option(int option)
{
    return option == 'c' || option == 'k' || option == EVENT_OPTION_THREAD ||
           option == EVENT_OPTION_FROM || option == EVENT_OPTION_UNTIL;
}

int
take_filter(const char *command, struct event_filter *filter, int option)
{
    switch (option) {
    case 'c':
        filter->code = optarg;
        return 0;
    case EVENT_OPTION_THREAD:
        filter->thread = optarg;
        return 0;
    case EVENT_OPTION_FROM:
        return take_time(command, "--from", optarg, &filter->from_ns);
    case EVENT_OPTION_UNTIL:
        return take_time(command, "--until", optarg, &filter->to_ns);
    default:
        return take_events(command, "--kind", optarg, &filter->kinds);
    }
}

int
check_filter(const char *command, const struct event_filter *filter)
{
    if (filter->from_ns > filter->to_ns)
        return usage_error(command, "--from is after --until");
    return 0;
}
