/* SPDX-License-Identifier: MIT */

/*
 * Sites and their hits. A table has one owner, who alone adds to counters, at
 * any time; everything else is done under vmp_interp_lock(). Counters never go
 * back: who takes hits away remembers how far they had come. So a hit is taken
 * once, although nobody waits for its owner.
 */
#ifndef VMP_INTERP_TABLE_H
#define VMP_INTERP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <vmprof/interp.h>

struct vmp_interp_class;

struct vmp_table_limits {
    uint32_t sites, tuples;
};

/* Added to by the owner; `taken` under the lock. */
struct vmp_counter {
    uint64_t value, taken;
};

struct vmp_tuple {
    struct vmp_counter hits;
    uint32_t count;
    vmprof_type_id types[VMPROF_MAX_OPERANDS]; /* 0 behind the last */
};

struct vmp_row {
    uint64_t code, offset;
    struct vmp_counter untyped, other;
    struct vmp_counter extra; /* bytecodes that hits stand for, less the hits */
    const struct vmp_interp_class *functions; /* NULL: none */
    uint32_t opcode;
    uint32_t line; /* known if the code was forgotten */
    uint32_t tuple_count;
    uint32_t next; /* row of the same bucket by code, plus 1 */
};

/* All zero is an empty table. */
struct vmp_table {
    unsigned char *rows; /* `stride` bytes each */
    size_t stride;
    uint32_t count, capacity;
    uint32_t tuples;         /* at a row, at most */
    uint32_t mask;           /* of slots and buckets */
    uint32_t *slots;         /* by code and offset: row plus 1; 0: free */
    uint32_t *buckets;       /* by code: row plus 1 */
    uint64_t freed;          /* vmp_interp.freed when it was last tidied */
    bool is_fixed;           /* it has the size that was reserved */
    struct vmp_row unplaced; /* hits that no row was free for */
};

/* They stand behind the row. */
static inline struct vmp_tuple *
vmp_row_tuple(const struct vmp_row *row, uint32_t index)
{
    return (struct vmp_tuple *)(uintptr_t)(row + 1) + index;
}

static inline void
vmp_counter_add(struct vmp_counter *counter, uint64_t amount)
{
    __atomic_store_n(&counter->value, counter->value + amount,
                     __ATOMIC_RELAXED);
}

static inline struct vmp_row *
vmp_table_row(const struct vmp_table *table, uint32_t index)
{
    return (struct vmp_row *)(void *)(table->rows + index * table->stride);
}

static inline uint32_t
vmp_table_hash(uint64_t code, uint64_t offset)
{
    return (uint32_t)((code * UINT64_C(0x9e3779b97f4a7c15) + offset) *
                          UINT64_C(0xff51afd7ed558ccd) >>
                      32);
}

/* The owner's, or under the lock. */
static inline struct vmp_row *
vmp_table_find(const struct vmp_table *table, uint64_t code, uint64_t offset)
{
    uint32_t i = vmp_table_hash(code, offset) & table->mask, slot;

    if (!table->slots)
        return NULL;
    while ((slot = table->slots[i])) {
        struct vmp_row *const row = vmp_table_row(table, slot - 1);

        if (row->code == code && row->offset == offset)
            return row;
        i = (i + 1) & table->mask;
    }
    return NULL;
}

/* The tuple of these types, or NULL; of fewer than two with 0 behind the last. */
struct vmp_tuple *
vmp_row_match(struct vmp_row *row, const vmprof_type_id *types, uint32_t count);

/* A new row or tuple; NULL: there is no room. */
struct vmp_row *
vmp_table_add(struct vmp_table *table, uint64_t code, uint64_t offset,
              uint32_t opcode, const struct vmp_interp_class *functions);
struct vmp_tuple *
vmp_row_add(const struct vmp_table *table, struct vmp_row *row,
            const vmprof_type_id *types, uint32_t count);

/* By the owner: forget what was taken, so that rows and tuples become free.
 * Rows move. */
void
vmp_table_tidy(struct vmp_table *table);

/* Take all hits of `from`, or those of one row, into `to`. */
void
vmp_table_take(struct vmp_table *to, struct vmp_table *from);
void
vmp_table_take_row(struct vmp_table *to, struct vmp_row *row);

/* What hits of a counter were. */
struct vmp_known_hits {
    uint64_t code, offset;
    const struct vmp_interp_class *functions;
    uint32_t opcode;
    uint32_t count; /* of types; 0: none are told */
    vmprof_type_id types[VMPROF_MAX_OPERANDS];
};

/* Add hits that are known to be of one kind. False: a table of a fixed size has
 * no row for them; elsewhere they are without a place then. */
bool
vmp_table_add_hits(struct vmp_table *table, const struct vmp_known_hits *known,
                   uint64_t hits);

/* Make it a table of exactly so many rows. Returns 0 or -ENOMEM. */
int
vmp_table_reserve(struct vmp_table *table, uint32_t rows);

/* Rows of a code: the first, and the one after. NULL: no more. */
struct vmp_row *
vmp_table_first_of(const struct vmp_table *table, uint64_t code);
struct vmp_row *
vmp_table_next_of(const struct vmp_table *table, const struct vmp_row *row);

/* Leave a table empty. */
void
vmp_table_clear(struct vmp_table *table);

#endif
