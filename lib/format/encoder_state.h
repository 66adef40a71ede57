/* SPDX-License-Identifier: MIT */

/* What the files of the encoder share, and they alone. */
#ifndef VMP_ENCODER_STATE_H
#define VMP_ENCODER_STATE_H

#include "../intern.h"
#include "chunk.h"
#include "encoder.h"
#include "varint.h"

enum {
    VMP_HEAD_MAX = 6 * VMP_VARINT_MAX, /* what stands before a list */
};

/* Definitions or samples that are yet to be written: entries `first` and up. */
struct vmp_pending {
    uint32_t first, count;
    size_t used;
    unsigned char bytes[VMP_CHUNK_MAX_PAYLOAD - VMP_HEAD_MAX];
};

struct vmp_sample {
    uint64_t time_ns, weight_ns;
    uint32_t node, phase, state;
    bool is_gap;
};

/*
 * What a format makes of all this. Definitions come once each, numbered from 0
 * in the order in which they come, and before what uses them.
 */
struct vmp_encoding {
    int (*open)(struct vmp_encoder *encoder,
                const struct vmp_session_info *info);
    void (*code)(struct vmp_encoder *encoder, uint64_t id, char *name,
                 size_t size);
    void (*frame)(struct vmp_encoder *encoder, uint64_t code,
                  const struct vmp_place *place);
    void (*address)(struct vmp_encoder *encoder, uint32_t module,
                    uint64_t address);
    uint32_t (*module)(struct vmp_encoder *encoder,
                       const struct vmp_module_info *info);
    void (*node)(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame);
    int (*thread)(struct vmp_encoder *encoder, uint32_t index,
                  const struct vmp_thread_info *info);
    void (*memory)(struct vmp_encoder *encoder, uint64_t memory_kb);
    void (*begin)(struct vmp_encoder *encoder);
    int (*sample)(struct vmp_encoder *encoder, const struct vmp_sample *sample);
    int (*finish)(struct vmp_encoder *encoder);
    int (*stats)(struct vmp_encoder *encoder, uint64_t time_ns,
                 const struct vmp_counters *counters);
    int (*end)(struct vmp_encoder *encoder, uint64_t time_ns);
    /* The open chunk is done. A format without chunks passes over it. */
    int (*chunk)(struct vmp_encoder *encoder, enum vmp_chunk_type type);
    void (*free)(struct vmp_encoder *encoder);
};

struct vmp_encoder {
    const struct vmp_encoding *encoding;
    vmp_sink_function sink;
    vmp_name_of_function name_of;
    void *user;
    uint32_t session, number;
    uint64_t unit_ns;
    uint64_t cpu_rest_ns; /* of the threads' CPU time: less than a unit */

    struct vmp_intern codes; /* (id, 0) */
    struct vmp_intern keys;  /* (code and kind, key) → frame_of_key */
    uint32_t *frame_of_key;
    uint32_t frame_of_key_size;
    struct vmp_intern places; /* (offset, line) */
    struct vmp_intern frames; /* (code and kind, place + 1, or 0 for none), and
                                 (module and kind, address) */
    uint32_t addresses_of_no_module;
    struct vmp_intern nodes; /* (parent, frame) */

    struct vmp_intern words; /* (what it names, id) */

    struct vmp_pending new_modules, new_codes, new_frames, new_nodes, samples;
    struct vmp_pending new_words, sites;
    unsigned char sites_head[4 * VMP_VARINT_MAX]; /* of each chunk of them */
    size_t sites_head_size;
    struct vmp_pending traces, counts;
    uint64_t counts_time;
    uint32_t counts_id;      /* the last */
    struct vmp_pending rows; /* of a layer */
    const struct vmp_rows_kind *rows_kind;
    unsigned char rows_head[4 * VMP_VARINT_MAX]; /* of each chunk of them */
    size_t rows_head_size;
    uint64_t rows_time;
    bool rows_are_lossy;
    struct vmp_stream *stream;
    uint64_t samples_from;       /* the start time of the open SAMPLES chunk */
    uint32_t phase, state;       /* of the last sample in it */
    uint32_t gaps;               /* in it */
    uint64_t written, unwritten; /* samples */

    struct vmp_chunk chunk;
};

static inline void
vmp_pending_put(struct vmp_pending *pending, uint64_t value)
{
    unsigned char *const at = pending->bytes + pending->used;

    pending->used += (size_t)(vmp_put_varint(at, value) - at);
}

static inline bool
vmp_pending_fits(const struct vmp_pending *pending, size_t size)
{
    return sizeof(pending->bytes) - pending->used >= size;
}

/* Write out all definitions there are, in chunks of their own. */
int
vmp_encoder_send_definitions(struct vmp_encoder *encoder);

/* Write out one list as a chunk of its own, if there is anything in it. */
int
vmp_encoder_send_list(struct vmp_encoder *encoder, struct vmp_pending *list,
                      enum vmp_chunk_type type);

/* The same also if there is nothing in it. */
int
vmp_encoder_send_payload(struct vmp_encoder *encoder, struct vmp_pending *list,
                         enum vmp_chunk_type type);

/* What the native format makes of definitions. */
void
vmp_native_code(struct vmp_encoder *encoder, uint64_t id, char *name,
                size_t size);
void
vmp_native_frame(struct vmp_encoder *encoder, uint64_t code,
                 const struct vmp_place *place);
void
vmp_native_address(struct vmp_encoder *encoder, uint32_t module,
                   uint64_t address);
uint32_t
vmp_native_module(struct vmp_encoder *encoder,
                  const struct vmp_module_info *info);
void
vmp_native_node(struct vmp_encoder *encoder, uint32_t parent, uint32_t frame);

/* The same of one whose name can be asked for. Returns 0 or -ENOMEM. */
int
vmp_encoder_define_code(struct vmp_encoder *encoder, uint64_t id);

/* Have a code's name written before what is written next, unless it has been.
 * 0 is no code. */
int
vmp_encoder_code(struct vmp_encoder *encoder, uint64_t id, const char *name);

#endif
