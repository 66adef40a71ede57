/* SPDX-License-Identifier: MIT */

/*
 * Runs the handler as often as it is told to, by sending itself copies of a
 * tick that came from the clock. Needs forbid.so, which has seen one.
 *
 *     handler_runs COUNT          on each clock, and each source of frames
 *     handler_runs COUNT PLANTED  and a walker that calls the function PLANTED
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "forbid.h"
#include "profiled.h"

enum {
    DEPTH = 50,
    INNER = 8, /* frames that come and go */
};

static struct vmprof_thread *thread;
static siginfo_t tick;

static void
send_ticks(unsigned long count)
{
    const pid_t process = getpid(), self = (pid_t)syscall(SYS_gettid);

    while (count--)
        require(syscall(SYS_rt_tgsigqueueinfo, process, self, SIGPROF, &tick) ==
                0);
}

/* Of the clock of this session, which has to have had one. */
static void
learn_a_tick(void)
{
    bool (*last_signal)(siginfo_t *);

    *(void **)&last_signal = dlsym(RTLD_DEFAULT, "forbid_last_signal");
    require(last_signal);
    require(burn_until(profile_stats().samples || profile_stats().lost_walker,
                       10000));
    require(last_signal(&tick));
}

static void
enter_some(vmprof_code_id code, unsigned count)
{
    static uintptr_t cell;

    while (count--)
        vmprof_execute_code_enter(thread, code, count & 1 ? &cell : NULL);
}

/* Each tick finds another stack. */
static void
run_on_shadow_stacks(unsigned long count)
{
    const vmprof_code_id outer = code_named("outer"),
                         inner = code_named("inner");
    struct vmprof_stack *stack;
    vmprof_token token;

    require(vmprof_new_stack(0, &stack) == 0);
    token = vmprof_execute_code_enter(thread, outer, NULL);
    enter_some(outer, DEPTH);
    for (unsigned long i = 0; i < count; i += INNER) {
        if (i % (4 * INNER) == 0)
            require(vmprof_resume_stack(thread, stack) == 0);
        for (unsigned j = 0; j < INNER; j++) {
            enter_some(inner, 1);
            send_ticks(1);
        }
        if (i % (4 * INNER) == 0)
            require(vmprof_yield_stack(thread) == 0);
        vmprof_execute_code_leave(thread, token);
        enter_some(outer, DEPTH);
    }
    vmprof_execute_code_leave(thread, token);
}

