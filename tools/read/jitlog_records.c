/* SPDX-License-Identifier: MIT */

/* A jitlog's records, by their first byte. */
#include "jitlog.h"

#include <errno.h>
#include <stdlib.h>

#include "format/varint.h"

enum {
    MARK_INPUT_ARGUMENTS = 0x11,
    MARK_OPCODES = 0x12,
    MARK_OPERATION = 0x13,
    MARK_OPERATION_DESCR = 0x14,
    MARK_ADDRESS = 0x15,
    MARK_CODE = 0x16,
    MARK_RECORDED = 0x17,
    MARK_OPTIMISED = 0x18,
    MARK_ASSEMBLED = 0x19,
    MARK_STITCH = 0x1a,
    MARK_START_TRACE = 0x1b,
    MARK_COUNTER = 0x1c,
    MARK_FIELDS = 0x1d,
    MARK_HEADER = 0x1e,
    MARK_MERGE_POINT = 0x1f,
    MARK_PREFIX = 0x20,
    MARK_ABORT = 0x21,
    MARK_SOURCE = 0x22,
    MARK_REDIRECT = 0x23,
    MARK_CALLBACK = 0x24,
};

enum {
    NEWEST_VERSION = 4,
    /* Texts that claim more are no texts. */
    LONGEST_TEXT = 16 << 20,
};

enum field_meaning {
    MEANS_FILE = 1,
    MEANS_LINE = 2,
    MEANS_INDEX = 4,
    MEANS_FUNCTION = 8,
    MEANS_OPCODE = 16,
};

static const unsigned char *
take(struct jitlog_record *record, size_t size)
{
    const unsigned char *at = record->at;

    if (record->is_short || record->is_wrong ||
        size > (size_t)(record->end - record->at)) {
        record->is_short = true;
        return NULL;
    }
    record->at += size;
    return at;
}

static uint8_t
take_u8(struct jitlog_record *record)
{
    const unsigned char *at = take(record, 1);

    return at ? *at : 0;
}

static uint16_t
take_u16(struct jitlog_record *record)
{
    const unsigned char *at = take(record, 2);

    return at ? (uint16_t)vmp_get_u16(at) : 0;
}

static uint64_t
take_u64(struct jitlog_record *record)
{
    const unsigned char *at = take(record, 8);

    return at ? vmp_get_u32(at) | (uint64_t)vmp_get_u32(at + 4) << 32 : 0;
}

static uint64_t
take_address(struct jitlog_record *record)
{
    const unsigned char *at;

    if (record->address_size == 8)
        return take_u64(record);
    at = take(record, 4);
    return at ? vmp_get_u32(at) : 0;
}

static struct span
take_text(struct jitlog_record *record)
{
    const unsigned char *at = take(record, 4);
    const uint32_t size = at ? vmp_get_u32(at) : 0;

    record->is_wrong |= size > LONGEST_TEXT;
    at = take(record, size);
    return (struct span){ at ? (const char *)at : "", at ? size : 0 };
}

static bool
is_whole(const struct jitlog_record *record)
{
    return !record->is_short && !record->is_wrong;
}

static int
read_header(struct jitlog *log, struct jitlog_record *record)
{
    const uint16_t version = take_u16(record);
    const uint8_t is_32 = take_u8(record);
    const struct span machine = take_text(record);

    record->is_wrong |= is_32 > 1 || version == 0 || version > NEWEST_VERSION;
    if (!is_whole(record))
        return 0;
    log->version = version;
    log->address_size = is_32 ? 4 : 8;
    log->traces->machine = traces_name(log->traces, machine.at, machine.size);
    return log->traces->machine ? 0 : -ENOMEM;
}

static int
read_opcodes(struct jitlog *log, struct jitlog_record *record)
{
    const uint16_t count = take_u16(record);

    for (unsigned i = 0; i < count && is_whole(record); i++) {
        const uint16_t opcode = take_u16(record);
        const struct span name = take_text(record);

        if (!is_whole(record))
            return 0;
        log->opcodes[opcode] = traces_name(log->traces, name.at, name.size);
        if (!log->opcodes[opcode])
            return -ENOMEM;
    }
    return 0;
}

static int
read_start(struct jitlog *log, struct jitlog_record *record)
{
    const uint64_t id = take_address(record);
    const struct span type = take_text(record);
    const uint64_t guard = take_address(record);
    const struct span driver =
        log->version >= 2 ? take_text(record) : (struct span){ "", 0 };

    record->is_wrong |= !record->is_short && !span_is(&type, "loop") &&
                        !span_is(&type, "bridge");
    return is_whole(record) ? jitlog_begin(log, id, type, guard, driver) : 0;
}

