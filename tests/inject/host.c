/* SPDX-License-Identifier: MIT */

/* The host of the library: it wants a clear error, to find everything as it was,
 * and the next session to be a good one. */

#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "profiled.h"

enum {
    ERRNO_BEFORE = EXDEV,
    STACK_SIZE = 128 << 10, /* of threads; libc keeps some for the next */
    LEAST_LEAK = 768 << 10, /* bytes of mappings that are a leak */
    KEPT_BLOCK = 64 << 10,  /* freed memory that libc may keep */
    EVENTS = 50,
};

const struct way host_ways[] = {
    { .name = "any clock" },
    { .name = "timers", .clock = VMPROF_CLOCK_MONOTONIC },
    { .name = "looks", .mode = VMPROF_MODE_WALL },
    { .name = "CPU timers", .clock = VMPROF_CLOCK_CPU_TIMER },
    { .name = "looks at CPU time", .clock = VMPROF_CLOCK_OBSERVER },
    { .name = "copies of the stack", .native = VMPROF_NATIVE_COPY },
    { .name = "frame pointers", .native = VMPROF_NATIVE_FRAME_POINTERS },
    { .name = "a log",
      .format = VMPROF_FORMAT_LOG,
      .log_parts = VMPROF_LOG_MEMORY | VMPROF_LOG_LINES },
    { .name = "events", .has_events = true },
    { .name = "a pipe", .output = INTO_PIPE },
    { .name = "a socket", .output = INTO_SOCKET },
};
const unsigned host_way_count = sizeof(host_ways) / sizeof(*host_ways);

static struct host *host;
static atomic_long live_blocks;
static _Thread_local int number = -1; /* of a thread of the host's */

/* Whether an allocation is the one that has to fail. */
static bool
fails_now(void)
{
    if (!host || atomic_load(&host->is_safe) ||
        atomic_load(&host->phase) != host->failing_phase ||
        (number >= 0 && !atomic_load(&host->in_library[number])) ||
        atomic_fetch_add(&host->allocations, 1) + 1 != host->failing_allocation)
        return false;
    atomic_store(&host->failed, true);
    errno = ENOMEM;
    return true;
}

extern __typeof__(malloc) __libc_malloc;
extern __typeof__(calloc) __libc_calloc;
extern __typeof__(realloc) __libc_realloc;
extern __typeof__(memalign) __libc_memalign;
extern __typeof__(free) __libc_free;

static void *
counted(void *block)
{
    if (block)
        atomic_fetch_add(&live_blocks, 1);
    return block;
}

