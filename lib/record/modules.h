/* SPDX-License-Identifier: MIT */

/*
 * What code is mapped where. Taken from /proc/self/maps and from the mapped
 * headers, so without a lock that the dynamic loader also takes. The writer's
 * alone.
 */
#ifndef VMP_MODULES_H
#define VMP_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps.h"
#include "reader.h"

enum {
    VMP_BUILD_ID_MAX = 64,
};

/* One executable mapping. */
struct vmp_module {
    uint64_t start, end, offset;
    uint64_t device, inode; /* 0: not of a file */
    uint64_t image;         /* where its ELF header is; 0: nowhere */
    uint64_t bias;          /* address here less that in the ELF file */
    uint64_t unwind_table;  /* the address of .eh_frame_hdr; 0: none */
    unsigned char build_id[VMP_BUILD_ID_MAX];
    size_t build_id_size;
    uint32_t id;    /* never used for another; 0: anonymous memory */
    uint32_t index; /* in the file; 0: not yet written */
    uint64_t first_ns, last_ns; /* when it was seen first and last */
    bool is_contested;          /* something else was there a moment ago */
    char *path;
};

/* All zero is empty. */
struct vmp_modules {
    struct vmp_module *live; /* by address */
    size_t live_count;
    struct vmp_module *gone; /* of this round and the one before */
    unsigned *gone_in;       /* the round, of each */
    size_t gone_count;
    unsigned round;
    uint64_t version; /* of what files are mapped as code */
    uint32_t last_id;
    uint64_t begun_ns, read_ns, refreshed_ns; /* of the last look */
    uint64_t cost_ns;                         /* CPU time that it took */
    uint64_t sample_ns; /* the time that questions are about */
    struct vmp_maps maps;
};

/* Samples of another round follow: modules may have come and gone since. */
void
vmp_modules_begin(struct vmp_modules *modules);

/*
 * Questions are about that time from now on. If it is later than the last look,
 * look again, unless that takes too much of the time: one object may have taken
 * the place of another.
 */
void
vmp_modules_turn_to(struct vmp_modules *modules, struct vmp_reader *reader,
                    uint64_t sample_ns);

/*
 * What was mapped at `address` at the time of the sample; NULL if that is no
 * code, or if it came between two looks where something else had been. Good
 * until the next turn.
 */
struct vmp_module *
vmp_modules_find(struct vmp_modules *modules, uint64_t address);

void
vmp_modules_free(struct vmp_modules *modules);

#endif
