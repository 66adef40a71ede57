/* SPDX-License-Identifier: MIT */

#include "output.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../format/format.h"
#include "../format/log.h"
#include "../os/clock.h"
#include "../os/descriptors.h"
#include "helper.h"
#include "sink.h"

enum {
    FLUSH_AT = 256 * 1024,
    MOST_BYTES = VMP_LOG_STACK_MAX, /* of one record, the largest there is */
    MOST_CHUNKS = 2048,
    GRACE_NS = 250 * 1000 * 1000, /* for the thread to give up by itself */
};

static_assert(FLUSH_AT >= VMP_CHUNK_HEADER_SIZE + VMP_CHUNK_MAX_PAYLOAD &&
                  MOST_BYTES >= FLUSH_AT,
              "every chunk fits");

/* Where a chunk ends in the batch, and the samples before it. */
struct mark {
    size_t end;
    uint64_t samples;
};

struct vmp_output {
    struct vmp_sink sink;
    bool is_whole;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    bool ready;   /* the descriptor is where it belongs */
    bool pending; /* the batch is the thread's */
    bool ending;
    bool given_up; /* nobody waits for the thread, nor frees this */

    /* Of who puts and flushes. */
    int error;
    uint64_t samples;
    size_t used;
    unsigned chunk_count;
    struct mark marks[MOST_CHUNKS];
    unsigned char batch[MOST_BYTES]; /* the thread's while pending */
};

static void
free_output(struct vmp_output *output)
{
    pthread_cond_destroy(&output->changed);
    pthread_mutex_destroy(&output->mutex);
    free(output);
}

/* The bytes of a chunk that the first `size` of the batch end with. */
static size_t
torn_within(const struct vmp_output *output, size_t size)
{
    size_t whole = 0;

    for (unsigned i = 0; i < output->chunk_count; i++)
        if (output->marks[i].end <= size)
            whole = output->marks[i].end;
    return size - whole;
}

static void
write_batch(struct vmp_output *output)
{
    const uint64_t before = vmp_output_bytes(output);
    const int r = vmp_sink_write(&output->sink, output->batch, output->used);
    const size_t size = (size_t)(vmp_output_bytes(output) - before);

    if (r < 0 && output->is_whole)
        vmp_sink_take_back(&output->sink, torn_within(output, size));
}

/* Write batch after batch. Returns whether it was given up. */
static bool
serve(struct vmp_output *output)
{
    bool given_up;

    pthread_mutex_lock(&output->mutex);
    output->ready = true;
    pthread_cond_broadcast(&output->changed);
    for (;;) {
        while (!output->pending && !output->ending)
            pthread_cond_wait(&output->changed, &output->mutex);
        if (!output->pending)
            break;
        pthread_mutex_unlock(&output->mutex);
        write_batch(output);
        pthread_mutex_lock(&output->mutex);
        output->pending = false;
        pthread_cond_broadcast(&output->changed);
    }
    given_up = output->given_up;
    pthread_mutex_unlock(&output->mutex);
    return given_up;
}

static void *
run(void *user)
{
    struct vmp_output *const output = user;

    pthread_setname_np(pthread_self(), "vmprof-output");
    if (vmp_descriptors_keep_only(output->sink.fd) == 0)
        output->sink.is_shared = false;
    if (serve(output)) {
        vmp_sink_close(&output->sink);
        free_output(output);
    }
    /* Its own table of descriptors ends with it. */
    return NULL;
}

static void
await_ready(struct vmp_output *output)
{
    pthread_mutex_lock(&output->mutex);
    while (!output->ready)
        pthread_cond_wait(&output->changed, &output->mutex);
    pthread_mutex_unlock(&output->mutex);
}

