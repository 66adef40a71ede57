/* SPDX-License-Identifier: MIT */

/* The traced side: a world for the operation, and a judgement afterwards. */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "page.h"
#include "profiled.h"

enum {
    ERRNO_BEFORE = EXDEV,
    BUSY_BIT = 1,
};

/* Any two ticks are far enough apart for both to be due. */
static const double INTERVAL = 1e-6;

static struct sigaction handler;

/* Stepping is time in the kernel, where perf does not tick: the library would start
 * a thread to take the samples, and ticks would be none. */
static bool is_alone;

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
               void *(*body)(void *user), void *user)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                  void *);

    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return is_alone ? EAGAIN : create(thread, attributes, body, user);
}

static void
lose_errno(int number, siginfo_t *info, void *context)
{
    handler.sa_sigaction(number, info, context);
    errno = EIO;
}

static void
spoil_handler(void)
{
    struct sigaction spoilt;

    require(sigaction(SIGPROF, NULL, &handler) == 0);
    spoilt = handler;
    spoilt.sa_sigaction = lose_errno;
    require(sigaction(SIGPROF, &spoilt, NULL) == 0);
}

/* The host's, which must be there again in the end. */
static void
take_foreign(int number)
{
    (void)number;
}

static void
set_foreign_handler(void)
{
    const struct sigaction action = { .sa_handler = take_foreign };

    require(sigaction(SIGPROF, &action, NULL) == 0);
}

static void
request(struct vmprof_thread *thread, void *user)
{
    (void)thread;
    (void)user;
}

static struct vmprof_options
options_of(const struct operation *operation, int file)
{
    struct vmprof_options options = profile_options(file, INTERVAL);

    /* It is there on each machine, asks nothing of perf's limits, and takes a
     * sample at any tick. */
    options.clock = VMPROF_CLOCK_CPU_TIMER;
    if (operation->flags & ON_TIMER)
        options.clock = VMPROF_CLOCK_MONOTONIC;
    else if (operation->flags & ON_PERF)
        options.clock = VMPROF_CLOCK_PERF;
    return options;
}

/* Of the thread that there is; 0: it has none. */
static int
perf_descriptor(void)
{
    for (int fd = 3; fd < 100; fd++) {
        char path[32], target[64];
        ssize_t size;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        size = readlink(path, target, sizeof(target) - 1);
        if (size < 0)
            continue;
        target[size] = 0;
        if (!strcmp(target, "anon_inode:[perf_event]"))
            return fd;
    }
    return 0;
}

/* Enabling waits until its clock has ticked, which takes the kernel's CPU timer 4
 * ms: most of a run. It finds this tick. */
