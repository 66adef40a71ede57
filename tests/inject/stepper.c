/* SPDX-License-Identifier: MIT */

/*
 * The tracer. The ticks it sends are copies of the newest that the kernel sent
 * to the child, so that the handler takes them for its clock's; the kernel's own
 * are swallowed, so that a run has as many as it is given and where it is given
 * them. Only the child's first thread is traced.
 */

#include "stepper.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate.h"

enum {
    SECONDS = 20, /* that any run may take */
    MOST_REPEATS = 8,
    MOST_VDSO_STEPS = 128, /* in one call: two or three times its way */
    SYSCALL_STOP = SIGTRAP | 0x80,
};

struct tracee {
    struct page *page;
    pid_t pid;
    int status;
    bool over;
    bool hung;
    bool held;           /* a tick of ours waits while its signal is blocked */
    uintptr_t end, last; /* where the operation ends, and the step before */
    unsigned repeats;
    uintptr_t vdso_return; /* while it is in the vDSO: where that was called */
    unsigned vdso_steps;
};

static uintptr_t vdso, vdso_end; /* 0: the machine has none */
static siginfo_t newest_tick, learnt_tick;
static bool learns; /* what a tick is */
static volatile sig_atomic_t out_of_time;

static void
note_alarm(int number)
{
    (void)number;
    out_of_time = 1;
}

/* The type of a request is the C library's own. */
#define trace(tracee, request, address, data)                                  \
    ptrace(request, (tracee)->pid, (void *)(size_t)(address),                  \
           (void *)(size_t)(data))

static int
await_stop(struct tracee *t, long went)
{
    if (t->over)
        return 0;
    if (went < 0 && errno != ESRCH)
        abort();
    while (waitpid(t->pid, &t->status, __WALL) < 0) {
        if (!out_of_time)
            continue;
        t->hung = true;
        kill(t->pid, SIGKILL);
        out_of_time = 0;
    }
    t->over = !WIFSTOPPED(t->status);
    return t->over ? 0 : WSTOPSIG(t->status);
}

/* Let it run until it stops or is over. Returns the signal it stopped for, or
 * 0. */
#define go(tracee, request, number)                                            \
    await_stop(tracee, (tracee)->over ? 0 : trace(tracee, request, 0, number))

static uintptr_t
pc_of(struct tracee *t)
{
    return (uintptr_t)trace(t, PTRACE_PEEKUSER, offsetof(struct user, regs.rip),
                            0);
}

static bool
is_blocked(struct tracee *t)
{
    uint64_t mask = 0;

    trace(t, PTRACE_GETSIGMASK, sizeof(mask), (size_t)&mask);
    return mask >> (SIGPROF - 1) & 1;
}

/* What to go on with after a stop for a signal that no step caused: a tick of
 * ours that was held back, nothing for one of the kernel's. */
static int
answer_to(struct tracee *t, int number)
{
    if (number != SIGPROF)
        return number == SIGTRAP || number == SYSCALL_STOP ? 0 : number;
    if (t->held) {
        t->held = false;
        t->page->delivered++;
        return SIGPROF;
    }
    /* perf's own say that the event goes on, as ours have rearmed it. */
    if (!t->page->event)
        trace(t, PTRACE_GETSIGINFO, 0, (size_t)&newest_tick);
    return 0;
}

/* Run freely to the next stop of its own. */
static bool
go_to_stop(struct tracee *t, int number)
{
    for (;;) {
        number = go(t, PTRACE_CONT, number);
        if (t->over || number == SIGTRAP)
            return !t->over;
        number = answer_to(t, number);
    }
}

static void
run_to_its_end(struct tracee *t)
{
    while (go_to_stop(t, 0))
        ;
}

/* Deliver a tick, or what waits, and run the handler to its return. */
static void
run_handler(struct tracee *t)
{
    int number = SIGPROF;
    bool entered = false, returning = false;

    for (;;) {
        number = go(t, PTRACE_SYSCALL, number);
        if (t->over)
            return;
        if (number != SYSCALL_STOP) {
            number = answer_to(t, number);
            continue;
        }
        number = 0;
        entered = !entered;
        if (entered)
            returning =
                trace(t, PTRACE_PEEKUSER, offsetof(struct user, regs.orig_rax),
                      0) == SYS_rt_sigreturn;
        else if (returning)
            return;
    }
}

