/* SPDX-License-Identifier: MIT */

/* Record after record of a vmprof log, and on behind what is none. */
#include "vmprof_log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

enum {
    /* Records this near to each other are looked at together. */
    LOOK_AHEAD = 256 * 1024,
    LEAST_RECORD = 64,
    /* So many in a row that they are no accident. */
    SURELY_RECORDS = 3,
    KNOWN_VERSION = 7,
    MODES_SINCE = 4,
    ASSUMED_INTERVAL_NS = 1000000,
};

#define MOST_PERIOD_US ((uint64_t)1 << 40)

static struct session *
this_session(const struct log *log)
{
    return &log->profile->sessions[log->session];
}

static int
set_text(struct log *log, const char **text, struct bytes bytes)
{
    *text = store_text(log->profile, bytes.data, bytes.size);
    return *text ? 0 : -ENOMEM;
}

/* Another recording begins; the words before it are taken. */
static int
begin_session(struct log *log)
{
    struct log_words words;
    const int session = store_session(log->profile);

    if (session < 0)
        return -ENOMEM;
    log_look_at_start(log->input->data, log->input->size, &words);
    input_skip(log->input, words.size);
    log->session = (uint32_t)session;
    log->layout = (struct log_layout){
        .word_size = words.word_size,
        .address_size = words.address_size,
        .pairs = true,
        .thread_ids = true,
        .end_time = true,
    };
    log->layout_known = false;
    log->version = 0;
    log->samples = log->start_offset_ns = 0;
    log->interval_ns = words.period_us * 1000;
    log_stacks_forget(log->stacks);
    if (words.unusual)
        log_repaired(log, REPAIR_START);
    if (!words.period_us || words.period_us > MOST_PERIOD_US) {
        log->interval_ns = ASSUMED_INTERVAL_NS;
        log_repaired(log, REPAIR_PERIOD);
    } else {
        this_session(log)->interval_ns = log->interval_ns;
    }
    return 0;
}

static bool
is_pypy(const struct bytes *name)
{
    return name->size == 4 && memcmp(name->data, "pypy", 4) == 0;
}

/* As vmprof-python reads it. */
static void
declare_layout(struct log_layout *layout, const struct log_record *header)
{
    layout->has_header = true;
    layout->has_mode = header->version >= MODES_SINCE;
    layout->pairs = header->mode & 8 || is_pypy(&header->name);
    layout->lines = header->mode & 2;
    layout->memory = header->mode & 1 || header->version == 3;
    layout->thread_ids = header->version >= 1;
    layout->end_time = header->version >= 5;
    layout->times = layout->seconds = false;
}

static int
take_header(struct log *log, const struct log_record *record)
{
    const struct log_layout before = log->layout;
    struct session *session = this_session(log);

    if (log->layout.has_header)
        log_repaired(log, REPAIR_HEADER_TWICE);
    if (record->version > KNOWN_VERSION)
        log_repaired(log, REPAIR_VERSION);
    declare_layout(&log->layout, record);
    log->version = record->version;
    log->layout_known = false;
    if (memcmp(&before, &log->layout, sizeof(before)) != 0)
        log_stacks_forget(log->stacks);
    session->mode = record->mode & LOG_REAL_TIME ? 1 : 0;
    return set_text(log, &session->vm_name, record->name);
}

/* Keys in a file of other origin may be anything. */
static int
take_start_offset(struct log *log, const struct bytes *value)
{
    char text[32] = "";
    double seconds;

    memcpy(text, value->data,
           value->size < sizeof(text) ? value->size : sizeof(text) - 1);
    seconds = strtod(text, NULL);
    if (isfinite(seconds) && seconds > 0 && seconds < 1e9)
        log->start_offset_ns = (uint64_t)(seconds * 1e9);
    return 0;
}

static bool
is_key(const struct log_record *record, const char *key)
{
    return record->name.size == strlen(key) &&
           memcmp(record->name.data, key, record->name.size) == 0;
}

