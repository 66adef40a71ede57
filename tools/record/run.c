/* SPDX-License-Identifier: MIT */

#include "run.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

static const struct timespec tick = { 0, 250 * 1000 * 1000 };

struct child {
    pid_t pid;
    unsigned interrupts;
};

static bool
is_ignored(int number)
{
    struct sigaction action;

    return sigaction(number, NULL, &action) == 0 &&
           action.sa_handler == SIG_IGN;
}

/* What we wait for, and what the command must not find blocked. */
static void
block_signals(sigset_t *waited, sigset_t *before)
{
    sigemptyset(waited);
    sigaddset(waited, SIGCHLD);
    sigaddset(waited, SIGINT);
    sigaddset(waited, SIGTERM);
    sigaddset(waited, SIGQUIT);
    /* nohup's has no way to the command, blocked or not. */
    if (!is_ignored(SIGHUP))
        sigaddset(waited, SIGHUP);
    /* Were it ignored, the command's status would be lost. */
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, waited, before);
}

static int
start(pid_t *pid, const struct run *run, const sigset_t *mask)
{
    posix_spawnattr_t attributes;
    int result = posix_spawnattr_init(&attributes);

    if (result)
        return -result;
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, mask);
    result = posix_spawnp(pid, run->argv[0], NULL, &attributes, run->argv,
                          run->environment);
    posix_spawnattr_destroy(&attributes);
    return -result;
}

static void
pass_on(struct child *child, const siginfo_t *info)
{
    const bool from_terminal = info->si_code == SI_KERNEL;

    if (info->si_signo == SIGINT && ++child->interrupts > 1)
        kill(child->pid, child->interrupts == 2 ? SIGTERM : SIGKILL);
    else if (!from_terminal)
        kill(child->pid, info->si_signo);
}

/* Returns false as long as the command runs. */
static bool
has_ended(const struct child *child, int *status)
{
    pid_t pid;

    do
        pid = waitpid(child->pid, status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    return pid != 0;
}

static int
wait_for_end(struct child *child, const struct run *run, const sigset_t *waited)
{
    int status = 0;

    while (!has_ended(child, &status)) {
        siginfo_t info;
        const int signal_number = sigtimedwait(waited, &info, &tick);

        if (signal_number > 0 && signal_number != SIGCHLD)
            pass_on(child, &info);
        if (run->on_tick)
            run->on_tick(run->user);
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
run_command(const struct run *run)
{
    struct child child = { 0 };
    sigset_t waited, before;
    int result;

    block_signals(&waited, &before);
    result = start(&child.pid, run, &before);
    if (result == 0)
        result = wait_for_end(&child, run, &waited);
    return result;
}