/* A breakpoint of the processor's, for no other thread may see it; 0: none. */
static void
break_at(struct tracee *t, uintptr_t pc)
{
    const size_t first = offsetof(struct user, u_debugreg);
    const size_t control = first + 7 * sizeof(long);
    const size_t first_is_on = 1;

    if ((pc && trace(t, PTRACE_POKEUSER, first, pc) < 0) ||
        trace(t, PTRACE_POKEUSER, control, pc ? first_is_on : 0) < 0)
        abort();
}

/* Behind an instruction that repeats itself, such as "rep stosb"; or 0. */
static uintptr_t
behind_repeat(struct tracee *t, uintptr_t pc)
{
    const uint64_t code = (uint64_t)trace(t, PTRACE_PEEKTEXT, pc, 0);
    const bool is_wide = (code >> 8 & 0xff) == 0x48;
    const unsigned operation = code >> (is_wide ? 16 : 8) & 0xff;

    if ((code & 0xff) != 0xf3 || (operation != 0xa4 && operation != 0xa5 &&
                                  operation != 0xaa && operation != 0xab))
        return 0;
    return pc + 2 + is_wide;
}

/* What is up to there is one step. */
static void
skip_to(struct tracee *t, uintptr_t pc)
{
    break_at(t, pc);
    go_to_stop(t, 0);
    if (!t->over)
        break_at(t, 0);
}

/* Each repetition is a step; after some of them the rest is one. */
static void
skip_repeats(struct tracee *t, uintptr_t pc)
{
    uintptr_t behind;

    t->repeats = pc == t->last ? t->repeats + 1 : 0;
    t->last = pc;
    if (t->repeats < MOST_REPEATS)
        return;
    t->repeats = 0;
    behind = behind_repeat(t, pc);
    if (behind)
        skip_to(t, behind);
}

/* The vDSO reads a clock once more if the kernel has set it meanwhile, which it
 * does every few milliseconds: with a tick at each step there is no end to it. */
static void
skip_retries(struct tracee *t, uintptr_t pc)
{
    if (pc < vdso || pc >= vdso_end) {
        t->vdso_return = 0;
    } else if (!t->vdso_return) {
        const long stack =
            trace(t, PTRACE_PEEKUSER, offsetof(struct user, regs.rsp), 0);

        t->vdso_return = (uintptr_t)trace(t, PTRACE_PEEKDATA, stack, 0);
        t->vdso_steps = 0;
    } else if (++t->vdso_steps == MOST_VDSO_STEPS) {
        skip_to(t, t->vdso_return);
    }
}

/* One instruction. Returns false at the operation's end. */
static bool
step(struct tracee *t, int number)
{
    for (;;) {
        number = go(t, PTRACE_SINGLESTEP, number);
        if (t->over)
            return false;
        if (number == SIGTRAP) {
            skip_repeats(t, pc_of(t));
            if (!t->over)
                skip_retries(t, pc_of(t));
            return !t->over && pc_of(t) != t->end;
        }
        number = answer_to(t, number);
        if (number != SIGPROF)
            continue;
        run_handler(t);
        number = 0;
    }
}

/* Where the second stop is: right behind the operation's result. */
static void
find_end(struct tracee *t)
{
    static uintptr_t end;

    if (!end) {
        /* The first run goes there, and another one takes its place. */
        if (!go_to_stop(t, 0))
            return;
        end = pc_of(t) - 1;
    }
    t->end = end;
}

