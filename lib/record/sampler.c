/* SPDX-License-Identifier: MIT */

/* Enable, disable, pause: the public side of a session. */

#include <vmprof/sampler.h>
#include <vmprof/version.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../os/barrier.h"
#include "../sized.h"
#include "code.h"
#include "fork.h"
#include "layers/layers.h"
#include "memory.h"
#include "native.h"
#include "observer.h"
#include "session.h"
#include "signal/handler.h"

enum {
    OPTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_options, reserved),
    DEFAULT_MAX_FRAMES = 1024,
    MOST_MAX_FRAMES = 65536,
    LEAST_DEFAULT_RING = 1 << 20,
    MOST_DEFAULT_RING = 16 << 20,
    LEAST_RING_SIZE = 16 << 10,
    MOST_RING_SIZE = 1 << 30,
    DEFAULT_JIT_RING = 1 << 19,
    LEAST_JIT_RING = 1 << 10,
    MOST_JIT_RING = 1 << 26,
    PROBES_IN_SEGMENT = 5, /* that is long enough to tell its time */
};

static int
check_clock(const struct vmprof_options *options)
{
    const bool observed = options->clock == VMPROF_CLOCK_OBSERVER;

    if (options->mode > VMPROF_MODE_WALL ||
        options->clock > VMPROF_CLOCK_CPU_TIMER)
        return -EINVAL;
    if (options->mode == VMPROF_MODE_CPU)
        return 0;
    return observed || options->clock == VMPROF_CLOCK_AUTO ? 0 : -EINVAL;
}

static int
check_format(const struct vmprof_options *options)
{
    const uint32_t parts =
        VMPROF_LOG_MEMORY | VMPROF_LOG_LINES | VMPROF_LOG_TRACES;

    if (options->format > VMPROF_FORMAT_LOG || options->log_parts & ~parts ||
        (options->format != VMPROF_FORMAT_LOG && options->log_parts))
        return -EINVAL;
    return 0;
}

static int
check_jit(struct vmprof_options *options)
{
    const uint32_t emits =
        VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT;
    const uint32_t size = options->jit_ring_size;

    if (!size)
        options->jit_ring_size = DEFAULT_JIT_RING;
    else if (size < LEAST_JIT_RING || size > MOST_JIT_RING || size & (size - 1))
        return -EINVAL;
    if (options->jit_emits & ~emits ||
        options->jit_inner > VMPROF_JIT_INNER_AUTO ||
        options->jit_overflow > VMPROF_JIT_OVERFLOW_BLOCK ||
        (options->format == VMPROF_FORMAT_LOG &&
         options->jit_emits & VMPROF_EMIT_EVENT))
        return -EINVAL;
    return 0;
}

static bool
is_observed(const struct vmprof_options *options)
{
    return options->mode == VMPROF_MODE_WALL ||
           options->clock == VMPROF_CLOCK_OBSERVER;
}

/* A record of the most frames there can be takes at most a quarter of it. */
static uint64_t
least_ring(const struct vmprof_options *options)
{
    const uint64_t need =
        4 * (sizeof(struct vmp_record) +
             options->max_frames * sizeof(struct vmprof_linked_frame) +
             vmp_native_most(options));
    uint64_t size = LEAST_RING_SIZE;

    while (size < need)
        size *= 2;
    return size;
}

/* Room for what two seconds bring, at 256 bytes a sample: so long a writer may
 * stand still. Of that, memory is what was ever needed. */
static uint64_t
default_ring(double interval)
{
    uint64_t size = LEAST_DEFAULT_RING;

    while (size < MOST_DEFAULT_RING && (double)size * interval < 2 * 256)
        size *= 2;
    return size;
}

static int
check(struct vmprof_options *options)
{
    int r;

    /* NaN is not in the range either. */
    if (!(options->interval > 0 && options->interval < 1) ||
        options->interval * 1e9 < 1)
        return -EINVAL;
    r = check_clock(options);
    if (r < 0)
        return r;
    r = check_format(options);
    if (r < 0)
        return r;
    r = check_jit(options);
    if (r < 0)
        return r;
    r = vmp_native_check(options);
    if (r < 0)
        return r;
    if (!options->max_frames)
        options->max_frames = DEFAULT_MAX_FRAMES;
    if (!options->ring_size)
        options->ring_size =
            vmp_native_ring(options, default_ring(options->interval));
    if (options->max_frames > MOST_MAX_FRAMES ||
        options->ring_size < LEAST_RING_SIZE ||
        options->ring_size > MOST_RING_SIZE ||
        options->ring_size & (options->ring_size - 1) ||
        options->sampling > VMPROF_SAMPLING_SIGNAL || options->reserved)
        return -EINVAL;
    if (options->ring_size < least_ring(options))
        options->ring_size = least_ring(options);
    return 0;
}

