/* SPDX-License-Identifier: MIT */

/* A vmprof log while it is written. */
#ifndef EXPORT_VMPROF_LOG_H
#define EXPORT_VMPROF_LOG_H

#include "export.h"
#include "format/encoder.h"
#include "vmprof_log_losses.h"

struct run {
    uint32_t node, thread;
    uint32_t count;
    uint8_t state;
    uint64_t weight_ns; /* of each */
    uint64_t memory_kb;
};

struct runs {
    struct run *rows;
    size_t count, room;
};

struct writing {
    struct export_job *job;
    struct runs *sessions;
    uint32_t session_count;
    struct log_losses losses;
    /* Of the session at hand. */
    struct vmp_encoder *encoder;
    uint32_t *nodes;  /* the encoder's, by the profile's; 0: not yet */
    uint32_t *frames; /* the same, plus 1 */
    struct vmp_stream *streams;
    /* Of all. */
    uint64_t *starts; /* of functions of machine code, by code */
};

/* What the encoder asks for: the name of a code, and of an address. `user` is a
 * struct writing. */
size_t
log_name_of(void *user, uint64_t id, char *buffer);
void
log_symbol_of(void *user, const struct vmp_module_info *module,
              uint64_t address, struct vmp_symbol *out);

/* Where functions of machine code begin, as far as their samples tell. Returns 0
 * or -ENOMEM. */
int
log_find_starts(struct writing *writing);

/* The encoder's node of one of the profile's, or a negative errno. */
int64_t
log_find_node(struct writing *writing, uint32_t index);

#endif
