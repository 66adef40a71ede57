/* SPDX-License-Identifier: MIT */

/*
 * A thread's buffer of records between whoever samples it (one producer at a
 * time) and the writer (the consumer). Reserving and committing are for signal
 * context; they live in signal/ring.c.
 */
#ifndef VMP_RING_H
#define VMP_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <vmprof/vmprof.h>

enum vmp_record_type {
    VMP_RECORD_SKIP = 0,   /* nothing up to the end of the buffer */
    VMP_RECORD_SAMPLE = 1, /* followed by `added` struct vmp_sampled_frame */
    VMP_RECORD_WALKED = 2, /* by `added` struct vmprof_walked_frame, keep 0 */
    VMP_RECORD_GAP = 3,    /* by at most one struct vmp_sampled_frame; the next
                              record repeats frames of the one before it */
    VMP_RECORD_LINKED = 4, /* by `added` struct vmprof_linked_frame, keep 0 */
    VMP_RECORD_SYSTEM = 5, /* as a sample, of a thread that was in the kernel */
};

/* What follows the frames of a sample, in this order; see native.h. */
enum vmp_record_part {
    VMP_PART_PLACES = 1, /* a uint64_t for each */
    VMP_PART_COPY = 2,   /* struct vmp_native_copy */
    VMP_PART_CHAIN = 4,  /* struct vmp_native_chain */
};

/* Only inside the process: bytes of a file come from format/. */
struct vmp_record {
    uint32_t size; /* with what follows; a multiple of 8 */
    uint8_t type, phase, state;
    union {
        uint8_t kind;  /* VMP_RECORD_GAP: of the frame that it ends in */
        uint8_t parts; /* else: enum vmp_record_part */
    };
    uint64_t time_ns;   /* on CLOCK_MONOTONIC */
    uint64_t weight_ns; /* what the sample stands for */
    uint32_t keep;      /* outer frames that are the last record's */
    uint32_t added;     /* frames that follow, outermost first */
    uint64_t cut;       /* outer frames left out */
    uint64_t memory_kb; /* of a sample, if the session wants it; 0: unknown */
    uint64_t trace;     /* of a sample: that ran. Its id, or 0; with
                           VMP_RUNS_AT the offset of the instruction above */
};

#define VMP_RUNS_AT ((uint64_t)1 << 31)

enum {
    VMP_RUNS_AT_SHIFT = 32,
};

/* A frame in a record. */
struct vmp_sampled_frame {
    uint64_t code; /* as in vmprof_frame, and VMP_HAS_POSITION */
    uint64_t position;
};

#define VMP_HAS_POSITION ((uint64_t)1 << 63)

enum {
    VMP_KIND_SHIFT = 56, /* above a code's id, in the same word */
};

#define VMP_CODE_ID_MASK (((uint64_t)1 << VMP_KIND_SHIFT) - 1)

/* That word; code as such is of kind 0. */
static inline uint64_t
vmp_code_and_kind(vmprof_code_id code, uint32_t kind)
{
    const uint64_t id = code & VMP_CODE_ID_MASK;

    return kind == VMPROF_KIND_CODE
               ? id
               : id | (uint64_t)(kind & 15) << VMP_KIND_SHIFT;
}

struct vmp_ring {
    unsigned char *data;
    size_t size; /* a power of two */
    size_t more; /* bytes behind it, for whoever made it */
    /* Bytes ever committed and consumed. */
    _Alignas(64) atomic_size_t head;
    _Alignas(64) atomic_size_t tail;
};

/* With `more` bytes behind it. Those that held little are left to the next ring
 * of that size. Returns 0 or -ENOMEM. */
int
vmp_ring_new(struct vmp_ring *ring, size_t size, size_t more);
void
vmp_ring_free(struct vmp_ring *ring);

/* Keep none that are free. */
void
vmp_rings_drop(void);

/*
 * Room for a record of `size` bytes, a multiple of 8 and at most a quarter of
 * the ring; NULL if there is none now. Nothing is visible before the commit.
 */
struct vmp_record *
vmp_ring_reserve(struct vmp_ring *ring, size_t size);
void
vmp_ring_commit(struct vmp_ring *ring, const struct vmp_record *record);

/* The oldest record, or NULL; and being done with it. */
const struct vmp_record *
vmp_ring_peek(struct vmp_ring *ring);
void
vmp_ring_consume(struct vmp_ring *ring, const struct vmp_record *record);

#endif
