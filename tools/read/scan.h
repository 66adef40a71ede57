/* SPDX-License-Identifier: MIT */

/*
 * Counting samples in a file that is being written, a native one from its
 * headers alone. Nothing is checked: the counts are for a person who waits.
 */
#ifndef READ_SCAN_H
#define READ_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processes may write in turn. */
struct scan_session {
    uint32_t id;
    uint64_t samples; /* by its last STATS */
};

/* All zero knows nothing yet. */
struct scan {
    uint64_t offset;  /* where the next chunk or record begins */
    uint64_t entries; /* samples, and time that none was taken of */
    uint64_t events;  /* recorded ones */
    uint64_t sessions;
    uint64_t ends;    /* of sessions, in order */
    uint64_t modules; /* chunks that tell of some: there are native frames */
    bool memory;      /* in the samples of a log */

    struct scan_session *told; /* sessions that have told of samples */
    size_t told_count;
};

void
scan_free(struct scan *scan);

/* How many samples were taken; entries, until all sessions have ended. */
uint64_t
scan_samples(const struct scan *scan);

/* Go on to the end of the file. Moves no file offset. */
void
scan_file(struct scan *scan, int fd);

/* The same of a vmprof log, and whether it is one. */
void
scan_log(struct scan *scan, int fd);
bool
scan_is_log(int fd);

/* Whether the file begins as a profile does. */
bool
scan_is_profile(int fd);

#endif
