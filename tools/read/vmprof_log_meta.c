/* SPDX-License-Identifier: MIT */

/*
 * Keys that this library's writer adds to a vmprof log: what the native format
 * says of a session. Whoever writes the same keys may mean anything, so values
 * that are no numbers count as 0.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/log.h"
#include "store.h"
#include "vmprof_log.h"

enum {
    NUMBER_SIZE = 24,
};

struct number_key {
    const char *name;
    size_t offset; /* of a uint64_t */
};

static const struct number_key counters[] = {
#define COUNTER(member) { #member, offsetof(struct session_stats, member) },
    VMP_LOG_COUNTERS(COUNTER) COUNTER(unwritten)
#undef COUNTER
};

static const struct number_key numbers[] = {
    { "pid", offsetof(struct session, pid) },
    { "monotonic_ns", offsetof(struct session, monotonic_ns) },
};

static const struct {
    const char *name;
    size_t offset; /* of a const char * */
} texts[] = {
    { "program", offsetof(struct session, program) },
    { "machine", offsetof(struct session, machine) },
    { "library", offsetof(struct session, library_version) },
};

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static uint64_t
number_of(const unsigned char *digits, size_t size)
{
    char text[NUMBER_SIZE] = "";

    memcpy(text, digits, size < sizeof(text) ? size : sizeof(text) - 1);
    return strtoull(text, NULL, 10);
}

static bool
is_name(const struct bytes *key, const char *name)
{
    return key->size == strlen(name) && memcmp(key->data, name, key->size) == 0;
}

static bool
set_number(void *object, const struct number_key *keys, size_t count,
           const struct bytes *name, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (is_name(name, keys[i].name)) {
            memcpy((char *)object + keys[i].offset, &number, sizeof(number));
            return true;
        }
    return false;
}

static int
set_text(struct log *log, struct session *session, const struct bytes *name,
         const struct bytes *value)
{
    for (size_t i = 0; i < LENGTH(texts); i++) {
        const char *text;

        if (!is_name(name, texts[i].name))
            continue;
        text = store_text(log->profile, value->data, value->size);
        if (!text)
            return -ENOMEM;
        memcpy((char *)session + texts[i].offset, &text, sizeof(text));
    }
    return 0;
}

/* "1234 main" */
static int
set_thread_name(struct log *log, const struct bytes *value)
{
    const unsigned char *blank = memchr(value->data, ' ', value->size);
    int64_t thread;
    size_t used;

    if (!blank)
        return 0;
    used = (size_t)(blank - value->data);
    thread = log_find_thread(log, number_of(value->data, used));
    if (thread < 0)
        return -ENOMEM;
    log->profile->threads[thread].name =
        store_text(log->profile, blank + 1, value->size - used - 1);
    return log->profile->threads[thread].name ? 0 : -ENOMEM;
}

int
log_own_meta(struct log *log, const struct log_record *record)
{
    struct session *session = &log->profile->sessions[log->session];
    const size_t prefix = strlen(VMP_LOG_KEY);
    const struct bytes name = { record->name.data + prefix,
                                record->name.size - prefix };
    const uint64_t number = number_of(record->value.data, record->value.size);

    if (record->name.size < prefix ||
        memcmp(record->name.data, VMP_LOG_KEY, prefix) != 0)
        return 0;
    if (name.size > 7 && memcmp(name.data, "thread.", 7) == 0)
        return set_thread_name(log, &record->value);
    if (set_number(&session->stats, counters, LENGTH(counters), &name, number))
        session->has_stats = true;
    else if (is_name(&name, "clock"))
        session->clock = (uint32_t)number;
    else if (!set_number(session, numbers, LENGTH(numbers), &name, number))
        return set_text(log, session, &name, &record->value);
    return 0;
}
