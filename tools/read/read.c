/* SPDX-License-Identifier: MIT */

/* profile_read(): which reader it takes, and what is said when none does. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "store.h"
#include "traces.h"
#include "vmprof_log.h"

enum {
    LONGEST_START = 40,
};

struct request {
    const char *path;
    char *message;
    size_t message_size;
};

static int __attribute__((format(printf, 2, 3)))
fail(const struct request *request, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(request->message, request->message_size, format, arguments);
    va_end(arguments);
    return -1;
}

static int
fail_to_open(const struct request *request, int error)
{
    switch (error) {
    case -ENOENT:
        return fail(request,
                    "%s does not exist; vmprof record -o FILE makes one",
                    request->path);
    case -EISDIR:
        return fail(request, "%s is a directory; name a file in it",
                    request->path);
    }
    return fail(request, "%s cannot be read: %s", request->path,
                strerror(-error));
}

static int
fail_without_chunk(const struct request *request, const struct native *native)
{
    const struct damage *damage = &native->profile->damage;

    if (native->input.error)
        return fail_to_open(request, -native->input.error);
    if (native->input.offset == 0 && native->input.broken)
        return fail(request, "%s is damaged: gzip cannot unpack its beginning",
                    request->path);
    if (native->input.offset == 0)
        return fail(request,
                    "%s is empty: nothing was recorded; did the program run "
                    "a VM that supports vmprof?",
                    request->path);
    if (damage->cut)
        return fail(request,
                    "%s ends within its first chunk, so nothing in it can be "
                    "read; record it again",
                    request->path);
    return fail(request,
                "%s is not a profile; this command reads the files that "
                "vmprof record writes, and vmprof logs",
                request->path);
}

static int
say_what_happened(const struct request *request, const struct native *native,
                  int result)
{
    if (result == -ECANCELED)
        return native->stopped;
    if (result < 0)
        return fail(request, "%s: not enough memory", request->path);
    if (!native->chunks)
        return fail_without_chunk(request, native);
    if (native->newer_format &&
        native->chunks == native->profile->damage.chunks_unknown)
        return fail(request,
                    "%s was written by a newer vmprof (format %llu); update "
                    "vmprof to read it",
                    request->path, (unsigned long long)native->newer_format);
    return 0;
}

/* A stack of one unknown frame. */
static int
add_unknown_node(struct native *native)
{
    const struct frame unknown = { .code = CODE_UNKNOWN };
    const int64_t frame = store_frame(native->profile, &unknown);
    const int64_t node =
        frame < 0 ? frame
                  : store_node(native->profile, NODE_ROOT, (uint32_t)frame);

    native->unknown_node = (uint32_t)node;
    return node < 0 ? -ENOMEM : 0;
}

static int
read_native(struct native *native, const struct request *request)
{
    int result = store_open(native->profile);

    native->profile->format = "vmprof native 1";
    if (result == 0)
        result = add_unknown_node(native);
    if (result == 0)
        result = native_read(native);
    return say_what_happened(request, native, result);
}

/* The words that a log begins with do not name its kind, so it is short. */
static int
refuse_log(const struct request *request, enum log_start start)
{
    if (start == LOG_IS_BIG_ENDIAN)
        return fail(request,
                    "%s is a vmprof log of a big-endian machine, which vmprof "
                    "does not read",
                    request->path);
    return fail(request,
                "%s ends within the first words of a vmprof log, so nothing in "
                "it can be read; record it again",
                request->path);
}

static int
read_log(struct native *native, const struct request *request)
{
    struct log *log = calloc(1, sizeof(*log));
    int result = log ? store_open(native->profile) : -ENOMEM;

    if (result == 0)
        result = add_unknown_node(native);
    if (result == 0) {
        native->profile->format = "vmprof log";
        log->profile = native->profile;
        log->input = &native->input;
        log->options = native->options;
        log->on_batch = native->on_batch;
        log->user = native->user;
        result = log_read(log);
    }
    if (result == -ECANCELED)
        result = log->stopped;
    else if (result < 0)
        result = fail(request, "%s: not enough memory", request->path);
    if (log)
        log_free(log);
    free(log);
    return result;
}

/* Files of a JIT compiler hold no samples. */
static int
refuse_jit_log(const struct request *request, const char *what,
               const char *option)
{
    return fail(request,
                "%s is %s, which has no samples; vmprof jit %s %s shows what "
                "is in it",
                request->path, what, option, request->path);
}

static int
read_other(struct native *native, const struct request *request)
{
    const struct input *input = &native->input;

    if (input->size >= 4 && vmp_get_u32(input->data) == VMP_CHUNK_MAGIC)
        return read_native(native, request);
    if (jitlog_is_at(input->data, input->size))
        return refuse_jit_log(request, "a jitlog of PyPy", "--jitlog");
    if (pypylog_is_at(input->data, input->size))
        return refuse_jit_log(request, "a PYPYLOG", "--pypylog");
    return read_native(native, request);
}

/* What the first bytes say. */
static int
read_any(struct native *native, const struct request *request)
{
    struct log_words words;
    enum log_start start;

    if (native->options.show_progress)
        input_show_progress(&native->input);
    input_need(&native->input, LONGEST_START);
    start = log_look_at_start(native->input.data, native->input.size, &words);
    switch (start) {
    case LOG_IS_NOT_LOG:
        return read_other(native, request);
    case LOG_IS_LOG:
        return read_log(native, request);
    default:
        return refuse_log(request, start);
    }
}

int
profile_read(struct profile *profile, const char *path,
             const struct read_options *options, batch_function on_batch,
             void *user, char *message, size_t message_size)
{
    const struct request request = { path, message, message_size };
    struct native *native = calloc(1, sizeof(*native));
    int result;

    memset(profile, 0, sizeof(*profile));
    if (message_size)
        message[0] = '\0';
    if (!native)
        return fail(&request, "%s: not enough memory", path);
    native->profile = profile;
    if (options)
        native->options = *options;
    native->on_batch = on_batch;
    native->user = user;
    result = input_open(&native->input, path);
    result = result < 0 ? fail_to_open(&request, result)
                        : read_any(native, &request);
    native_free(native);
    free(native);
    if (result)
        store_close(profile);
    return result;
}

void
profile_free(struct profile *profile)
{
    store_close(profile);
}
