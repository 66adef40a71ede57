/* SPDX-License-Identifier: MIT */

/* Processes, threads and times of a profile, as a trace of all of them has them. */
#ifndef EXPORT_CHROME_IDS_H
#define EXPORT_CHROME_IDS_H

#include "../read/profile.h"

/* Zeroed, it is empty. */
struct chrome_ids {
    uint64_t *pids, *tids; /* by session, by thread */
    uint64_t *starts_ns;   /* of sessions, since the first of them */
};

/* Returns 0 or -ENOMEM. */
int
chrome_ids_find(struct chrome_ids *ids, const struct profile *profile);
void
chrome_ids_free(struct chrome_ids *ids);

/* The kernel's numbers; a number of its own for what has none, or the same as
 * another. */
static inline uint64_t
chrome_pid(const struct chrome_ids *ids, uint32_t session)
{
    return ids->pids[session];
}

static inline uint64_t
chrome_tid(const struct chrome_ids *ids, uint32_t thread)
{
    return ids->tids[thread];
}

/* Of a time since the session's start. */
static inline uint64_t
chrome_time(const struct chrome_ids *ids, uint32_t session, uint64_t time_ns)
{
    return ids->starts_ns[session] + time_ns;
}

#endif
