/* SPDX-License-Identifier: MIT */

/* From bytes to records of the vmprof log, and whether they are any. */
#include <string.h>
#include <vmprof/stack.h>

#include "vmprof_log.h"

enum {
    WORDS = 5, /* at the start of a file */
    CHAIN = 8, /* records in a row are sure to be some */
    /* Of the kinds in a stack, so that looking stays cheap everywhere. */
    MOST_KINDS = 64,
    TIME_SIZE = 24,
    MOST_VERSIONS = 64,
    MOST_COUNT = 1 << 16,
};

#define MOST_SECONDS 100000000000

/* What is left of the bytes; the first that is missing ends it all. */
struct view_of {
    const unsigned char *at, *end;
    size_t missing;
};

static const unsigned char *
take(struct view_of *view, size_t size)
{
    const unsigned char *at = view->at;

    if (view->missing || (size_t)(view->end - at) < size) {
        if (!view->missing)
            view->missing = size - (size_t)(view->end - at);
        return NULL;
    }
    view->at += size;
    return at;
}

static uint64_t
take_number(struct view_of *view, unsigned size)
{
    const unsigned char *at = take(view, size);

    return at ? log_get(at, size) : 0;
}

/* Returns false for a length that no string has. */
static bool
take_string(struct view_of *view, unsigned word_size, struct bytes *string)
{
    const uint64_t size = take_number(view, word_size);

    if (size > LOG_MAX_STRING)
        return false;
    string->data = take(view, (size_t)size);
    string->size = string->data ? (size_t)size : 0;
    return true;
}

static bool
take_time(struct view_of *view, struct log_record *record)
{
    const uint64_t seconds = take_number(view, 8);
    const uint64_t microseconds = take_number(view, 8);

    take(view, 8);
    record->unix_ns = seconds * 1000000000 + microseconds * 1000;
    return seconds < MOST_SECONDS / 10 && microseconds < 1000000;
}

/* False for what is no time of a sample. A small integer is none either. */
static bool
set_seconds(struct log_record *record, uint64_t bits)
{
    double seconds;

    memcpy(&seconds, &bits, sizeof(seconds));
    record->count = 1;
    if (bits && !(seconds > 1e-300 && seconds < 1e9))
        return false;
    record->time_ns = (uint64_t)(seconds * 1e9);
    return true;
}

static bool
take_count(struct view_of *view, const struct log_layout *layout,
           struct log_record *record)
{
    if (layout->seconds)
        return set_seconds(record, take_number(view, 8));
    record->count = take_number(view, layout->word_size);
    return view->missing || (record->count && record->count <= MOST_COUNT);
}

static bool
take_sample(struct view_of *view, const struct log_layout *layout,
            struct log_record *record)
{
    if (!take_count(view, layout, record))
        return false;
    record->depth = take_number(view, layout->word_size);
    if (record->depth > LOG_MAX_DEPTH)
        return false;
    record->stack_size = (size_t)record->depth * layout->address_size;
    record->stack = take(view, record->stack_size);
    if (layout->thread_ids)
        record->thread = take_number(view, layout->address_size);
    if (layout->memory)
        record->memory_kb = take_number(view, layout->address_size);
    if (layout->times)
        record->time_ns = take_number(view, 8);
    return true;
}

static bool
take_objects(struct view_of *view, const struct log_layout *layout,
             struct log_record *record)
{
    if (!take_count(view, layout, record))
        return false;
    record->depth = take_number(view, layout->word_size);
    if (record->depth > LOG_MAX_DEPTH)
        return false;
    take(view, (size_t)record->depth * layout->address_size);
    return true;
}

/* The version alone is big-endian; old ones have no mode. */
static bool
take_header(struct view_of *view, struct log_record *record)
{
    const unsigned char *version = take(view, 2);

    if (!version)
        return true;
    record->version = (unsigned)version[0] << 8 | version[1];
    if (record->version >= 4)
        record->mode = (unsigned)take_number(view, 1);
    record->name.size = (size_t)take_number(view, 1);
    record->name.data = take(view, record->name.size);
    return record->version < MOST_VERSIONS;
}

static bool
take_vm_name(struct view_of *view, struct log_record *record)
{
    record->name.size = (size_t)take_number(view, 1);
    record->name.data = take(view, record->name.size);
    return true;
}