static int
take_meta(struct log *log, const struct log_record *record)
{
    struct session *session = this_session(log);
    const char *key =
        store_text(log->profile, record->name.data, record->name.size);
    bool is_new;

    if (!key ||
        vmp_intern(&log->metas, log->session, (uintptr_t)key, &is_new) < 0)
        return -ENOMEM;
    if (!is_new)
        log_repaired(log, REPAIR_META_TWICE);
    if (is_key(record, "os"))
        return set_text(log, &session->os, record->value);
    if (is_key(record, "start_time_offset"))
        return take_start_offset(log, &record->value);
    return log_own_meta(log, record);
}

static int
take_start(struct log *log, const struct log_record *record)
{
    this_session(log)->unix_ns = record->unix_ns;
    return 0;
}

static int
take_end(struct log *log, const struct log_record *record)
{
    struct session *session = this_session(log);

    session->ended = true;
    if (log->layout.end_time && session->unix_ns &&
        record->unix_ns > session->unix_ns)
        session->end_ns = record->unix_ns - session->unix_ns;
    return 0;
}

static int
take_record(struct log *log, const struct log_record *record)
{
    switch (record->marker) {
    case LOG_STACK:
        return log_sample(log, record, log_stack_hash(log->stacks, record));
    case LOG_NAME:
    case LOG_NATIVE_NAME:
        return log_name(log, record);
    case LOG_END:
        return take_end(log, record);
    case LOG_HEADER:
        return take_header(log, record);
    case LOG_START:
        return take_start(log, record);
    case LOG_META:
        return take_meta(log, record);
    case LOG_VM_NAME:
        return set_text(log, &this_session(log)->vm_name, record->name);
    }
    log_repaired(log, REPAIR_ALLOCATION);
    return 0;
}

static enum log_look
look(struct log *log, struct log_record *record)
{
    struct input *input = log->input;
    enum log_look result =
        log_look_at_record(&log->layout, input->data, input->size, record);

    while (result == LOG_CUT && !input->ended) {
        input_need(input, record->size);
        result =
            log_look_at_record(&log->layout, input->data, input->size, record);
    }
    return result;
}

static bool
is_of_samples(unsigned marker)
{
    return marker == LOG_STACK || marker == LOG_ALLOCATION ||
           marker == LOG_OBJECTS;
}

/* The first sample shows how all are laid out. */
static void
learn_layout(struct log *log)
{
    const struct log_layout declared = log->layout;
    struct log_layout *layout = &log->layout;
    struct log_record record;

    look(log, &record);
    input_need(log->input, record.size + LEAST_RECORD);
    input_need(log->input, LOOK_AHEAD);
    *layout = log_choose_layout(&declared, log->version, log->input);
    log->layout_known = true;
    if (!declared.has_header)
        log_repaired(log, REPAIR_HEADER_MISSING);
    else if (declared.memory != layout->memory)
        log_repaired(log, REPAIR_LAYOUT);
    log_stacks_forget(log->stacks);
}

static bool
is_record_at(const struct log *log, size_t at)
{
    const struct input *input = log->input;

    return input->data[at] >= LOG_STACK && input->data[at] <= LOG_OBJECTS &&
           log_count_records(&log->layout, input->data + at, input->size - at,
                             input->ended) >= SURELY_RECORDS;
}

/* To where records go on. All between counts as unread. Returns false if they do not. */
static bool
skip_stretch(struct log *log)
{
    struct input *input = log->input;
    const uint64_t from = input->offset;
    struct damage *damage = &log->profile->damage;

    if (!damage->bytes_unread)
        damage->first_offset = from;
    for (;;) {
        size_t at = 1;

        input_need(input, LOOK_AHEAD);
        while (at < input->size && !is_record_at(log, at) &&
               (input->ended || input->size - at > LOOK_AHEAD / 2))
            at++;
        if (at > input->size)
            at = input->size;
        input_skip(input, at);
        damage->bytes_unread += at;
        if (!input->size)
            return false;
        if (is_record_at(log, 0))
            return true;
    }
}

/*
 * What is torn off at the end may also be a length that is wrong, with records
 * behind it.
 */
