/* SPDX-License-Identifier: MIT */

/* A type profile kept for a later run: the bytes. */
#ifndef VMP_FORMAT_SAVED_TYPES_H
#define VMP_FORMAT_SAVED_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct vmp_saved_tuple {
    uint64_t hits;
    uint32_t count;
    uint32_t words[VMP_OPERANDS_MAX]; /* indexes; 0: none */
};

struct vmp_saved_site {
    uint64_t offset;
    uint32_t opcode, opname, line; /* opname: a word; 0: unknown */
    uint64_t untyped, other, typed, bytecodes;
    uint32_t tuple_count;
    size_t first_tuple;
};

struct vmp_saved_code {
    const char *name;
    uint64_t hash;
    size_t first_site, site_count;
};

/* What was read. Words, sites and tuples of all sections are in one row. */
struct vmp_saved {
    char *strings;                /* what all names point into */
    const char **words;           /* [0] is the missing type */
    struct vmp_saved_code *codes; /* in the order of the file */
    struct vmp_saved_site *sites;
    struct vmp_saved_tuple *tuples;
    size_t word_count, code_count, site_count, tuple_count;
    size_t sections; /* of that version */
};

/*
 * Read the sections of a version of the VM. Returns 0, -EBADMSG: there is
 * something else in it; or -ENOMEM. What it takes is in proportion to `size`,
 * whatever the bytes are.
 */
int
vmp_saved_read(const void *data, size_t size, const char *vm_version,
               struct vmp_saved *out);
void
vmp_saved_free(struct vmp_saved *saved);

/* A section while it is written: bytes that grow. All zero is empty. */
struct vmp_section {
    unsigned char *bytes;
    size_t size, capacity;
    bool failed; /* out of memory */
};

void
vmp_section_number(struct vmp_section *section, uint64_t value);
void
vmp_section_bytes(struct vmp_section *section, const void *bytes, size_t size);
void
vmp_section_string(struct vmp_section *section, const char *text);

/* Around what a section holds. Finish returns the size of the whole section, or
 * 0: out of memory, or over 4 GiB. */
void
vmp_section_begin(struct vmp_section *section);
size_t
vmp_section_finish(struct vmp_section *section);

#endif
