/* SPDX-License-Identifier: MIT */

#include "chrome_ids.h"

#include <errno.h>
#include <stdlib.h>

enum {
    FIRST_OWN = 1 << 30, /* above all that a kernel gives */
};

static void
find_pids(struct chrome_ids *ids, const struct profile *profile)
{
    uint64_t first_ns = UINT64_MAX;

    for (uint32_t i = 0; i < profile->session_count; i++)
        if (profile->sessions[i].monotonic_ns < first_ns)
            first_ns = profile->sessions[i].monotonic_ns;
    for (uint32_t i = 0; i < profile->session_count; i++) {
        const struct session *session = &profile->sessions[i];

        ids->pids[i] = session->pid ? session->pid : FIRST_OWN + (uint64_t)i;
        ids->starts_ns[i] = session->monotonic_ns - first_ns;
    }
}

struct order {
    const struct chrome_ids *ids;
    const struct profile *profile;
};

static int
compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By process and number, and of those by index. */
static int
compare(const void *a, const void *b, void *user)
{
    const struct order *order = user;
    const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct thread *one = &order->profile->threads[i],
                        *other = &order->profile->threads[j];
    int result = compare_numbers(order->ids->pids[one->session],
                                 order->ids->pids[other->session]);

    if (!result)
        result = compare_numbers(one->id, other->id);
    return result ? result : compare_numbers(i, j);
}

/* The kernel gives the number of a thread that has ended to another. */
static int
find_tids(struct chrome_ids *ids, const struct profile *profile)
{
    const uint32_t count = profile->thread_count;
    uint32_t *by_id = calloc((size_t)count + 1, sizeof(*by_id));
    struct order order = { ids, profile };

    if (!by_id)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        by_id[i] = i;
    qsort_r(by_id, count, sizeof(*by_id), compare, &order);
    for (uint32_t i = 0; i < count; i++) {
        const struct thread *thread = &profile->threads[by_id[i]];
        const struct thread *before =
            i ? &profile->threads[by_id[i - 1]] : NULL;
        const bool is_taken =
            before && before->id == thread->id &&
            ids->pids[before->session] == ids->pids[thread->session];

        ids->tids[by_id[i]] = thread->id && !is_taken
                                  ? thread->id
                                  : FIRST_OWN + (uint64_t)by_id[i];
    }
    free(by_id);
    return 0;
}

int
chrome_ids_find(struct chrome_ids *ids, const struct profile *profile)
{
    const size_t sessions = (size_t)profile->session_count + 1;

    ids->pids = calloc(sessions, sizeof(*ids->pids));
    ids->starts_ns = calloc(sessions, sizeof(*ids->starts_ns));
    ids->tids = calloc((size_t)profile->thread_count + 1, sizeof(*ids->tids));
    if (!ids->pids || !ids->starts_ns || !ids->tids)
        return -ENOMEM;
    find_pids(ids, profile);
    return find_tids(ids, profile);
}

void
chrome_ids_free(struct chrome_ids *ids)
{
    free(ids->pids);
    free(ids->tids);
    free(ids->starts_ns);
    *ids = (struct chrome_ids){ 0 };
}