static bool
take_body(struct view_of *view, const struct log_layout *layout,
          struct log_record *record)
{
    switch (record->marker) {
    case LOG_STACK:
    case LOG_ALLOCATION:
        return take_sample(view, layout, record);
    case LOG_OBJECTS:
        return take_objects(view, layout, record);
    case LOG_NAME:
    case LOG_NATIVE_NAME:
        record->id = take_number(view, layout->address_size);
        return take_string(view, layout->word_size, &record->name);
    case LOG_END:
        return !layout->end_time || take_time(view, record);
    case LOG_VM_NAME:
        return take_vm_name(view, record);
    case LOG_HEADER:
        return take_header(view, record);
    case LOG_START:
        return take_time(view, record);
    case LOG_META:
        return take_string(view, layout->word_size, &record->name) &&
               take_string(view, layout->word_size, &record->value);
    }
    return false;
}

enum log_look
log_look_at_record(const struct log_layout *layout, const unsigned char *data,
                   size_t size, struct log_record *record)
{
    struct view_of view = { data, data + size, 0 };

    *record = (struct log_record){ 0 };
    record->marker = (unsigned)take_number(&view, 1);
    if (!view.missing && !take_body(&view, layout, record))
        return LOG_BAD;
    record->size = (size_t)(view.at - data);
    if (!view.missing)
        return LOG_WHOLE;
    record->size = size + view.missing;
    return LOG_CUT;
}

/* Not of each frame: a chance hit does not get through the first ones. */
static bool
has_right_kinds(const struct log_layout *layout,
                const struct log_record *record)
{
    const size_t pair = 2 * (size_t)layout->address_size;

    if (!layout->pairs)
        return true;
    if (record->depth & 1)
        return false;
    for (uint64_t i = 0; i < record->depth / 2 && i < MOST_KINDS; i++) {
        const uint64_t kind =
            log_get(record->stack + i * pair, layout->address_size);
        if (kind < VMPROF_KIND_CODE || kind > VMPROF_KIND_NATIVE)
            return false;
    }
    return true;
}

unsigned
log_count_records(const struct log_layout *layout, const unsigned char *data,
                  size_t size, bool ended)
{
    struct log_record record;
    unsigned count = 0;

    while (size && count < CHAIN) {
        if (log_look_at_record(layout, data, size, &record) != LOG_WHOLE ||
            ((record.marker == LOG_STACK || record.marker == LOG_ALLOCATION) &&
             !has_right_kinds(layout, &record)))
            return count;
        count++;
        if (record.marker == LOG_HEADER)
            return count;
        data += record.size;
        size -= record.size;
        /* Without a time it is but a byte. */
        if (record.marker == LOG_END && layout->end_time)
            return record.unix_ns ? LOG_SURE : count;
    }
    return count && !size && ended ? LOG_SURE : count;
}

/* As the words say, it is a log if the first two are right. */
static bool
is_start(const unsigned char *data, size_t size, unsigned word_size,
         bool big_endian)
{
    for (size_t i = 0; i < 2 * word_size && i < size; i++) {
        const size_t three = big_endian ? 2 * word_size - 1 : word_size;
        if (data[i] != (i == three ? 3 : 0))
            return false;
    }
    return size >= 2 * word_size;
}

enum log_start
log_look_at_start(const unsigned char *data, size_t size,
                  struct log_words *words)
{
    uint64_t word[WORDS];

    *words = (struct log_words){ 0 };
    if (is_start(data, size, 4, true) || is_start(data, size, 8, true))
        return LOG_IS_BIG_ENDIAN;
    if (is_start(data, size, 4, false))
        words->word_size = 4;
    else if (is_start(data, size, 8, false))
        words->word_size = 8;
    else
        return LOG_IS_NOT_LOG;
    words->size = WORDS * (size_t)words->word_size;
    if (size < words->size)
        return LOG_IS_SHORT;
    for (unsigned i = 0; i < WORDS; i++)
        word[i] =
            log_get(data + (size_t)i * words->word_size, words->word_size);
    /* Windows has long of 4 bytes and pointers of 8; the last word says so. */
    words->address_size =
        words->word_size == 4 && word[4] == 1 ? 8 : words->word_size;
    words->period_us = word[3];
    words->unusual = word[2] != 0 || word[4] > 1;
    return LOG_IS_LOG;
}
