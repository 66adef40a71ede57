/* SPDX-License-Identifier: MIT */

/*
 * How a reader sums up the rows of bytecodes and types: each site and each
 * tuple of types at it once, whatever the number of read-outs.
 */
#ifndef READ_TYPE_TABLE_H
#define READ_TYPE_TABLE_H

#include "intern.h"
#include "profile.h"

/* What it takes to find them. All zero is an empty one. */
struct type_table {
    struct vmp_intern codes;  /* (code, hash); or, unnamed, (session, id) */
    struct vmp_intern places; /* code of these, offset */
    struct vmp_intern sites;  /* place of these, (opcode, has a place) */
    struct vmp_intern lists;  /* list without its last word, that */
    struct vmp_intern tuples; /* site, list */
    struct vmp_intern words;  /* text */
    uint32_t site_capacity, tuple_capacity, word_capacity, readout_capacity;
};

/* A row that a reader found. */
struct type_row {
    uint64_t session, code_id; /* as the file has them */
    struct type_site site;     /* without its tuples and their sum */
};

/* The index of a word, or -ENOMEM. */
int64_t
type_table_word(struct type_table *table, struct profile *profile,
                const void *text, size_t size);

/* Add one unless it is the last that was added. Returns 0 or -ENOMEM. */
int
type_table_readout(struct type_table *table, struct profile *profile,
                   const struct readout *readout);

/* Add a row's hits to its site. Returns the site's index, or -ENOMEM. */
int64_t
type_table_row(struct type_table *table, struct profile *profile,
               const struct type_row *row);

/* Add hits of a tuple, which has its site and types. Returns 0 or -ENOMEM. */
int
type_table_tuple(struct type_table *table, struct profile *profile,
                 const struct type_tuple *tuple);

/*
 * Bring all into order: sites by the code's id, offset and opcode, and tuples
 * by their hits. Returns 0 or -ENOMEM.
 */
int
type_table_finish(struct profile *profile);

void
type_table_free(struct type_table *table);

#endif
