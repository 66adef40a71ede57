/* SPDX-License-Identifier: MIT */

/* What was due is a sample or a loss, and no time is charged twice, whoever takes
 * the samples: with a full ring, a reader that stands still, pauses, and a signal
 * that is blocked. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"

enum {
    MS = 1000 * 1000,
    DEPTH = 40,
    PAUSED_MS = 60,
    SLACK_NS = 20 * MS, /* clocks that are coarse, and what begins and ends */
};

struct kind {
    const char *name;
    uint32_t mode, clock, sampling, native, format;
    void (*attach)(void);
};

static struct vmprof_thread *thread;
static vmprof_code_id code;
static const struct kind *kind;
static int file, ends[2];
static atomic_bool may_read;

static size_t
read_frames(struct vmprof_thread *whom, void *context,
            struct vmprof_linked_frame *frames, size_t room, size_t *cut,
            void *user)
{
    (void)whom;
    (void)context;
    (void)cut;
    (void)user;
    for (size_t i = 0; i < DEPTH && i < room; i++)
        frames[i] = (struct vmprof_linked_frame){ .code = code };
    return DEPTH < room ? DEPTH : room;
}

static void
read_own_frames(void)
{
    require(vmprof_read_frames(thread, read_frames, NULL) == 0);
}

static void
request(struct vmprof_thread *whom, void *user)
{
    (void)whom;
    (void)user;
}

static void
have_a_walker(void)
{
    require(vmprof_request_sample(thread, request, NULL) == 0);
}

static const struct kind kinds[] = {
    { .name = "what is usual" },
    { .name = "perf",
      .clock = VMPROF_CLOCK_PERF,
      .sampling = VMPROF_SAMPLING_SIGNAL },
    { .name = "a timer",
      .clock = VMPROF_CLOCK_MONOTONIC,
      .sampling = VMPROF_SAMPLING_SIGNAL },
    { .name = "a CPU timer",
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .sampling = VMPROF_SAMPLING_SIGNAL },
    { .name = "observed CPU time", .clock = VMPROF_CLOCK_OBSERVER },
    { .name = "wall time", .mode = VMPROF_MODE_WALL },
    { .name = "copies of the stack", .native = VMPROF_NATIVE_COPY },
    { .name = "frame pointers", .native = VMPROF_NATIVE_FRAME_POINTERS },
    { .name = "linked frames", .attach = read_own_frames },
    { .name = "a walker", .attach = have_a_walker },
    { .name = "a log", .format = VMPROF_FORMAT_LOG },
};

static void
recurse(unsigned depth)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);

    if (depth) {
        recurse(depth - 1);
    } else {
        for (volatile unsigned i = 0; i < 2000; i++)
            ;
        vmprof_poll(thread);
        if (kind->attach == have_a_walker)
            vmprof_sample_stack(thread, NULL, 0, 0);
    }
    vmprof_execute_code_leave(thread, token);
}

/* CPU time of the thread, in stacks that come and go. */
static void
work_ms(unsigned ms)
{
    const uint64_t end = lived_so_far().cpu_ns + (uint64_t)ms * MS;

    while (lived_so_far().cpu_ns < end)
        recurse(DEPTH);
}

