/* SPDX-License-Identifier: MIT */

/*
 * Reading a binary jitlog: records without lengths, one after another. jitlog.c
 * has the file, jitlog_records.c each record, and the others what they come to.
 */
#ifndef READ_JITLOG_H
#define READ_JITLOG_H

#include "id_map.h"
#include "input.h"
#include "span.h"
#include "traces_store.h"

/* Kinds of ids. */
enum {
    JITLOG_TRACE,
    JITLOG_GUARD,
    JITLOG_LABEL,
    JITLOG_STITCHED, /* guards, to the trace whose code begins there */
    JITLOG_START,    /* of machine code */
};

enum {
    MOST_FIELDS = 32,
    OPCODES = 1 << 16,
};

enum jitlog_stage {
    STAGE_NONE,
    STAGE_RECORDED,
    STAGE_OPTIMISED,
    STAGE_ASSEMBLED,
};

/* What a merge point is made of. */
struct merge_field {
    uint8_t meaning;
    bool is_text;
    struct span prefix; /* of the texts to come; a copy */
};

/* An operation as it was optimised, until its machine code comes. */
struct optimised {
    uint32_t operation; /* index in the model */
    uint16_t opcode;
    uint64_t descr;
};

struct jitlog {
    struct traces *traces;
    struct input input;
    const struct traces_options *options;
    unsigned address_size;
    uint16_t version;
    struct id_map ids;
    const char **opcodes; /* OPCODES of them; NULL: not named */
    struct merge_field fields[MOST_FIELDS];
    unsigned field_count;
    uint32_t trace; /* at hand; 0: none */
    enum jitlog_stage stage;
    uint32_t place;
    struct optimised *optimised; /* of the trace at hand */
    uint32_t optimised_count, optimised_capacity;
    uint32_t next;      /* of these, to meet its machine code */
    bool made_array;    /* by the last that was met */
    uint32_t current;   /* operation that the next machine code is of; 0 */
    uint64_t code_base; /* what wrapped offsets of machine code lack */
    uint16_t last_offset;
    unsigned char *code; /* of the trace at hand, as far as it is known */
    size_t code_size, code_capacity;
    uint64_t records;
};

/* One operation, its texts in the window. */
struct jitlog_operation {
    uint16_t opcode;
    struct span arguments, fail_arguments;
    uint64_t descr;
    bool has_descr;
};

/* The bytes of a record: what is not there makes it short, what cannot be makes
 * it wrong, and both read as 0. */
struct jitlog_record {
    const unsigned char *at, *end;
    unsigned address_size;
    bool is_short, is_wrong;
};

/* Take one, if it is whole. Returns 0 or -ENOMEM. */
int
jitlog_record(struct jitlog *log, struct jitlog_record *record);

/* What records come to. Return 0 or -ENOMEM. */
int
jitlog_begin(struct jitlog *log, uint64_t id, struct span type, uint64_t guard,
             struct span driver);
void
jitlog_begin_stage(struct jitlog *log, uint64_t id, enum jitlog_stage stage);
int
jitlog_operation(struct jitlog *log, const struct jitlog_operation *operation);
int
jitlog_code(struct jitlog *log, uint16_t offset, struct span bytes);
int
jitlog_address(struct jitlog *log, uint64_t start, uint64_t end);

enum operation_kind
jitlog_kind(const struct jitlog *log, uint16_t opcode);
int
jitlog_add_optimised(struct jitlog *log,
                     const struct jitlog_operation *operation);

/* The optimised operation that became this one, in the model; 0: none. */
uint32_t
jitlog_find_optimised(struct jitlog *log,
                      const struct jitlog_operation *operation);

/* When all code of the trace at hand is there. */
void
jitlog_stretch_operations(struct jitlog *log, const struct trace *trace);
int
jitlog_keep_code(struct jitlog *log, struct trace *trace);

/* The trace at hand is complete. */
int
jitlog_end_trace(struct jitlog *log);

/* What links traces, once all are there. */
int
jitlog_finish_links(struct jitlog *log);

#endif