void *
malloc(size_t size)
{
    return fails_now() ? NULL : counted(__libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : counted(__libc_calloc(count, size));
}

void *
realloc(void *old, size_t size)
{
    void *const block = fails_now() ? NULL : __libc_realloc(old, size);

    return old ? block : counted(block);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : counted(__libc_memalign(alignment, size));
}

void
free(void *block)
{
    if (block)
        atomic_fetch_sub(&live_blocks, 1);
    __libc_free(block);
}

#define CALL(expression)                                                       \
    __extension__({                                                            \
        atomic_store(&host->in_library[number], true);                         \
        const int r_ = (expression);                                           \
        atomic_store(&host->in_library[number], false);                        \
        r_;                                                                    \
    })

static void
be_thread(int which)
{
    number = which;
    atomic_store(&host->tids[which], (int)syscall(SYS_gettid));
}

static unsigned
count_entries(const char *path)
{
    DIR *const directory = opendir(path);
    unsigned count = 0;

    require(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static unsigned
count_lines(const char *path, const char *start)
{
    FILE *const file = fopen(path, "r");
    char line[256];
    unsigned count = 0;

    while (file && fgets(line, sizeof(line), file))
        count += !strncmp(line, start, strlen(start));
    if (file)
        fclose(file);
    return count;
}

/* But for the heap, which grows where a mapping fails malloc(), and may stay so: what
 * is in use of it are blocks. */
static long
mapped_bytes(void)
{
    FILE *const file = fopen("/proc/self/statm", "r");
    long pages = 0;

    require(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE) - (long)(intptr_t)sbrk(0);
}

/* What a host has that a library might take, or leave behind. */
struct belongings {
    unsigned descriptors, threads, timers;
    long blocks, bytes;
    struct sigaction action;
    sigset_t mask;
};

static struct belongings
take_stock(void)
{
    struct belongings b;

    memset(&b, 0, sizeof(b));
    require(wait_until(count_entries("/proc/self/task") == 3, 5000));
    b.descriptors = count_entries("/proc/self/fd");
    b.threads = count_entries("/proc/self/task");
    b.timers = count_lines("/proc/self/timers", "ID:");
    b.blocks = atomic_load(&live_blocks);
    b.bytes = mapped_bytes();
    sigaction(SIGPROF, NULL, &b.action);
    pthread_sigmask(SIG_BLOCK, NULL, &b.mask);
    return b;
}

static void
require_nothing_changed(const struct belongings *before)
{
    const struct belongings now = take_stock();

    require(now.descriptors == before->descriptors);
    require(now.timers == before->timers);
    require(now.action.sa_handler == before->action.sa_handler);
    require(!memcmp(&now.mask, &before->mask, sizeof(now.mask)));
    require(now.blocks <= before->blocks);
    if (now.bytes >= before->bytes + LEAST_LEAK)
        dprintf(2, "%ld bytes mapped more than before\n",
                now.bytes - before->bytes);
    require(now.bytes < before->bytes + LEAST_LEAK);
}

static const struct way *
way(void)
{
    return &host_ways[host->way];
}

static vmprof_code_id code;

/* Events of a program's and of traces, which a session records. */
static void
take_events(struct vmprof_thread *thread)
{
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_CALL,
        .code = code,
    };

    if (!way()->has_events)
        return;
    for (unsigned i = 0; i < EVENTS; i++) {
        require(CALL(vmprof_fire_event(thread, &event)) == 0);
        atomic_store(&host->in_library[number], true);
        vmprof_jit_enter(thread, 1, VMPROF_EMIT_EVENT);
        vmprof_jit_exit(thread, 2, VMPROF_EMIT_EVENT);
        atomic_store(&host->in_library[number], false);
    }
}

static void
want_events(void)
{
    struct vmprof_event_recorder_options options;

    vmprof_event_recorder_options_init(&options);
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL);
    require(vmprof_start_event_recorder(&options) == 0);
}

/* Enters, samples, and leaves the library as a thread of its own does. */
static void *
work_elsewhere(void *user)
{
    struct vmprof_thread *thread;
    int r;

    be_thread(1);
    r = CALL(vmprof_attach_thread(NULL, &thread));
    require(r == 0 || r == -ENOMEM);
    if (r == 0) {
        vmprof_execute_code_enter(thread, code, NULL);
        take_events(thread);
        burn_cpu_ms(2);
        require(CALL(vmprof_detach_thread(thread)) == 0);
    }
    return user;
}

static void
work(void)
{
    struct vmprof_stats stats;
    pthread_t other;
    struct vmprof_stack *stack;
    int r;

    take_events(vmprof_current_thread());
    require(pthread_create(&other, NULL, work_elsewhere, NULL) == 0);
    pthread_join(other, NULL);
    r = CALL(vmprof_new_stack(0, &stack));
    require(r == 0 || r == -ENOMEM);
    if (r == 0)
        require(CALL(vmprof_free_stack(stack)) == 0);
    vmprof_stats_init(&stats);
    require(CALL(vmprof_get_stats(&stats)) == 0);
    /* Or a loss of some sort, on a busy machine. Not without end: who asks takes
     * the lock that is held while threads are looked at. And without system calls:
     * each is stopped, which passes for a sleep. */
    for (int i = 0; i < 100; i++) {
        for (volatile unsigned j = 0; j < 4000000; j++)
            continue;
        if (profile_stats().expirations || profile_stats().clock_failures)
            break;
    }
}

static bool
is_documented(int r)
{
    static const int documented[] = { 0,        -EINVAL, -EBADF,  -EACCES,
                                      -EBUSY,   -ENOMEM, -EAGAIN, -EMFILE,
                                      -ENOTSUP, -EPERM };

    for (size_t i = 0; i < sizeof(documented) / sizeof(*documented); i++)
        if (documented[i] == r)
            return true;
    dprintf(2, "enabling returned %d\n", r);
    return false;
}

static void
judge_file(int file)
{
    const struct vmprof_stats stats = profile_stats();
    struct decoded d;

    require(decode_fd(&d, file) == 0);
    if (!stats.write_error) {
        require(d.ended);
        require_that_accounts_balance(&d);
    }
    decoded_free(&d);
}

/* What is in the file is whole; nothing lacks without its cause. */
static void
judge(int file, int disabled)
{
    const struct vmprof_stats stats = profile_stats();

    require(!stats.enabled);
    require(disabled == (stats.write_error ? -EIO : 0));
    require((stats.clock_failures == 0) == (stats.clock_error == 0));
    require(stats.write_error || stats.expirations || stats.clock_failures);
    require(stats.samples == stats.samples_written + stats.samples_unwritten);
    if (way()->format == VMPROF_FORMAT_NATIVE)
        judge_file(file);
    else
        require(stats.write_error || !stats.samples ||
                lseek(file, 0, SEEK_END) > 0);
}

/* Of a profile that goes through a pipe or a socket into its file. */
struct relay {
    pthread_t thread;
    int ends[2]; /* to read, to write */
    int file;
};

static void *
pass_on(void *user)
{
    const struct relay *const relay = user;
    char bytes[4096];
    ssize_t size;

    be_thread(2);
    while ((size = read(relay->ends[0], bytes, sizeof(bytes))) > 0)
        require(write(relay->file, bytes, (size_t)size) == size);
    require(size == 0);
    return NULL;
}

/* Returns what to profile into. */
static int
open_relay(struct relay *relay, int file)
{
    relay->file = file;
    if (way()->output == INTO_FILE)
        return file;
    if (way()->output == INTO_PIPE)
        require(pipe(relay->ends) == 0);
    else
        require(socketpair(AF_UNIX, SOCK_STREAM, 0, relay->ends) == 0);
    require(pthread_create(&relay->thread, NULL, pass_on, relay) == 0);
    return relay->ends[1];
}

/* It ends with the last duplicate of what was profiled into. */
static void
close_relay(const struct relay *relay)
{
    if (way()->output == INTO_FILE)
        return;
    close(relay->ends[1]);
    pthread_join(relay->thread, NULL);
    close(relay->ends[0]);
}

static struct vmprof_options
options_for(int fd)
{
    struct vmprof_options options = profile_options(fd, 0.0005);

    options.mode = way()->mode;
    options.native = way()->native;
    options.format = way()->format;
    options.log_parts = way()->log_parts;
    if (way()->has_events)
        options.jit_emits = VMPROF_EMIT_EVENT;
    return options;
}

/* Returns what enabling returned. */
static int
session_on(enum vmprof_clock clock)
{
    const int file = profile_file();
    struct relay relay;
    struct vmprof_options options = options_for(open_relay(&relay, file));
    int enabled, disabled;

    options.clock = clock;
    errno = ERRNO_BEFORE;
    atomic_store(&host->phase, ENABLE);
    enabled = CALL(vmprof_enable_with(&options));
    require(errno == ERRNO_BEFORE);
    require(is_documented(enabled));
    atomic_store(&host->phase, RUNNING);
    work();
    errno = ERRNO_BEFORE;
    atomic_store(&host->phase, DISABLE);
    disabled = CALL(vmprof_disable());
    atomic_store(&host->phase, AFTER);
    require(errno == ERRNO_BEFORE);
    close_relay(&relay);
    if (enabled == 0)
        judge(file, disabled);
    else
        require(disabled == -EALREADY);
    close(file);
    return enabled;
}

static int
session(void)
{
    return session_on(way()->clock);
}

static void
leak(void)
{
    static void *volatile kept;

    if (host->leak == LEAKS_DESCRIPTOR)
        require(dup(0) >= 0);
    else if (host->leak == LEAKS_MEMORY)
        kept = malloc(1);
    else if (host->leak == LEAKS_MAPPING)
        kept =
            mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)kept;
}

