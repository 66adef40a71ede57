/* SPDX-License-Identifier: MIT */

/* The vmprof log from its first word to its trailer, and its buffer. */

#include "log_encoder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum {
    /* A disk that gets full costs no more than this of what fits. */
    SEND_AT = 2 * 1024,
    TEXT_MAX = 255,
    PREFIX_SIZE = 64,
    NS_PER_US = 1000,
    NS_PER_S = 1000000000,
};

int
vmp_log_send(struct vmp_log_encoder *log)
{
    int r = 0;

    if (log->used)
        r = log->base.sink(log->base.user, log->buffer, log->used);
    if (r < 0)
        log->base.unwritten += log->samples;
    else
        log->base.written += log->samples;
    log->samples = 0;
    log->used = 0;
    return r;
}

int
vmp_log_reserve(struct vmp_log_encoder *log, size_t size)
{
    return log->used && log->used + size > SEND_AT ? vmp_log_send(log) : 0;
}

void
vmp_log_put_byte(struct vmp_log_encoder *log, unsigned value)
{
    log->buffer[log->used++] = (unsigned char)value;
}

void
vmp_log_put_word(struct vmp_log_encoder *log, uint64_t value)
{
    vmp_put_u32(log->buffer + log->used, (uint32_t)value);
    vmp_put_u32(log->buffer + log->used + 4, (uint32_t)(value >> 32));
    log->used += VMP_LOG_WORD;
}

static void
put_bytes(struct vmp_log_encoder *log, const void *data, size_t size)
{
    memcpy(log->buffer + log->used, data, size);
    log->used += size;
}

static void
put_string(struct vmp_log_encoder *log, const char *text, size_t size)
{
    vmp_log_put_word(log, size);
    put_bytes(log, text, size);
}

void
vmp_log_put_name(struct vmp_log_encoder *log, enum vmp_log_marker marker,
                 uint64_t id, char *name, size_t size)
{
    vmp_repair_utf8(name, size);
    vmp_log_reserve(log, 1 + 2 * VMP_LOG_WORD + size);
    vmp_log_put_byte(log, marker);
    vmp_log_put_word(log, id);
    put_string(log, name, size);
}

/* No key is ever given twice: vmprof-python takes that for a broken file. */
static void
put_meta(struct vmp_log_encoder *log, const char *key, const char *value)
{
    char text[TEXT_MAX];
    const size_t size =
        value ? vmp_cut_utf8(value, strlen(value), sizeof(text)) : 0;

    if (!size)
        return;
    memcpy(text, value, size);
    vmp_repair_utf8(text, size);
    vmp_log_reserve(log, 1 + 2 * VMP_LOG_WORD + strlen(key) + size);
    vmp_log_put_byte(log, VMP_LOG_META);
    put_string(log, key, strlen(key));
    put_string(log, text, size);
}

static void
put_meta_number(struct vmp_log_encoder *log, const char *key, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRIu64, value);
    put_meta(log, key, digits);
}

static void
put_time(struct vmp_log_encoder *log, enum vmp_log_marker marker,
         uint64_t unix_ns)
{
    static const char zone[8] = "UTC";

    vmp_log_put_byte(log, marker);
    vmp_log_put_word(log, unix_ns / NS_PER_S);
    vmp_log_put_word(log, unix_ns % NS_PER_S / NS_PER_US);
    put_bytes(log, zone, sizeof(zone));
}

/* The period is the only number in a log that is time: it is rounded. */
static uint64_t
period_us(const struct vmp_session_info *info)
{
    const uint64_t rounded = (info->interval_ns + NS_PER_US / 2) / NS_PER_US;

    return rounded ? rounded : 1;
}

static unsigned
mode_of(const struct vmp_log_encoder *log, const struct vmp_session_info *info)
{
    return (log->options.memory ? VMP_LOG_HAS_MEMORY : 0) |
           (log->has_pairs ? VMP_LOG_HAS_PAIRS : VMP_LOG_HAS_LINES) |
           (log->options.native ? VMP_LOG_HAS_NATIVE : 0) |
           (info->mode ? VMP_LOG_IS_REAL_TIME : 0);
}

static void
put_header(struct vmp_log_encoder *log, const struct vmp_session_info *info)
{
    const char *const given = info->vm_name ? info->vm_name : "";
    const size_t size = vmp_cut_utf8(given, strlen(given), TEXT_MAX);
    char name[TEXT_MAX];

    memcpy(name, given, size);
    vmp_repair_utf8(name, size);
    vmp_log_put_byte(log, VMP_LOG_HEADER);
    vmp_log_put_byte(log, VMP_LOG_VERSION >> 8); /* big-endian, this alone */
    vmp_log_put_byte(log, VMP_LOG_VERSION & 0xff);
    vmp_log_put_byte(log, mode_of(log, info));
    vmp_log_put_byte(log, (unsigned)size);
    put_bytes(log, name, size);
}

