/* SPDX-License-Identifier: MIT */

/* A profile that was read out: nothing in it changes any more. */
#ifndef VMP_INTERP_PROFILE_H
#define VMP_INTERP_PROFILE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vmprof/interp.h>

#include "../../format/encoder.h"

struct vmp_interp_class;
struct vmp_strings;

struct vmprof_type_profile {
    atomic_uint users;
    struct vmprof_type_profile_info info;
    uint64_t from_mono_ns, until_mono_ns;
    struct vmprof_type_row *rows;
    const struct vmp_interp_class *
        *classes;                     /* of each row's code; NULL: none */
    struct vmprof_type_tuple *tuples; /* those of the rows */
    struct vmp_strings *strings;
    struct vmprof_type_profile *next; /* in a queue */
};

/* Take all hits. Names that are not known are asked for if that may be done
 * here. Returns 0 or -ENOMEM; then nothing was taken. */
int
vmp_profile_take(struct vmprof_type_profile **out, bool ask_names);

/* Write its rows. Times are of a session that began at `start_ns`. */
void
vmp_profile_encode(const struct vmprof_type_profile *profile,
                   struct vmp_encoder *encoder, uint64_t start_ns);

#endif