static int
read_stage(struct jitlog *log, struct jitlog_record *record,
           enum jitlog_stage stage)
{
    const uint64_t id = take_address(record);

    if (is_whole(record))
        jitlog_begin_stage(log, id, stage);
    return 0;
}

static int
read_operation(struct jitlog *log, struct jitlog_record *record, bool has_descr)
{
    struct jitlog_operation operation = { .opcode = take_u16(record),
                                          .has_descr = has_descr };

    operation.arguments = take_text(record);
    if (has_descr)
        operation.descr = take_address(record);
    if (log->version >= 2)
        operation.fail_arguments = take_text(record);
    record->is_wrong |= !record->is_short && !log->opcodes[operation.opcode];
    return is_whole(record) ? jitlog_operation(log, &operation) : 0;
}

static int
read_address(struct jitlog *log, struct jitlog_record *record)
{
    const uint64_t start = take_address(record);
    const uint64_t end = take_address(record);

    record->is_wrong |= end < start;
    return is_whole(record) ? jitlog_address(log, start, end) : 0;
}

static int
read_code(struct jitlog *log, struct jitlog_record *record)
{
    const uint16_t offset = take_u16(record);
    const struct span bytes = take_text(record);

    return is_whole(record) ? jitlog_code(log, offset, bytes) : 0;
}

static int
read_stitch(struct jitlog *log, struct jitlog_record *record)
{
    const uint64_t guard = take_address(record);
    const uint64_t target = take_address(record);
    const uint32_t trace = id_map_get(&log->ids, JITLOG_START, target);

    if (!is_whole(record))
        return 0;
    if (!trace) {
        log->traces->damage.unmatched++;
        return 0;
    }
    return id_map_set(&log->ids, JITLOG_STITCHED, guard, trace);
}

static void
count(struct jitlog *log, uint64_t id, char what, uint64_t number)
{
    struct traces *traces = log->traces;
    uint32_t trace = 0;
    uint32_t label = 0;

    if (what == 'l')
        label = id_map_get(&log->ids, JITLOG_LABEL, id);
    else
        trace = what == 'e' ? id_map_get(&log->ids, JITLOG_TRACE, id)
                            : id_map_get(&log->ids, JITLOG_STITCHED, id);
    traces->has_counts = true;
    if (label) {
        traces->labels[label].count = number;
        traces->labels[label].has_count = true;
    } else if (trace) {
        traces->traces[trace].entries = number;
        traces->traces[trace].has_entries = true;
    } else {
        /* Of what was compiled before the log began. */
        traces->damage.unmatched++;
    }
}

static int
read_counter(struct jitlog *log, struct jitlog_record *record)
{
    const uint64_t id = take_address(record);
    const uint8_t what = take_u8(record);
    const uint64_t number = take_u64(record);

    record->is_wrong |=
        !record->is_short && what != 'e' && what != 'l' && what != 'b';
    if (is_whole(record))
        count(log, id, (char)what, number);
    return 0;
}

static int
read_fields(struct jitlog *log, struct jitlog_record *record)
{
    const uint16_t number = take_u16(record);
    struct merge_field fields[MOST_FIELDS] = { 0 };

    record->is_wrong |= number > MOST_FIELDS;
    for (unsigned i = 0; i < number && is_whole(record); i++) {
        uint8_t type;

        fields[i].meaning = take_u8(record);
        type = take_u8(record);
        fields[i].is_text = type == 's';
        record->is_wrong |= !record->is_short && type != 's' && type != 'i';
    }
    if (!is_whole(record))
        return 0;
    memcpy(log->fields, fields, sizeof(fields));
    log->field_count = number;
    return 0;
}

static int
read_prefix(struct jitlog *log, struct jitlog_record *record)
{
    const uint8_t field = take_u8(record);
    const struct span prefix = take_text(record);
    const char *copy;

    record->is_wrong |= !record->is_short && field >= log->field_count;
    if (!is_whole(record))
        return 0;
    copy = traces_name(log->traces, prefix.at, prefix.size);
    if (!copy)
        return -ENOMEM;
    log->fields[field].prefix = (struct span){ copy, prefix.size };
    return 0;
}