static void
use_small_stacks(void)
{
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    require(pthread_setattr_default_np(&attributes) == 0);
    pthread_attr_destroy(&attributes);
}

void
host_run(struct host *shared)
{
    struct vmprof_thread *thread;
    struct belongings before;

    restore_fatal_signals();
    alarm(patience(30));
    mallopt(M_ARENA_MAX, 1);
    /* Fixed, so that what is large is unmapped when it is freed: left to itself
     * libc keeps more from session to session. */
    mallopt(M_MMAP_THRESHOLD, KEPT_BLOCK);
    mallopt(M_TRIM_THRESHOLD, KEPT_BLOCK);
    use_small_stacks();
    host = shared;
    atomic_store(&host->is_safe, true);
    be_thread(0);
    code = code_named("host");
    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    if (way()->has_events)
        want_events();
    /* What libc and the library keep from their first time on: a timer has a
     * thread to look at who sleeps, and a fault may make it necessary. */
    if (way()->clock == VMPROF_CLOCK_AUTO && way()->mode == VMPROF_MODE_CPU)
        require(session_on(VMPROF_CLOCK_MONOTONIC) == 0);
    for (int i = 0; i < 2; i++)
        require(session() == 0);
    before = take_stock();

    require(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    atomic_store(&host->is_safe, false);
    session();
    atomic_store(&host->is_safe, true);
    leak();
    require_nothing_changed(&before);
    require(session() == 0);
    require(profile_stats().write_error == 0);
    require_nothing_changed(&before);
    _exit(0);
}
