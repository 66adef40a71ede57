/* SPDX-License-Identifier: MIT */

/* Which of the recorded events are asked for. */
#ifndef ANALYSE_EVENT_FILTER_H
#define ANALYSE_EVENT_FILTER_H

#include "../read/profile.h"

struct event_filter {
    const char *code;   /* a pattern of functions; NULL: all */
    const char *thread; /* a name or a number; NULL: all */
    uint64_t kinds;     /* bits */
    uint64_t from_ns, to_ns;
};

/* Lets everything through. */
#define EVENT_FILTER_ALL                                                       \
    {                                                                          \
        .kinds = UINT64_MAX, .to_ns = UINT64_MAX                               \
    }

/* Whether a thread that is asked for is there; else -1 and a sentence about the
 * file at `path` in `message`. */
int
event_filter_check(const struct event_filter *filter,
                   const struct profile *profile, const char *path,
                   char *message, size_t message_size);

/* The thread, by its index, and a function that is named. */
bool
event_filter_has_thread(const struct event_filter *filter,
                        const struct profile *profile, uint32_t thread);
bool
event_filter_has_code(const struct event_filter *filter,
                      const struct profile *profile, uint32_t code);

/* All of it. */
bool
event_filter_shows(const struct event_filter *filter,
                   const struct profile *profile,
                   const struct recorded_event *event);

/* All but the time. */
bool
event_filter_shows_sometime(const struct event_filter *filter,
                            const struct profile *profile,
                            const struct recorded_event *event);

#endif
