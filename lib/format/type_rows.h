/* SPDX-License-Identifier: MIT */

/*
 * The rows of a type profile as lines of JSON, doc/format.md. What the library
 * and the command write is the same because both write it here.
 */
#ifndef VMP_FORMAT_TYPE_ROWS_H
#define VMP_FORMAT_TYPE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns 0, or a negative errno, which ends the writing. */
typedef int (*vmp_rows_write_function)(void *user, const void *data,
                                       size_t size);

/* Where the rows are from. NULL: left out. */
struct vmp_rows_origin {
    const char *host, *service, *version;
};

struct vmp_rows_code {
    const char *function, *file; /* NULL or "": left out */
    uint32_t line;               /* where it begins; 0: left out */
    uint64_t hash;               /* 0: left out */
};

struct vmp_rows_tuple {
    uint64_t hits;
    const char *const *types; /* the deepest operand's first */
    uint32_t count;
};

struct vmp_rows_site {
    const char *opcode_name; /* NULL or "": the number stands for it */
    uint32_t opcode;
    uint32_t line; /* 0: left out */
    uint64_t offset;
    uint64_t other, untyped;
    uint64_t bytecodes; /* that all hits stand for */
    const struct vmp_rows_tuple *tuples;
    uint32_t tuple_count;
};

struct vmp_rows {
    vmp_rows_write_function write;
    void *user;
    struct vmp_rows_origin origin;
    struct vmp_rows_code code;
    uint64_t untyped, untyped_bytecodes; /* of the code */
    int error;
    size_t used;
    char buffer[4096];
};

/* What `origin` points to has to stay until the end. */
void
vmp_rows_begin(struct vmp_rows *rows, const struct vmp_rows_origin *origin,
               vmp_rows_write_function write, void *user);

/*
 * The sites that follow are of this code, whose texts have to stay until the
 * next one. One that is zeroed stands for hits of no code that is known.
 */
void
vmp_rows_code(struct vmp_rows *rows, const struct vmp_rows_code *code);

void
vmp_rows_site(struct vmp_rows *rows, const struct vmp_rows_site *site);

/* Hits of the code that have no place. */
void
vmp_rows_unplaced(struct vmp_rows *rows, uint64_t hits, uint64_t bytecodes);

/* Write what is left. Returns 0, or what the first failing write returned. */
int
vmp_rows_end(struct vmp_rows *rows);

/*
 * The bytecodes that `part` of `hits` stand for, if all of them stand for
 * `bytecodes`; rounded down.
 */
uint64_t
vmp_scale_hits(uint64_t bytecodes, uint64_t part, uint64_t hits);

#endif