static void
pass_damage(struct log *log, enum log_look whole)
{
    const bool goes_on = skip_stretch(log);

    if (goes_on || whole == LOG_BAD)
        log_repaired(log, REPAIR_STRETCH);
    else
        log->profile->damage.cut = true;
}

static int
take_next(struct log *log, bool *ended)
{
    struct log_record record;
    enum log_look whole;
    int result;

    if (is_of_samples(log->input->data[0]) && !log->layout_known)
        learn_layout(log);
    whole = look(log, &record);
    if (whole != LOG_WHOLE) {
        pass_damage(log, whole);
        return 0;
    }
    result = take_record(log, &record);
    input_skip(log->input, record.size);
    *ended = record.marker == LOG_END;
    return result;
}

static bool
is_start(const struct input *input)
{
    struct log_words words;

    return log_look_at_start(input->data, input->size, &words) == LOG_IS_LOG;
}

/* Behind the end there may be another log, or more records, or anything. */
static int
pass_end(struct log *log)
{
    struct input *input = log->input;
    const uint64_t offset = input->offset;

    input_need(input, LOOK_AHEAD);
    if (!input->size)
        return 0;
    if (is_start(input)) {
        const int result = log_flush(log);
        return result ? result : begin_session(log);
    }
    if (is_record_at(log, 0)) {
        log_repaired(log, REPAIR_AFTER_END);
        return 0;
    }
    /* What is no file may never end. */
    do {
        input_skip(input, input->size);
        if (input->regular)
            input_need(input, LOOK_AHEAD);
    } while (input->size);
    input->ended = true;
    log->profile->damage.repairs[REPAIR_BYTES_AFTER_END] +=
        input->offset - offset;
    return 0;
}

/* Returns how many samples follow each other here, with their size in bytes. */
static unsigned
look_at_group(const struct log *log, struct log_record *records,
              struct stack_hash *hashes, size_t *size)
{
    const struct input *input = log->input;
    unsigned count = 0;

    *size = 0;
    while (count < LOG_GROUP_SIZE &&
           log_is_usual_sample(&log->layout, input->data + *size,
                               input->size - *size, &records[count])) {
        hashes[count] = log_stack_hash(log->stacks, &records[count]);
        *size += records[count].size;
        count++;
    }
    return count;
}

/* Samples one behind the other, as far as the window goes. */
static int
take_usual_samples(struct log *log)
{
    struct log_record records[LOG_GROUP_SIZE] = { 0 };
    struct stack_hash hashes[LOG_GROUP_SIZE];
    unsigned count;
    int result = 0;

    do {
        size_t size;

        count = look_at_group(log, records, hashes, &size);
        for (unsigned i = 0; i < count && !result; i++)
            result = log_sample(log, &records[i], hashes[i]);
        input_skip(log->input, size);
    } while (count == LOG_GROUP_SIZE && !result);
    return result;
}

static int
read_records(struct log *log)
{
    struct input *input = log->input;
    int result = begin_session(log);

    for (input_need(input, LEAST_RECORD); input->size && !result;
         input_need(input, LEAST_RECORD)) {
        bool ended = false;

        if (log->layout_known)
            result = take_usual_samples(log);
        if (!result && input->size)
            result = take_next(log, &ended);
        if (ended && !result)
            result = pass_end(log);
    }
    if (!result)
        result = log_flush(log);
    return result;
}

int
log_read(struct log *log)
{
    int result;

    log->stacks = log_stacks_new();
    log->batches = calloc(LOG_BATCHES, sizeof(*log->batches));
    if (!log->stacks || !log->batches)
        return -ENOMEM;
    result = read_records(log);
    if (!result)
        result = log_finish_names(log);
    log->profile->damage.cut |= log->input->broken;
    log->profile->file_size = log->input->file_size;
    return result;
}

void
log_free(struct log *log)
{
    log_stacks_free(log->stacks);
    free(log->batches);
    free(log->codes);
    vmp_intern_free(&log->metas);
    vmp_intern_free(&log->thread_ids);
    vmp_intern_free(&log->ids);
}