/* The first rung that works here. */
static int
choose_rung(const struct vmprof_options *options, enum vmprof_clock *out)
{
    static const enum vmprof_clock ladder[] = { VMPROF_CLOCK_PERF,
                                                VMPROF_CLOCK_MONOTONIC,
                                                VMPROF_CLOCK_CPU_TIMER };
    const bool any = options->clock == VMPROF_CLOCK_AUTO ||
                     options->clock == VMPROF_CLOCK_OBSERVER;

    for (size_t i = 0; i < sizeof(ladder) / sizeof(*ladder); i++) {
        if (!any && options->clock != ladder[i])
            continue;
        if (vmp_clock_check(ladder[i]) == 0) {
            *out = ladder[i];
            return 0;
        }
    }
    /* Beside an observer only walkers need one; each without is counted. */
    *out = VMPROF_CLOCK_AUTO;
    return is_observed(options) ? 0 : -ENOTSUP;
}

static void
set_up_jit(const struct vmprof_options *options)
{
    struct vmp_jit_wishes *const jit = &vmp_session.jit;

    jit->emits = options->jit_emits;
    jit->inner = options->jit_inner;
    jit->overflow = options->jit_overflow;
    jit->capacity = options->jit_ring_size;
    if (jit->inner == VMPROF_JIT_INNER_AUTO && jit->emits & VMPROF_EMIT_EVENT)
        jit->too_short = PROBES_IN_SEGMENT * vmp_jit_probe_ticks();
}

static void
set_up(const struct vmprof_options *options, enum vmprof_clock rung)
{
    static unsigned last_number;

    memset(&vmp_session, 0, sizeof(vmp_session));
    vmp_session.interval_ns = (uint64_t)(options->interval * 1e9 + 0.5);
    vmp_session.max_frames = options->max_frames;
    vmp_session.native = options->native;
    vmp_session.native_bytes = options->native_bytes;
    vmp_session.mode = options->mode;
    vmp_session.format = options->format;
    vmp_session.has_memory = options->log_parts & VMPROF_LOG_MEMORY;
    vmp_session.has_lines = options->log_parts & VMPROF_LOG_LINES;
    vmp_session.has_traces = options->log_parts & VMPROF_LOG_TRACES;
    vmp_session.main_loop = options->main_loop;
    vmp_session.main_loop_end = options->main_loop_end;
    vmp_session.rung = rung;
    vmp_session.clock = is_observed(options) ? VMPROF_CLOCK_OBSERVER : rung;
    vmp_session.polled = !is_observed(options) &&
                         options->sampling == VMPROF_SAMPLING_AUTO &&
                         /* At polls there is nothing native to see. */
                         options->native == VMPROF_NATIVE_OFF;
    vmp_session.number = ++last_number ? last_number : ++last_number;
    vmp_session.ring_size = (size_t)options->ring_size;
    set_up_jit(options);
    vmp_session.start_ns = vmp_now_ns(CLOCK_MONOTONIC);
    vmp_session.enabled_by = gettid();
    if (options->vm_name)
        strncpy(vmp_session.vm_name, options->vm_name,
                sizeof(vmp_session.vm_name) - 1);
    strncpy(vmp_session.program, program_invocation_short_name,
            sizeof(vmp_session.program) - 1);
}

static uint32_t
random_number(void)
{
    uint32_t number;

    if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
        number = (uint32_t)vmp_now_ns(CLOCK_REALTIME) ^ (uint32_t)getpid();
    return number;
}

static int
start_writer(struct vmp_output *output)
{
    static struct utsname system;
    struct vmp_session_info info = {
        .vm_name = vmp_session.vm_name,
        .library = VMPROF_VERSION,
        .program = vmp_session.program,
        .unix_ns = vmp_now_ns(CLOCK_REALTIME),
        .monotonic_ns = vmp_session.start_ns,
        .interval_ns = vmp_session.interval_ns,
        .pid = (uint64_t)getpid(),
        .max_frames = vmp_session.max_frames,
        .mode = vmp_session.mode,
        .clock = vmp_session.clock,
        .session = random_number(),
    };

    if (uname(&system) == 0) {
        info.os = strcmp(system.sysname, "Linux") ? system.sysname : "linux";
        info.machine = system.machine;
    }
    return vmp_writer_start(&vmp_session.writer, output, &info);
}