int
vmp_output_start(struct vmp_output **out, int fd, bool is_whole)
{
    struct vmp_output *const output = calloc(1, sizeof(*output));
    int r, number;

    if (!output)
        return -ENOMEM;
    r = vmp_sink_open(&output->sink, fd);
    if (r < 0) {
        free(output);
        return r;
    }
    output->is_whole = is_whole;
    number = output->sink.fd;
    pthread_mutex_init(&output->mutex, NULL);
    vmp_helper_condition(&output->changed);
    r = vmp_helper_start(&output->thread, run, output);
    if (r < 0) {
        vmp_sink_close(&output->sink);
        free_output(output);
        return r;
    }
    await_ready(output);
    if (!output->sink.is_shared)
        close(number); /* the thread has its own */
    *out = output;
    return 0;
}

int
vmp_output_put(struct vmp_output *output, const void *chunk, size_t size,
               uint64_t samples)
{
    if ((output->used && output->used + size > FLUSH_AT) ||
        output->chunk_count == MOST_CHUNKS)
        vmp_output_flush(output, samples);
    if (output->error)
        return -output->error;
    memcpy(output->batch + output->used, chunk, size);
    output->used += size;
    output->marks[output->chunk_count++] =
        (struct mark){ output->used, samples };
    return 0;
}

static struct timespec
time_of(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
                              .tv_nsec = (long)(ns % 1000000000) };
}

/* Returns 0, or -ETIMEDOUT after a deadline; under the mutex. */
static int
await_thread(struct vmp_output *output)
{
    int r = 0;

    while (output->pending && r == 0) {
        const uint64_t deadline_ns = atomic_load(&output->sink.deadline_ns);
        const struct timespec until = time_of(deadline_ns + GRACE_NS);

        if (deadline_ns)
            r = pthread_cond_timedwait(&output->changed, &output->mutex,
                                       &until);
        else
            pthread_cond_wait(&output->changed, &output->mutex);
    }
    return output->pending ? -ETIMEDOUT : 0;
}

/* The samples of the chunks that are whole in the first `size` bytes. */
static uint64_t
samples_within(const struct vmp_output *output, size_t size, uint64_t all)
{
    for (unsigned i = 0; i < output->chunk_count; i++)
        if (output->marks[i].end > size)
            return output->marks[i].samples;
    return all;
}

int
vmp_output_flush(struct vmp_output *output, uint64_t samples)
{
    const uint64_t before = vmp_output_bytes(output);
    int r;

    if (output->error || !output->used)
        return -output->error;
    pthread_mutex_lock(&output->mutex);
    output->pending = true;
    pthread_cond_broadcast(&output->changed);
    r = await_thread(output);
    pthread_mutex_unlock(&output->mutex);

    output->error = r < 0 ? -r : output->sink.error;
    output->samples = samples_within(
        output, (size_t)(vmp_output_bytes(output) - before), samples);
    output->used = 0;
    output->chunk_count = 0;
    return -output->error;
}

uint64_t
vmp_output_samples(const struct vmp_output *output)
{
    return output->samples;
}

uint64_t
vmp_output_bytes(const struct vmp_output *output)
{
    return atomic_load(&output->sink.bytes_written);
}

int
vmp_output_error(const struct vmp_output *output)
{
    return output->error;
}

void
vmp_output_hurry(struct vmp_output *output)
{
    pthread_mutex_lock(&output->mutex);
    vmp_sink_hurry(&output->sink);
    pthread_cond_broadcast(&output->changed);
    pthread_mutex_unlock(&output->mutex);
}

void
vmp_output_stop(struct vmp_output *output)
{
    const pthread_t thread = output->thread;
    bool given_up;

    pthread_mutex_lock(&output->mutex);
    output->ending = true;
    given_up = output->given_up = output->pending;
    if (given_up)
        pthread_detach(thread);
    pthread_cond_broadcast(&output->changed);
    pthread_mutex_unlock(&output->mutex);
    if (given_up)
        return;
    pthread_join(thread, NULL);
    if (output->sink.is_shared)
        vmp_sink_close(&output->sink);
    free_output(output);
}

void
vmp_output_leave_to_parent(struct vmp_output *output)
{
    if (output->sink.is_shared)
        vmp_sink_close(&output->sink);
}
