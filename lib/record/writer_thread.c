/* SPDX-License-Identifier: MIT */

/* The writer's thread: what it has to begin with, and its end. */

#include "writing.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "events/usdt.h"
#include "helper.h"
#include "interp/readout.h"
#include "layers/layers.h"
#include "memory.h"

static size_t
name_of(void *user, uint64_t code, char *buffer)
{
    (void)user;
    return vmp_code_name(code, buffer);
}

static void
symbol_of(void *user, const struct vmp_module_info *module, uint64_t address,
          struct vmp_symbol *out)
{
    struct vmp_writer *const writer = user;

    vmp_symbols_find(&writer->symbols, module, address, out);
}

static int
write_bytes(void *user, const void *data, size_t size)
{
    struct vmp_writer *const writer = user;

    return vmp_output_put(writer->output, data, size,
                          vmp_writer_samples(writer));
}

/* Returns false when it is time to end. */
static bool
wait_a_while(struct vmp_writer *writer)
{
    struct timespec until;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)writer->wait_ms * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&writer->mutex);
    if (!writer->stopping && !writer->hurried)
        pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
    stopping = writer->stopping;
    writer->hurried = false;
    pthread_mutex_unlock(&writer->mutex);
    return !stopping;
}

pid_t
vmp_writer_tid(const struct vmp_writer *writer)
{
    return atomic_load(&writer->tid);
}

static void *
run(void *user)
{
    struct vmp_writer *const writer = user;

    atomic_store(&writer->tid, gettid());
    pthread_setname_np(pthread_self(), "vmprof-writer");
    vmp_encoder_open(writer->encoder, &writer->info);
    vmp_writer_flush(writer);
    while (wait_a_while(writer)) {
        vmp_writer_round(writer, false);
        vmp_writer_rows(writer);
        vmp_writer_flush(writer);
        vmp_usdt_check();
    }
    vmp_writer_finish(writer);
    return NULL;
}

static void
free_writer(struct vmp_writer *writer)
{
    vmp_unwinder_free(writer->drain.unwinder);
    vmp_encoder_free(writer->encoder);
    free(writer->jit);
    free(writer->recorded);
    vmp_symbols_free(&writer->symbols);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

static int
new_encoder(struct vmp_writer *writer)
{
    const struct vmp_log_options log = {
        .memory = vmp_session.has_memory,
        .native = vmp_session.native != VMPROF_NATIVE_OFF,
        .lines = vmp_session.has_lines,
        .has_traces = vmp_session.has_traces,
        .symbol_of = symbol_of,
    };

    if (vmp_session.format == VMPROF_FORMAT_LOG)
        return vmp_encoder_new_log(&writer->encoder, &log, write_bytes, name_of,
                                   writer);
    return vmp_encoder_new(&writer->encoder, write_bytes, name_of, writer);
}

static int
new_events(struct vmp_writer *writer)
{
    if (!(vmp_session.jit.emits & VMPROF_EMIT_EVENT))
        return 0;
    writer->jit = calloc(1, sizeof(*writer->jit));
    if (!writer->jit)
        return -ENOMEM;
    writer->jit->encoder = writer->encoder;
    writer->jit->start_ns = writer->info.monotonic_ns;
    writer->jit->session = vmp_session.number;
    return 0;
}

static int
new_recorded(struct vmp_writer *writer)
{
    if (!vmp_writer_takes_rows())
        return 0;
    writer->recorded = calloc(1, sizeof(*writer->recorded));
    if (!writer->recorded)
        return -ENOMEM;
    writer->recorded->encoder = writer->encoder;
    writer->recorded->start_ns = writer->info.monotonic_ns;
    writer->recorded->session = vmp_session.number;
    return 0;
}

int
vmp_writer_start(struct vmp_writer **out, struct vmp_output *output,
                 const struct vmp_session_info *info)
{
    struct vmp_writer *const writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer)
        return -ENOMEM;
    writer->output = output;
    writer->info = *info;
    writer->wait_ms = VMP_WRITER_SHORTEST_MS;
    vmp_helper_condition(&writer->wake);
    pthread_mutex_init(&writer->mutex, NULL);
    r = new_encoder(writer);
    if (r == 0 && vmp_session.has_memory)
        vmp_encoder_memory(writer->encoder, vmp_memory_kb());
    writer->drain.encoder = writer->encoder;
    writer->drain.start_ns = info->monotonic_ns;
    writer->drain.traces = (struct vmp_telling){
        .encoder = writer->encoder,
        .start_ns = info->monotonic_ns,
        .has_chunks = vmp_writer_takes_rows(),
    };
    writer->drain.main_loop = (struct vmp_extent){
        (uintptr_t)vmp_session.main_loop,
        (uintptr_t)vmp_session.main_loop_end,
    };
    writer->drain.has_memory = vmp_session.has_memory;
    if (r == 0 && vmp_session.native)
        r = vmp_unwinder_new(&writer->drain.unwinder, writer->encoder,
                             &writer->drain.traces);
    /* Not by its thread: what happens at once is the session's, too. */
    if (r == 0)
        vmp_tell_open(&writer->drain.traces);
    if (r == 0)
        r = new_events(writer);
    if (r == 0)
        r = new_recorded(writer);
    /* Before the thread, whose first round may write of them. */
    if (r == 0 && vmp_writer_takes_rows())
        vmp_layers_open();
    if (r == 0)
        r = vmp_helper_start(&writer->thread, run, writer);
    if (r < 0) {
        vmp_layers_close();
        vmp_tell_close();
        free_writer(writer);
        return r;
    }
    if (vmp_writer_takes_rows())
        vmp_readout_open();
    *out = writer;
    return 0;
}

void
vmp_writer_hurry(struct vmp_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->hurried = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

void
vmp_writer_stop(struct vmp_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    vmp_output_hurry(writer->output);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    vmp_output_stop(writer->output);
    free_writer(writer);
}

void
vmp_writer_leave_to_parent(struct vmp_writer *writer)
{
    vmp_output_leave_to_parent(writer->output);
}