static void
start(struct tracee *t, const struct operation *operation, struct page *page)
{
    memset(t, 0, sizeof(*t));
    memset(page, 0, sizeof(*page));
    page->burns = learns;
    page->tick = learnt_tick;
    t->page = page;
    t->pid = fork();
    if (t->pid < 0)
        abort();
    if (t->pid == 0) {
        if (operation->flags & MUST_FAIL)
            close(STDERR_FILENO);
        tracee_run(operation, page);
    }
    out_of_time = 0;
    alarm(patience(SECONDS));
    /* It stops by itself, at its first tick or at the operation. */
    while (waitpid(t->pid, &t->status, 0) < 0)
        ;
    t->over = !WIFSTOPPED(t->status);
    while (!t->over) {
        const int number = WSTOPSIG(t->status);
        trace(t, PTRACE_SETOPTIONS, 0,
              PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
        if (number == SIGTRAP)
            break;
        go(t, PTRACE_CONT, answer_to(t, number));
    }
}

/* Of a clock that names itself otherwise. */
static void
make_perf_tick(int event)
{
    memset(&newest_tick, 0, sizeof(newest_tick));
    newest_tick.si_signo = SIGPROF;
    newest_tick.si_code = POLL_HUP;
    newest_tick.si_fd = event;
}

/* A child at the operation's first instruction. */
static struct tracee
open_run(const struct operation *operation, struct page *page)
{
    const struct sigaction action = { .sa_handler = note_alarm };
    struct tracee t;

    sigaction(SIGALRM, &action, NULL);
    start(&t, operation, page);
    if (page->event)
        make_perf_tick(page->event);
    find_end(&t);
    return t;
}

static struct ending
close_run(struct tracee *t)
{
    run_to_its_end(t);
    alarm(0);
    return (struct ending){ .status = t->status, .hung = t->hung };
}

/* Learn what a tick is and where operations end. An operation may have a clock of
 * its own, whose ticks are none to the next one's. */
static void
learn(const struct operation *operation, struct page *page)
{
    static bool known;

    if (!known) {
        struct tracee t;

        learns = true;
        t = open_run(operation, page);
        close_run(&t);
        learns = false;
        learnt_tick = newest_tick;
    }
    newest_tick = learnt_tick;
    known = true;
}

void
stepper_set_vdso(uintptr_t from, uintptr_t to)
{
    vdso = from;
    vdso_end = to;
}

struct ending
stepper_record(const struct operation *operation, struct page *page,
               struct steps *steps)
{
    struct tracee t;
    size_t room = 0;

    learn(call_operations.list, page);
    t = open_run(operation, page);
    *steps = (struct steps){ 0 };
    if (!t.over)
        do {
            if (steps->count == room) {
                room = room ? room * 2 : 1024;
                steps->pcs = realloc(steps->pcs, room * sizeof(*steps->pcs));
                if (!steps->pcs)
                    abort();
            }
            steps->pcs[steps->count++] = pc_of(&t);
        } while (step(&t, 0));
    return close_run(&t);
}

/* Make the stop that it is in one for a tick. Returns the signal to go on
 * with. */
static int
send_tick(struct tracee *t)
{
    if (is_blocked(t))
        t->held = true;
    else
        t->page->delivered++;
    trace(t, PTRACE_SETSIGINFO, 0, (size_t)&newest_tick);
    return SIGPROF;
}

static bool
run_to(struct tracee *t, uintptr_t pc, unsigned nth)
{
    if (pc_of(t) == pc && --nth == 0)
        return true;
    break_at(t, pc);
    do
        if (!go_to_stop(t, 0) || pc_of(t) != pc)
            return false;
    while (--nth);
    break_at(t, 0);
    return true;
}

struct ending
stepper_inject_at(const struct operation *operation, struct page *page,
                  uintptr_t pc, unsigned nth)
{
    struct tracee t = open_run(operation, page);
    const bool there = !t.over && run_to(&t, pc, nth);
    struct ending ending;

    if (there)
        go_to_stop(&t, send_tick(&t));
    ending = close_run(&t);
    ending.ticks = there;
    return ending;
}

struct ending
stepper_inject_everywhere(const struct operation *operation, struct page *page,
                          void (*told)(void *user, uintptr_t pc), void *user)
{
    struct tracee t = open_run(operation, page);
    struct ending ending;
    size_t ticks = 0;
    bool goes_on = !t.over;

    while (goes_on) {
        int number = 0;

        if (!is_blocked(&t)) {
            told(user, pc_of(&t));
            ticks++;
            send_tick(&t);
            run_handler(&t);
        } else if (!t.held) {
            number = send_tick(&t);
        }
        goes_on = step(&t, number);
    }
    ending = close_run(&t);
    ending.ticks = ticks;
    return ending;
}