static void
put_session(struct vmp_log_encoder *log, const struct vmp_session_info *info)
{
    put_meta(log, "os", info->os ? info->os : "linux");
    put_meta(log, "bits", sizeof(void *) == 8 ? "64" : "32");
    put_meta(log, VMP_LOG_KEY "library", info->library);
    put_meta(log, VMP_LOG_KEY "program", info->program);
    put_meta(log, VMP_LOG_KEY "machine", info->machine);
    put_meta_number(log, VMP_LOG_KEY "pid", info->pid);
    put_meta_number(log, VMP_LOG_KEY "clock", info->clock);
    put_meta_number(log, VMP_LOG_KEY "interval_ns", info->interval_ns);
    put_meta_number(log, VMP_LOG_KEY "monotonic_ns", info->monotonic_ns);
}

static int
log_open(struct vmp_encoder *encoder, const struct vmp_session_info *info)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    const uint64_t words[] = { 0, 3, 0, period_us(info), 0 };

    log->period_ns = words[3] * NS_PER_US;
    log->unix_ns = info->unix_ns;
    log->has_pairs =
        !log->options.lines ||
        (info->vm_name && strcmp(info->vm_name, VMP_LOG_NAME_OF_PAIRS) == 0);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        vmp_log_put_word(log, words[i]);
    put_header(log, info);
    put_time(log, VMP_LOG_START, info->unix_ns);
    put_session(log, info);
    return vmp_log_send(log);
}

static int
log_thread(struct vmp_encoder *encoder, uint32_t index,
           const struct vmp_thread_info *info)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    uint64_t *const id = vmp_log_row(&log->threads, index, sizeof(*id));
    char key[PREFIX_SIZE], value[TEXT_MAX + 1];

    if (!id)
        return -ENOMEM;
    *id = info->id;
    /* Its name is told once. */
    if (index < log->thread_count)
        return 0;
    log->thread_count = index + 1;
    if (!info->name || !*info->name)
        return 0;
    snprintf(key, sizeof(key), VMP_LOG_KEY_THREAD "%" PRIu32, index);
    snprintf(value, sizeof(value), "%" PRIu64 " %.200s", info->id, info->name);
    put_meta(log, key, value);
    return 0;
}

static void
log_memory(struct vmp_encoder *encoder, uint64_t memory_kb)
{
    vmp_log_of(encoder)->memory_kb = memory_kb;
}

static void
log_begin(struct vmp_encoder *encoder)
{
    (void)encoder;
}

static int
log_finish(struct vmp_encoder *encoder)
{
    return vmp_log_send(vmp_log_of(encoder));
}

/* Keys are given once, so the last counters are told, at the end. */
static int
log_stats(struct vmp_encoder *encoder, uint64_t time_ns,
          const struct vmp_counters *counters)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);

    (void)time_ns;
    log->counters = *counters;
    log->has_counters = true;
    return 0;
}

static void
put_counters(struct vmp_log_encoder *log)
{
    const struct vmp_counters *const c = &log->counters;
#define PUT(name) put_meta_number(log, VMP_LOG_KEY #name, c->name);
    VMP_LOG_COUNTERS(PUT)
#undef PUT
    put_meta_number(log, VMP_LOG_KEY "unwritten", log->base.unwritten);
    put_meta_number(log, VMP_LOG_KEY "repeats", log->repeats);
}

static int
log_end(struct vmp_encoder *encoder, uint64_t time_ns)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);

    if (log->has_counters)
        put_counters(log);
    vmp_log_reserve(log, 1 + 3 * VMP_LOG_WORD);
    put_time(log, VMP_LOG_END, log->unix_ns + time_ns);
    return vmp_log_send(log);
}

static int
log_chunk(struct vmp_encoder *encoder, enum vmp_chunk_type type)
{
    (void)type;
    encoder->chunk.used = 0;
    return 0;
}

static void
log_free(struct vmp_encoder *encoder)
{
    struct vmp_log_encoder *const log = vmp_log_of(encoder);
    struct vmp_log_module *const modules = log->modules.rows;

    for (uint32_t i = 0; i < log->module_count; i++)
        free(modules[i].path);
    free(modules);
    free(log->frames.rows);
    free(log->nodes.rows);
    free(log->threads.rows);
    free(log->function_of.rows);
    vmp_intern_free(&log->functions);
    vmp_intern_free(&log->ids);
    free(log);
}

static const struct vmp_encoding encoding = {
    .open = log_open,
    .code = vmp_log_code,
    .frame = vmp_log_frame,
    .address = vmp_log_address,
    .module = vmp_log_module,
    .node = vmp_log_node,
    .thread = log_thread,
    .memory = log_memory,
    .begin = log_begin,
    .sample = vmp_log_sample,
    .finish = log_finish,
    .stats = log_stats,
    .end = log_end,
    .chunk = log_chunk,
    .free = log_free,
};

int
vmp_encoder_new_log(struct vmp_encoder **out,
                    const struct vmp_log_options *options,
                    vmp_sink_function sink, vmp_name_of_function name_of,
                    void *user)
{
    struct vmp_log_encoder *const log = calloc(1, sizeof(*log));

    if (!log)
        return -ENOMEM;
    log->base.encoding = &encoding;
    log->base.sink = sink;
    log->base.name_of = name_of;
    log->base.user = user;
    log->base.unit_ns = 1; /* of chunks, which nobody sees */
    log->options = *options;
    *out = &log->base;
    return 0;
}
