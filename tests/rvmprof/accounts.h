/* SPDX-License-Identifier: MIT */

/* What libvmprof says of a session: its header cannot be taken in beside
 * rvmprof's. */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include <stdint.h>

struct accounts {
    uint64_t expirations, samples, lost, system_ticks, frames_cut;
    uint64_t lost_switching, written, sampled_ns;
    int write_error;
};

/* Of the current session, or the last. They balance when it has ended. */
struct accounts
accounts(void);

#endif
