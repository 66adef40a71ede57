/* SPDX-License-Identifier: MIT */

/* Options that name events, of several subcommands. */
#ifndef EVENT_OPTIONS_H
#define EVENT_OPTIONS_H

#include "analyse/event_filter.h"

/* Sets the bits of a list of names and groups. Returns 0, or STATUS_USAGE when it
 * has said which name is wrong, and which there are. */
int
take_events(const char *command, const char *option, const char *list,
            uint64_t *events);

/* What getopt_long() returns of the options of a filter; short are -c and -k. */
enum {
    EVENT_OPTION_THREAD = 512,
    EVENT_OPTION_FROM,
    EVENT_OPTION_UNTIL,
};

/* Members of its array. */
#define EVENT_FILTER_OPTIONS                                                   \
    { "code", required_argument, NULL, 'c' },                                  \
        { "kind", required_argument, NULL, 'k' },                              \
        { "thread", required_argument, NULL, EVENT_OPTION_THREAD },            \
        { "from", required_argument, NULL, EVENT_OPTION_FROM },                \
    {                                                                          \
        "until", required_argument, NULL, EVENT_OPTION_UNTIL                   \
    }

bool
is_filter_option(int option);

/* One of these, from `optarg`; and at the end, whether they go together. Both
 * return 0, or STATUS_USAGE when it has said what is wrong. */
int
take_filter(const char *command, struct event_filter *filter, int option);
int
check_filter(const char *command, const struct event_filter *filter);

#endif
