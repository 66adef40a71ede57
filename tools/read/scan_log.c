/* SPDX-License-Identifier: MIT */

/* The same of a vmprof log that this library writes. */
#include <stdlib.h>
#include <unistd.h>

#include "scan.h"
#include "vmprof_log.h"

enum {
    /* A record of the most frames that there can be is half of it. */
    WINDOW = 1 << 20,
};

static const struct log_layout plain = {
    .word_size = 8,
    .address_size = 8,
    .thread_ids = true,
    .end_time = true,
};

static void
take(struct scan *scan, const struct log_record *record)
{
    if (record->marker == LOG_STACK)
        scan->entries++;
    else if (record->marker == LOG_HEADER)
        scan->memory = record->mode & LOG_MEMORY;
    else if (record->marker == LOG_NATIVE_NAME)
        scan->modules++;
    else if (record->marker == LOG_END)
        scan->ends++;
}

static size_t
take_start(struct scan *scan, const unsigned char *data, size_t size)
{
    struct log_words words;

    if (log_look_at_start(data, size, &words) != LOG_IS_LOG)
        return 0;
    scan->sessions++;
    return words.size;
}

/* Returns how many bytes are whole records. */
static size_t
take_window(struct scan *scan, const unsigned char *data, size_t size)
{
    size_t used = 0;

    if (!scan->offset)
        used = take_start(scan, data, size);
    while (scan->sessions && used < size) {
        struct log_layout layout = plain;
        struct log_record record;

        layout.memory = scan->memory;
        if (log_look_at_record(&layout, data + used, size - used, &record) !=
            LOG_WHOLE)
            break;
        take(scan, &record);
        used += record.size;
    }
    return used;
}

void
scan_log(struct scan *scan, int fd)
{
    unsigned char *window = malloc(WINDOW);
    ssize_t size = 0;
    size_t used;

    do {
        if (window)
            size = pread(fd, window, WINDOW, (off_t)scan->offset);
        used = size > 0 ? take_window(scan, window, (size_t)size) : 0;
        scan->offset += used;
    } while (used);
    free(window);
}

bool
scan_is_log(int fd)
{
    unsigned char start[40];
    struct log_words words;
    const ssize_t size = pread(fd, start, sizeof(start), 0);

    return size == (ssize_t)sizeof(start) &&
           log_look_at_start(start, sizeof(start), &words) == LOG_IS_LOG;
}