static void
request(struct vmprof_thread *asked, void *user)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    const char *const planted = user;
    void *volatile memory;

    (void)asked;
    if (!planted)
        return;
    if (!strcmp(planted, "malloc"))
        memory = malloc(100), (void)memory;
    else if (!strcmp(planted, "free"))
        memory = NULL, free(memory);
    else if (!strcmp(planted, "mmap"))
        require(mmap(NULL, 1, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    else if (!strcmp(planted, "pthread_mutex_lock"))
        pthread_mutex_lock(&mutex);
    else if (!strcmp(planted, "printf"))
        printf("%d\n", thread != NULL);
    else if (!strcmp(planted, "write"))
        require(write(-1, "", 1) < 0);
    else if (!strcmp(planted, "dlopen"))
        require(dlopen(NULL, RTLD_LAZY));
    else
        require(planted == NULL);
}

static const char *planted;

static void
run_on_walkers(unsigned long count)
{
    const struct vmprof_walked_frame frame = { .code = code_named("walked") };

    require(vmprof_request_sample(thread, request,
                                  (void *)(uintptr_t)planted) == 0);
    for (unsigned long i = 0; i < count; i += 4) {
        send_ticks(4);
        require(vmprof_sample_stack(thread, &frame, 1, 0) >= 0);
    }
    require(vmprof_request_sample(thread, NULL, NULL) == 0);
}

static size_t
read_frames(struct vmprof_thread *whom, void *context,
            struct vmprof_linked_frame *frames, size_t room, size_t *cut,
            void *user)
{
    const vmprof_code_id *const code = user;
    size_t count = 0;

    (void)whom;
    for (; count < DEPTH && count < room; count++)
        frames[count] = (struct vmprof_linked_frame){
            .code = *code,
            .position = count,
            .stack_pointer = (uintptr_t)context + count,
            .has_position = count % 2 == 0,
        };
    *cut = DEPTH - count;
    return count;
}

static void
run_on_linked_frames(unsigned long count)
{
    vmprof_code_id code = code_named("linked");

    require(vmprof_read_frames(thread, read_frames, &code) == 0);
    send_ticks(count);
    require(vmprof_read_frames(thread, NULL, NULL) == 0);
}

/* What ticks interrupt is a trace for once: where they are sent from. */
static void
run_in_traces(unsigned long count)
{
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    void *sender;

    *(long (**)(long, ...)) & sender = syscall;
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = sender;
    trace.length = 40;
    trace.code = code_named("compiled");
    require(vmprof_reserve_trace(0, &reserved) == 0);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    for (unsigned long i = 0; i < count; i += 8) {
        vmprof_jit_enter(thread, reserved.id,
                         VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT);
        send_ticks(4);
        vmprof_jit_exit(thread, reserved.id + 1,
                        VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT);
        send_ticks(4);
    }
    require(vmprof_unregister_trace(reserved.id) == 0);
}

struct kind {
    const char *name;
    void (*run)(unsigned long count);
    unsigned share;
    uint32_t clock, native, format, log_parts, jit_emits;
};

static const struct kind kinds[] = {
    { .name = "walkers",
      .run = run_on_walkers,
      .share = 4,
      .clock = VMPROF_CLOCK_CPU_TIMER },
    { .name = "shadow stacks",
      .run = run_on_shadow_stacks,
      .share = 4,
      .clock = VMPROF_CLOCK_CPU_TIMER },
    { .name = "on a timer",
      .run = run_on_shadow_stacks,
      .share = 2,
      .clock = VMPROF_CLOCK_MONOTONIC },
    { .name = "on perf",
      .run = run_on_shadow_stacks,
      .share = 2,
      .clock = VMPROF_CLOCK_PERF },
    { .name = "linked frames",
      .run = run_on_linked_frames,
      .share = 2,
      .clock = VMPROF_CLOCK_CPU_TIMER },
    { .name = "traces",
      .run = run_in_traces,
      .share = 2,
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .jit_emits = VMPROF_EMIT_EVENT },
    { .name = "copies of the stack",
      .run = run_on_shadow_stacks,
      .share = 1,
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .native = VMPROF_NATIVE_COPY },
    { .name = "linked frames between copies",
      .run = run_on_linked_frames,
      .share = 1,
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .native = VMPROF_NATIVE_COPY },
    { .name = "frame pointers",
      .run = run_on_shadow_stacks,
      .share = 1,
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .native = VMPROF_NATIVE_FRAME_POINTERS },
    { .name = "a log with memory",
      .run = run_on_shadow_stacks,
      .share = 1,
      .clock = VMPROF_CLOCK_CPU_TIMER,
      .format = VMPROF_FORMAT_LOG,
      .log_parts = VMPROF_LOG_MEMORY | VMPROF_LOG_LINES | VMPROF_LOG_TRACES },
};

enum {
    KINDS = sizeof(kinds) / sizeof(*kinds),
};

/* False if the machine has no such clock, or cannot unwind. */
static bool
begin(const struct kind *kind)
{
    const int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct vmprof_options options = profile_options(file, 1e-6);
    int r;

    options.clock = kind->clock;
    options.native = kind->native;
    options.format = kind->format;
    options.log_parts = kind->log_parts;
    options.jit_emits = kind->jit_emits;
    r = vmprof_enable_with(&options);
    close(file);
    require(r == 0 || r == -ENOTSUP);
    return r == 0;
}

static void
end(const struct kind *kind, unsigned long count)
{
    struct vmprof_stats stats = profile_stats();
    const uint64_t samples = stats.samples;

    /* Disabling gives the writer two seconds, and ticks came faster than it
     * can write: on a busy machine that is not enough. */
    require(wait_until(profile_stats().samples_written >= samples, 120000));
    require(vmprof_disable() == 0);
    stats = profile_stats();
    require(stats.samples);
    /* A timer of time that passes goes on where nothing is due yet. */
    require(kind->clock == VMPROF_CLOCK_MONOTONIC ||
            stats.expirations >= count / 2);
    require(stats.expirations == stats.samples + stats.lost_ring_full +
                                     stats.lost_busy + stats.lost_switching +
                                     stats.lost_walker + stats.lost_overrun +
                                     stats.system_ticks);
    printf("%s: %lu sent, %llu due, %llu samples\n", kind->name, count,
           (unsigned long long)stats.expirations,
           (unsigned long long)stats.samples);
}

/* What no session was to be had for goes to the next one, and in the end to
 * the first. Returns what is left. */
static unsigned long
profile(const struct kind *kind, unsigned long count)
{
    if (!begin(kind))
        return count;
    learn_a_tick();
    kind->run(count);
    end(kind, count);
    return 0;
}

int
main(int argc, char **argv)
{
    unsigned long count, left = 0;
    unsigned shares = 0;

    require(argc == 2 || argc == 3);
    planted = argv[2];
    count = strtoul(argv[1], NULL, 10);
    require(vmprof_attach_thread(NULL, &thread) == 0);
    if (planted)
        return profile(&kinds[0], count) != 0;
    for (unsigned i = 0; i < KINDS; i++)
        shares += kinds[i].share;
    for (unsigned i = 0; i < KINDS; i++)
        left = profile(&kinds[i], left + count * kinds[i].share / shares + 8);
    return left && profile(&kinds[0], left);
}
