/* SPDX-License-Identifier: MIT */

/* What of a profile goes into a trace, by the filter of its job. */
#ifndef EXPORT_CHROME_CHOICE_H
#define EXPORT_CHROME_CHOICE_H

#include "../analyse/recorded.h"
#include "export.h"

struct chrome_choice {
    const struct event_filter *filter; /* NULL: everything */
    const struct profile *profile;
    const struct recorded_list *list;
    bool *events;       /* chosen; of what has two ends, at its beginning */
    bool *named;        /* nodes with a function that is asked for */
    bool *used;         /* nodes of samples that are chosen */
    size_t event_count; /* chosen */
    size_t samples, sample_count;
};

/* Look at all events. What has two ends is chosen if one of them is, but for its
 * time, and if it lasts into the time that is asked for. 0 or -ENOMEM. */
int
chrome_choose(struct chrome_choice *choice);
void
chrome_choice_free(struct chrome_choice *choice);

bool
chrome_has_event(const struct chrome_choice *choice, size_t index);

/* Once for each sample, before chrome_has_node(): counts it. */
bool
chrome_take_sample(struct chrome_choice *choice, uint32_t thread, uint32_t node,
                   uint64_t time_ns);

bool
chrome_has_node(const struct chrome_choice *choice, uint32_t node);
bool
chrome_has_thread(const struct chrome_choice *choice, uint32_t thread);

/* Say on stderr what was left out. */
void
chrome_choice_tell(const struct chrome_choice *choice);

#endif