/* A text in full, the prefix alone, or what follows the prefix. */
static const char *
take_value(struct jitlog *log, struct jitlog_record *record,
           const struct merge_field *field)
{
    const uint8_t how = take_u8(record);
    const struct span prefix =
        how == 0xff ? (struct span){ "", 0 } : field->prefix;
    struct span rest = { "", 0 };
    const char *value;
    char *joined;

    record->is_wrong |=
        !record->is_short && how != 0 && how != 0xff && how != 0xef;
    if (how != 0xef)
        rest = take_text(record);
    if (!is_whole(record))
        return "";
    if (!prefix.size)
        return traces_name(log->traces, rest.at, rest.size);
    joined = malloc(prefix.size + rest.size);
    if (!joined)
        return NULL;
    memcpy(joined, prefix.at, prefix.size);
    memcpy(joined + prefix.size, rest.at, rest.size);
    value = traces_name(log->traces, joined, prefix.size + rest.size);
    free(joined);
    return value;
}

static void
set_text(struct trace_place *place, uint8_t meaning, const char *value)
{
    if (meaning == MEANS_FILE)
        place->file = value;
    else if (meaning == MEANS_FUNCTION)
        place->function = value;
    else if (meaning == MEANS_OPCODE)
        place->opcode = value;
}

static void
set_number(struct trace_place *place, uint8_t meaning, uint64_t value)
{
    if (meaning == MEANS_LINE && value <= INT32_MAX)
        place->line = (uint32_t)value;
    if (meaning == MEANS_INDEX) {
        place->bytecode = value;
        place->has_bytecode = true;
    }
}

static int
read_merge_point(struct jitlog *log, struct jitlog_record *record)
{
    struct trace_place place = { .function = "", .file = "", .opcode = "" };
    int64_t index;

    for (unsigned i = 0; i < log->field_count && is_whole(record); i++) {
        const struct merge_field *field = &log->fields[i];
        const char *value;

        if (!field->is_text) {
            record->is_wrong |= take_u8(record) != 0;
            set_number(&place, field->meaning, take_u64(record));
            continue;
        }
        value = take_value(log, record, field);
        if (!value)
            return -ENOMEM;
        set_text(&place, field->meaning, value);
    }
    if (!is_whole(record) || log->stage != STAGE_OPTIMISED || !log->trace)
        return 0;
    index = traces_add_place(log->traces, &place);
    if (index < 0)
        return -ENOMEM;
    log->place = (uint32_t)index;
    if (!log->traces->traces[log->trace].place)
        log->traces->traces[log->trace].place = (uint32_t)index;
    return 0;
}

static int
read_abort(struct jitlog *log, struct jitlog_record *record)
{
    const uint32_t trace =
        id_map_get(&log->ids, JITLOG_TRACE, take_address(record));

    if (is_whole(record) && trace)
        log->traces->traces[trace].aborted = true;
    return 0;
}

/* Lines of source, which reports take from the files themselves. */
static int
skip_source(struct jitlog_record *record)
{
    uint16_t number;

    take_text(record);
    number = take_u16(record);
    for (unsigned i = 0; i < number && is_whole(record); i++) {
        take_u16(record);
        take_u8(record);
        take_text(record);
    }
    return 0;
}

static int
skip_redirect(struct jitlog_record *record)
{
    take_address(record);
    take_address(record);
    take_address(record);
    return 0;
}

static int
skip_callback(struct jitlog_record *record)
{
    take_address(record);
    take_u64(record);
    return 0;
}

int
jitlog_record(struct jitlog *log, struct jitlog_record *record)
{
    switch (take_u8(record)) {
    case MARK_HEADER:
        return read_header(log, record);
    case MARK_OPCODES:
        return read_opcodes(log, record);
    case MARK_START_TRACE:
        return read_start(log, record);
    case MARK_RECORDED:
        return read_stage(log, record, STAGE_RECORDED);
    case MARK_OPTIMISED:
        return read_stage(log, record, STAGE_OPTIMISED);
    case MARK_ASSEMBLED:
        return read_stage(log, record, STAGE_ASSEMBLED);
    case MARK_INPUT_ARGUMENTS:
        take_text(record);
        return 0;
    case MARK_OPERATION:
        return read_operation(log, record, false);
    case MARK_OPERATION_DESCR:
        return read_operation(log, record, true);
    case MARK_ADDRESS:
        return read_address(log, record);
    case MARK_CODE:
        return read_code(log, record);
    case MARK_STITCH:
        return read_stitch(log, record);
    case MARK_COUNTER:
        return read_counter(log, record);
    case MARK_FIELDS:
        return read_fields(log, record);
    case MARK_PREFIX:
        return read_prefix(log, record);
    case MARK_MERGE_POINT:
        return read_merge_point(log, record);
    case MARK_ABORT:
        return read_abort(log, record);
    case MARK_SOURCE:
        return skip_source(record);
    case MARK_REDIRECT:
        return skip_redirect(record);
    case MARK_CALLBACK:
        return skip_callback(record);
    }
    record->is_wrong = true;
    return 0;
}
