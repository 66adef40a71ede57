/* SPDX-License-Identifier: MIT */

/* What of a profile a vmprof log has no place for. */
#ifndef EXPORT_VMPROF_LOG_LOSSES_H
#define EXPORT_VMPROF_LOG_LOSSES_H

#include "../read/profile.h"

/* Zeroed at first. */
struct log_losses {
    uint32_t phases;       /* bits: those that no kind of frame tells */
    uint64_t states;       /* samples of which something else is known */
    uint64_t unsampled_ns; /* CPU time */
    /* Found at the end. */
    bool is_log;    /* that is what was read */
    bool has_lines; /* they are kept, and compiled code is not */
    uint64_t machine_code, compiled, kinds, lines, offsets; /* frames */
};

/* Sample `i` of a batch. */
void
losses_see(struct log_losses *losses, const struct profile *profile,
           const struct batch *batch, uint32_t i);

/* All is read. Lines are kept if they are wanted, or if there are some and no
 * compiled code. */
void
losses_find(struct log_losses *losses, const struct profile *profile,
            bool lines_wanted);

/* In one sentence on stderr; nothing if nothing is lost. */
void
losses_tell(const struct log_losses *losses, const struct profile *profile);

#endif