static void
enable(const struct vmprof_options *options, siginfo_t *tick)
{
    sigset_t signals, before;
    int r;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    if (tick->si_signo)
        require(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGPROF,
                        tick) == 0);
    r = vmprof_enable_with(options);
    if (r == -ENOTSUP && options->clock == VMPROF_CLOCK_PERF)
        _exit(NOT_HERE);
    require(r == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void
attach(struct world *world, const struct operation *operation)
{
    struct vmprof_thread_options options;

    vmprof_thread_options_init(&options);
    options.max_depth = operation->flags & SHALLOW ? 2 : 0;
    require(vmprof_attach_thread(&options, &world->thread) == 0);
    if (operation->flags & IS_WALKED)
        require(vmprof_request_sample(world->thread, request, NULL) == 0);
}

static void
open_world(struct world *world, const struct operation *operation,
           struct page *page)
{
    char name[] = "t:A:1:";

    require(vmprof_register_code_class("t", NULL, &world->code_class) == 0);
    for (int i = 0; i < LETTERS; i++, name[2]++)
        require(vmprof_register_code(world->code_class, NULL, name,
                                     &world->codes[i]) == 0);
    world->file = profile_file();
    if (operation->flags & HAS_HANDLER)
        set_foreign_handler();
    if (!(operation->flags & UNATTACHED))
        attach(world, operation);
    if (!(operation->flags & NOT_ENABLED)) {
        const struct vmprof_options options =
            options_of(operation, world->file);

        enable(&options, &page->tick);
        if (operation->flags & ON_PERF)
            page->event = perf_descriptor();
    }
    if (world->thread && !(operation->flags & IS_WALKED)) {
        enter_letter(world, 'A');
        enter_letter(world, 'B');
    }
    if (operation->prepare)
        operation->prepare(world);
    if (operation->flags & LOSES_ERRNO)
        spoil_handler();
}

/* The running stack as the VM's side of it says, each link checked. */
static void
walk(const struct world *world, char *to, size_t size)
{
    const struct vmprof_thread *const thread = vmprof_current_thread();
    const struct vmprof_frame *frame;
    size_t depth = 0;

    *to = 0;
    if (!thread)
        return;
    for (frame = thread->top - 1; frame->code != UINT64_MAX; frame--) {
        const uint64_t id = frame->code << 8 >> 8 & ~(uint64_t)BUSY_BIT;

        require(depth + 2 < size);
        require(((frame->code ^ frame->link) & 1) == 0);
        require((uint32_t)(frame->link >> 32) == (uint32_t)frame[-1].link);
        to[depth++] = (char)('A' + (id - world->codes[0]) / 4);
        to[depth] = 0;
    }
}

/* A frame in the notation of operations.h. */
static int
describe_frame(const struct decoded *d, const struct decoded_frame *frame,
               char *to, size_t size)
{
    const char *const name = decoded_name(d, frame->code);
    const char letter = name ? name[2] : '?';
    char kind[8] = "";

    if (frame->kind != VMPROF_KIND_CODE)
        snprintf(kind, sizeof(kind), "[%u]", (unsigned)frame->kind);
    if (frame->has_offset)
        require(frame->offset == place_of_letter(letter));
    return snprintf(to, size, "%c%s",
                    frame->has_offset ? letter : letter - 'A' + 'a', kind);
}

static void
describe(const struct decoded *d, const struct decoded_sample *sample, char *to,
         size_t size)
{
    uint32_t frames[16];
    const size_t depth = decoded_stack(d, sample->node, frames, 16);
    size_t used = 0;

    *to = 0;
    require(depth <= 16);
    for (size_t i = 0; i < depth; i++)
        used += (size_t)describe_frame(d, &d->frames[frames[i]], to + used,
                                       size - used);
    if (sample->state & 2)
        used += (size_t)snprintf(to + used, size - used, "+");
    if (sample->phase)
        snprintf(to + used, size - used, "!%u", (unsigned)sample->phase);
}

/* What samples show is the operation's path, from one of its ends to the other
 * without a step back. */
static void
judge_samples(const struct operation *operation, const struct decoded *d)
{
    const char *const *at = operation->path;

    for (size_t i = 0; i < d->sample_count; i++) {
        const char *const *from = at;
        char text[64];

        if (is_gap(d, &d->samples[i]))
            continue;
        describe(d, &d->samples[i], text, sizeof(text));
        while (at < operation->path + PATH_MAX_LENGTH && *at &&
               strcmp(*at, text))
            at++;
        if (at < operation->path + PATH_MAX_LENGTH && *at)
            continue;
        dprintf(2, "%s: a sample shows \"%s\" after \"%s\"\n", operation->name,
                text, *from);
        _exit(1);
    }
}

static void
judge_counts(const struct operation *operation, const struct page *page)
{
    const struct vmprof_stats s = profile_stats();
    /* The time of stepping has room for more. */
    const uint64_t delivered = s.expirations - s.lost_overrun - s.system_ticks;

    require(delivered <= page->delivered + s.polled);
    if (!(operation->flags & MAY_LOSE))
        require(s.lost_busy == 0 && s.lost_walker == 0);
    require(s.lost_ring_full == 0 && s.lost_switching == 0);
    if (!(operation->flags & NOT_ALWAYS))
        require(delivered == page->delivered);
}

static void
judge(const struct operation *operation, const struct world *world,
      const struct page *page)
{
    const struct decoded none = { 0 };
    const bool has_handler = operation->flags & HAS_HANDLER;
    struct sigaction action;
    struct decoded d;

    if (profile_stats().enabled)
        require(vmprof_disable() == 0);
    require(decode_fd(&d, world->file) == 0);
    if (d.chunk_count) {
        require(d.ended);
        require_that_accounts_balance(&d);
        judge_samples(operation, &d);
        judge_counts(operation, page);
    } else {
        require_that_accounts_balance(&none);
    }
    require(sigaction(SIGPROF, NULL, &action) == 0);
    require(operation->flags & LOSES_ERRNO ||
            action.sa_handler == (has_handler ? take_foreign : SIG_DFL));
}

void
tracee_run(const struct operation *operation, struct page *page)
{
    struct world world = { 0 };

    restore_fatal_signals();
    require(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    open_world(&world, operation, page);
    is_alone = operation->flags & ON_PERF;
    if (page->burns)
        burn_cpu_ms(50);
    errno = ERRNO_BEFORE;
    stop_here();
    page->result = operation->run(&world);
    stop_here();
    page->error = errno;
    walk(&world, page->after, sizeof(page->after));
    if (world.check)
        world.check(&world);
    judge(operation, &world, page);
    _exit(0);
}
