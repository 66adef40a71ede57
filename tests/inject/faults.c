/* SPDX-License-Identifier: MIT */

/*
 * Each system call that the library makes fails once, with each error that it
 * may well have, while it enables, runs and disables; then each allocation does.
 *
 *     faults          each call, the first times that it is made, in the first
 *                     way of profiling that makes it; a share in the others
 *     faults --long   all of them
 *     faults NAME     those of one name
 *
 * A tracer counts calls of a kind in a phase and fails the nth, by making it no
 * call at all. Where the kernel does what it is told whatever it returns, the
 * call is made and its result changed.
 */

#include <errno.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fallible.h"
#include "host.h"

enum {
    MOST_THREADS = 32,
    USUAL_TIMES = 3,
    LONG_TIMES = 60,
    KNOWN_EACH = 3, /* of the calls that an earlier way has made */
    FULL_WAYS = 3,  /* whose allocations fail in the usual run */
    TIMERS = 1,
    SYSCALL_STOP = SIGTRAP | 0x80,
};

static const char *const phase_names[] = { "before", "enable", "running",
                                           "disable" };

/* What is to fail: the nth call of a kind in a phase. */
struct fault {
    const struct call *call; /* NULL: none */
    int phase, error;
    unsigned nth;
};

struct traced {
    pid_t tid;
    bool in_call;
    bool failing;
};

struct run {
    struct host *host;
    struct fault fault;
    struct traced threads[MOST_THREADS];
    unsigned thread_count, seen;
    unsigned counts[MOST_CALLS][AFTER]; /* by phase */
    bool failed;
    long unknown;
};

static bool is_long;
static const char *only; /* the name of a call, or NULL */
static unsigned test_number, failures;

static struct traced *
thread_of(struct run *run, pid_t tid)
{
    for (unsigned i = 0; i < run->thread_count; i++)
        if (run->threads[i].tid == tid)
            return &run->threads[i];
    if (run->thread_count == MOST_THREADS)
        abort();
    run->threads[run->thread_count] = (struct traced){ .tid = tid };
    return &run->threads[run->thread_count++];
}

static bool
is_of_the_library(const struct host *host, pid_t tid, const struct call *call)
{
    for (int i = 0; i < HOST_THREADS; i++)
        if (atomic_load(&host->tids[i]) == tid)
            return atomic_load(&host->in_library[i]) ||
                   (call && call->is_ticks);
    return true;
}

/* To wake a thread does not fail, nor to ask an event who it is. */
static bool
is_a_sure_one(const struct user_regs_struct *registers)
{
    const int operation = (int)registers->rsi & FUTEX_CMD_MASK;

    if (registers->orig_rax == SYS_ioctl)
        return registers->rsi == PERF_EVENT_IOC_ID;
    return registers->orig_rax == SYS_futex && operation != FUTEX_WAIT &&
           operation != FUTEX_WAIT_BITSET;
}

static void
enter_call(struct run *run, struct traced *thread)
{
    const int phase = atomic_load(&run->host->phase);
    struct user_regs_struct registers;
    const struct call *call;
    long number;

    ptrace(PTRACE_GETREGS, thread->tid, NULL, &registers);
    number = (long)registers.orig_rax;
    call = fallible_call(number);
    if (atomic_load(&run->host->is_safe) || phase <= BEFORE || phase >= AFTER ||
        !is_of_the_library(run->host, thread->tid, call) ||
        is_a_sure_one(&registers))
        return;
    if (!call) {
        if (!never_fails(number))
            run->unknown = number;
        return;
    }
    run->counts[call - fallible_calls][phase]++;
    if (run->fault.call != call || run->fault.phase != phase ||
        ++run->seen != run->fault.nth)
        return;
    thread->failing = run->failed = true;
    if (call->is_made)
        return;
    registers.orig_rax = ~0ull;
    ptrace(PTRACE_SETREGS, thread->tid, NULL, &registers);
}

static void
leave_call(struct run *run, struct traced *thread)
{
    struct user_regs_struct registers;

    if (!thread->failing)
        return;
    thread->failing = false;
    ptrace(PTRACE_GETREGS, thread->tid, NULL, &registers);
    registers.rax = (unsigned long long)-run->fault.error;
    ptrace(PTRACE_SETREGS, thread->tid, NULL, &registers);
}