static void
fill_pipe(void)
{
    static const char nothing[4096];

    require(pipe(ends) == 0);
    require(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (write(ends[1], nothing, sizeof(nothing)) > 0)
        ;
    require(errno == EAGAIN && fcntl(ends[1], F_SETFL, 0) == 0);
}

/* What the pipe was filled with is not the profile's. */
static void *
read_pipe(void *user)
{
    long filling = fcntl(ends[0], F_GETPIPE_SZ);
    char bytes[4096];
    ssize_t got;

    require(wait_until(atomic_load(&may_read), 60000));
    for (; filling > 0; filling -= got)
        require((got = read(ends[0], bytes, sizeof(bytes))) > 0);
    while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
        require(write(file, bytes, (size_t)got) == got);
    return user;
}

static void
work_blocked(void)
{
    sigset_t signals, before;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    work_ms(5);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
work_in_a_pause(void)
{
    require(vmprof_pause() == 1);
    work_ms(PAUSED_MS);
    require(vmprof_resume() == 0);
}

/* False if the machine has no such clock, or cannot unwind. */
static bool
begin(void)
{
    struct vmprof_options options = profile_options(ends[1], 0.0001);
    int r;

    options.mode = kind->mode;
    options.clock = kind->clock;
    options.sampling = kind->sampling;
    options.native = kind->native;
    options.format = kind->format;
    options.ring_size = 16 << 10;
    options.max_frames = 64;
    r = vmprof_enable_with(&options);
    require(r == 0 || r == -ENOTSUP);
    return r == 0;
}

/* In the file, of the one thread, in nanoseconds. */
static void
require_that_time_is_right(const struct decoded *d, struct lived from,
                           struct lived to)
{
    const uint64_t unit_ns = d->session.number[4],
                   most_ns = kind->mode == VMPROF_MODE_WALL
                                 ? to.wall_ns - from.wall_ns
                                 : to.cpu_ns - from.cpu_ns,
                   paused_ns = (uint64_t)PAUSED_MS * MS,
                   charged_ns = total_weight(d, 0) * unit_ns,
                   used_ns = d->threads[0].fields.number[10] * unit_ns;

    if (charged_ns + paused_ns > most_ns + SLACK_NS)
        dprintf(2, "%s: %llu ns charged of %llu\n", kind->name,
                (unsigned long long)charged_ns, (unsigned long long)most_ns);
    require(charged_ns + paused_ns <= most_ns + SLACK_NS);
    if (kind->mode == VMPROF_MODE_WALL)
        return;
    /* What is unsampled is not that of pauses, and all else is known of. */
    if (used_ns + paused_ns > most_ns + SLACK_NS ||
        used_ns + paused_ns + SLACK_NS < most_ns ||
        used_ns + SLACK_NS < charged_ns)
        dprintf(2, "%s: %llu ns used, %llu charged, %llu in all\n", kind->name,
                (unsigned long long)used_ns, (unsigned long long)charged_ns,
                (unsigned long long)most_ns);
    require(used_ns + paused_ns <= most_ns + SLACK_NS);
    require(used_ns + paused_ns + SLACK_NS >= most_ns);
    require(used_ns + SLACK_NS >= charged_ns);
}

static void
judge(struct lived from, struct lived to)
{
    const struct vmprof_stats s = profile_stats();
    struct decoded d;

    require(s.expirations == s.samples + s.system_ticks + s.lost_ring_full +
                                 s.lost_busy + s.lost_switching +
                                 s.lost_walker + s.lost_overrun);
    require(s.samples == s.samples_written + s.samples_unwritten);
    require(s.samples > 0 && s.samples_unwritten == 0);
    if (kind->format != VMPROF_FORMAT_NATIVE)
        return;
    require(decode_fd(&d, file) == 0 && d.ended);
    require_that_accounts_balance(&d);
    require_that_time_is_right(&d, from, to);
    decoded_free(&d);
}

static void
profile(void)
{
    struct lived from;
    pthread_t reader;

    file = profile_file();
    code = code_named("accounts");
    require(vmprof_attach_thread(NULL, &thread) == 0);
    if (kind->attach)
        kind->attach();
    fill_pipe();
    from = lived_so_far();
    if (!begin())
        return;
    require(pthread_create(&reader, NULL, read_pipe, NULL) == 0);
    work_in_a_pause();
    for (int64_t end = now_ms() + (int64_t)patience(20000);
         !profile_stats().lost_ring_full && now_ms() < end;)
        work_ms(1);
    require(profile_stats().lost_ring_full);
    atomic_store(&may_read, true);
    work_blocked();
    work_ms(5);
    require(vmprof_disable() == 0);
    close(ends[1]);
    require(pthread_join(reader, NULL) == 0);
    judge(from, lived_so_far());
}

static void
accounts_balance_whoever_takes_the_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        kind = &kinds[i];
        if (isolate(profile, 60))
            fail_msg("%s", kind->name);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_balance_whoever_takes_the_samples),
    };

    return cmocka_run_group_tests_name("accounts", tests, NULL, NULL);
}