static int
start(struct vmp_output *output)
{
    int r = vmp_session.has_memory ? vmp_memory_open() : 0;

    if (r < 0)
        return r;
    r = start_writer(output);
    if (r < 0) {
        vmp_memory_close();
        return r;
    }
    vmp_codes_keep_forgotten(true);
    vmp_session.enabled = true;
    vmp_jit_set_emits(&vmp_session.jit);
    vmp_pauses_begin(vmp_session.number);
    atomic_store(&vmp_session.sampling, true);
    for (struct vmp_thread *t = vmp_threads; t; t = t->next)
        if (t->state == VMP_THREAD_ATTACHED)
            vmp_session_join(t);
    vmp_recorder_set_session(
        vmp_session.format == VMPROF_FORMAT_LOG ? 0 : vmp_session.number);
    return 0;
}

static int
enable_locked(const struct vmprof_options *options)
{
    struct vmp_session last;
    enum vmprof_clock rung;
    struct vmp_output *output;
    int r;

    if (vmp_session.enabled)
        return -EBUSY;
    r = vmp_output_start(&output, options->fd,
                         options->format == VMPROF_FORMAT_LOG);
    if (r < 0)
        return r;
    r = vmp_handler_install();
    if (r == 0) {
        r = choose_rung(options, &rung);
        if (r == 0) {
            /* The stats are the last session's until there is another. */
            memcpy(&last, &vmp_session, sizeof(last));
            set_up(options, rung);
            r = start(output);
            if (r < 0)
                memcpy(&vmp_session, &last, sizeof(last));
        }
        if (r < 0)
            vmp_handler_remove();
    }
    if (r < 0)
        vmp_output_stop(output);
    return r;
}

/* Takes what was asked for of the session's counters before there can be
 * another session. */
static int
disable(struct vmprof_stats *stats)
{
    struct vmp_writer *writer;
    int r;

    /* First it stops to look, since it takes the lock. */
    vmp_threads_lock();
    writer = vmp_session.writer;
    vmp_session.writer = NULL;
    vmp_threads_unlock();
    if (!writer)
        return -EALREADY;
    vmp_observer_stop();

    vmp_threads_lock();
    vmp_session_stop_sampling();
    vmp_handler_remove();
    vmp_threads_unlock();

    vmp_writer_stop(writer);

    vmp_threads_lock();
    vmp_session_close();
    vmp_memory_close();
    r = vmp_session.write_error ? -EIO : 0;
    if (stats)
        vmp_stats_take(stats);
    /* Before the next session may begin, which wants them kept. */
    vmp_codes_keep_forgotten(false);
    vmp_threads_unlock();
    vmp_codes_name_all_end();
    return r;
}

static int
enable(const struct vmprof_options *given)
{
    struct vmprof_options options;
    int r, observed = 0;

    r = vmp_sized_import(&options, sizeof(options), OPTIONS_SIZE_0_1, given);
    if (r == 0)
        r = check(&options);
    if (r < 0)
        return r;
    vmp_fork_prepare();
    /* Once there are several threads the kernel takes 15 ms for it, and the first
     * thread that attaches would wait. */
    vmp_barrier_prepare();

    /* Before the lock, for it runs functions of the VM. */
    vmp_codes_name_all();
    vmp_threads_lock();
    r = enable_locked(&options);
    if (r == 0 && is_observed(&options))
        observed = vmp_observer_start();
    vmp_threads_unlock();
    if (r < 0)
        vmp_codes_name_all_end();
    if (observed < 0)
        disable(NULL);
    return r < 0 ? r : observed;
}

/* Neither is cut short where it waits for a thread of ours, nor changes the
 * host's errno. */
int
vmprof_enable_with(const struct vmprof_options *given)
{
    const int saved_errno = errno;
    int before, r;

    if (!given)
        return -EINVAL;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    r = enable(given);
    pthread_setcancelstate(before, NULL);
    errno = saved_errno;
    return r;
}

int
vmprof_enable(int fd, double interval)
{
    struct vmprof_options options;

    vmprof_options_init(&options);
    options.fd = fd;
    options.interval = interval;
    return vmprof_enable_with(&options);
}

int
vmprof_disable_with(struct vmprof_stats *stats)
{
    const int saved_errno = errno;
    int before, r = stats ? vmp_stats_check(stats) : 0;

    if (r < 0)
        return r;
    if (vmp_current)
        vmp_layers_settle(&vmp_current->events);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    r = disable(stats);
    pthread_setcancelstate(before, NULL);
    errno = saved_errno;
    return r;
}

int
vmprof_disable(void)
{
    return vmprof_disable_with(NULL);
}