/* Returns the signal to go on with. */
static int
stopped(struct run *run, pid_t tid, int status)
{
    struct traced *const thread = thread_of(run, tid);
    const int signal = WSTOPSIG(status);

    if (signal == SYSCALL_STOP) {
        thread->in_call = !thread->in_call;
        if (thread->in_call)
            enter_call(run, thread);
        else
            leave_call(run, thread);
        return 0;
    }
    /* A clone, the first stop of a thread that is traced. */
    return signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

/* Returns the child's wait status. */
static int
run_host(struct run *run)
{
    const pid_t child = fork();
    int status;

    if (child < 0)
        abort();
    if (child == 0)
        host_run(run->host);
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        return status;
    ptrace(PTRACE_SETOPTIONS, child, NULL,
           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
    ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    for (;;) {
        const pid_t tid = waitpid(-1, &status, __WALL);
        int signal = 0;

        if (tid < 0)
            abort();
        if (tid == child && !WIFSTOPPED(status))
            return status;
        if (!WIFSTOPPED(status))
            continue;
        signal = stopped(run, tid, status);
        ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(size_t)signal);
    }
}

static void
result(bool good, const char *text)
{
    failures += !good;
    printf("%sok %u - %s\n", good ? "" : "not ", ++test_number, text);
    fflush(stdout);
}

static struct run
open_run(struct host *host, unsigned way)
{
    struct run run = { .host = host };

    memset(host, 0, sizeof(*host));
    host->way = way;
    return run;
}

/* Whoever may set an action may set it back. */
static bool
may_fail(const struct call *call, int phase)
{
    return call->number != SYS_rt_sigaction || phase == ENABLE;
}

struct verdict {
    unsigned faults, wrong;
    char first[100];
};

/* Returns false if the call is not made so often. */
static bool
fail_once(struct host *host, unsigned way, const struct fault *fault,
          struct verdict *verdict)
{
    struct run run = open_run(host, way);
    int status;

    run.fault = *fault;
    status = run_host(&run);
    if (!run.failed && status == 0)
        return false;
    verdict->faults += run.failed;
    if ((status || run.unknown) && !verdict->wrong++)
        snprintf(verdict->first, sizeof(verdict->first),
                 ": %s at the %u. of them (%s %d, unknown call %ld)",
                 strerrorname_np(fault->error), fault->nth,
                 WIFSIGNALED(status) ? "signal" : "exit",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 run.unknown);
    return true;
}

/* At how many times a call is made in a phase its error comes. In the usual run
 * one of them is enough for all errors but the first, and for whatever an earlier
 * way has had. */
static unsigned
most_times(const struct call *call, unsigned error, bool is_known)
{
    if (is_long)
        return LONG_TIMES;
    return is_known || &call->errors[error] != call->errors ? 1 : USUAL_TIMES;
}

static void
fail_call(struct host *host, unsigned way, const struct call *call, int phase,
          bool is_known)
{
    struct verdict verdict = { 0 };
    unsigned count = 0;
    char text[300];

    while (count < MOST_ERRORS && call->errors[count])
        count++;
    for (unsigned i = 0; i < count; i++) {
        const unsigned most = most_times(call, i, is_known);
        struct fault fault = { call, phase, call->errors[i], 1 };

        /* Each way has another one of them. */
        if (is_known && !is_long && i != way % count)
            continue;
        for (; fault.nth <= most; fault.nth++)
            if (!fail_once(host, way, &fault, &verdict))
                break;
    }
    snprintf(text, sizeof(text), "%s, %s, %s: %u faults, %u wrong%s",
             host_ways[way].name, phase_names[phase], call->name,
             verdict.faults, verdict.wrong, verdict.first);
    result(verdict.wrong == 0, text);
}

static void
fail_calls(struct host *host, unsigned way)
{
    static bool known[MOST_CALLS][AFTER];
    struct run quiet = open_run(host, way);
    const int status = run_host(&quiet);
    char text[200];

    snprintf(text, sizeof(text), "%s: nothing fails (%#x, unknown call %ld)",
             host_ways[way].name, (unsigned)status, quiet.unknown);
    result(status == 0 && !quiet.unknown, text);
    if (status)
        return;
    for (unsigned i = 0; i < fallible_call_count; i++)
        for (int phase = ENABLE; phase < AFTER; phase++) {
            const struct call *const call = &fallible_calls[i];

            if (!quiet.counts[i][phase] || !may_fail(call, phase) ||
                (only && strcmp(only, call->name)) ||
                (known[i][phase] && !is_long && (i + way) % KNOWN_EACH))
                continue;
            fail_call(host, way, call, phase, known[i][phase]);
            known[i][phase] = true;
        }
}

static void
fail_allocations(struct host *host, unsigned way, int phase)
{
    unsigned faults = 0, wrong = 0;
    char text[200];
    bool more = true;

    for (unsigned nth = 1; more; nth++) {
        struct run run = open_run(host, way);
        int status;

        host->failing_phase = phase;
        host->failing_allocation = nth;
        status = run_host(&run);
        more = atomic_load(&host->failed);
        faults += more;
        wrong += status != 0;
    }
    snprintf(text, sizeof(text), "%s, %s, allocations: %u faults, %u wrong",
             host_ways[way].name, phase_names[phase], faults, wrong);
    result(wrong == 0, text);
}

static void
fail_in_way(struct host *host, unsigned way)
{
    fail_calls(host, way);
    if (only || (way >= FULL_WAYS && !is_long))
        return;
    for (int phase = ENABLE; phase < AFTER; phase++)
        fail_allocations(host, way, phase);
}

static void
find_leaks(struct host *host)
{
    static const char *const names[] = { "", "descriptor", "block", "mapping" };
    char text[100];

    for (enum leak leak = NO_LEAK + 1; leak < LEAKS; leak++) {
        struct run run = open_run(host, TIMERS);

        host->leak = leak;
        snprintf(text, sizeof(text), "a leaked %s is noticed", names[leak]);
        result(WEXITSTATUS(run_host(&run)) == 1, text);
    }
}

static bool
can_trace(void)
{
    const pid_t child = fork();
    int status;

    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0);
    return waitpid(child, &status, 0) == child && status == 0;
}

int
main(int argc, char **argv)
{
    struct host *const host = mmap(NULL, sizeof(*host), PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    is_long = argc > 1 && !strcmp(argv[1], "--long");
    if (host == MAP_FAILED)
        return 2;
    if (argc > 1 + is_long)
        only = argv[1 + is_long];
    if (!can_trace()) {
        printf("1..0 # SKIP ptrace() is not allowed here\n");
        return 0;
    }
    find_leaks(host);
    for (unsigned way = 0; way < host_way_count; way++)
        fail_in_way(host, way);
    printf("1..%u\n", test_number);
    return failures != 0;
}
