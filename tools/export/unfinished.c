/* SPDX-License-Identifier: MIT */

#include "unfinished.h"

#include <stddef.h>
#include <unistd.h>

static const int endings[] = { SIGHUP, SIGINT, SIGTERM, SIGXCPU };

enum {
    ENDINGS = sizeof(endings) / sizeof(*endings),
};

/* Changed only while the signals are blocked; one thread writes a file. */
static const char *volatile unfinished;

static void
fill(sigset_t *set)
{
    sigemptyset(set);
    for (unsigned i = 0; i < ENDINGS; i++)
        sigaddset(set, endings[i]);
}

/* The default action is back by now, and takes place on return. */
static void
remove_and_end(int number)
{
    if (unfinished)
        unlink(unfinished);
    raise(number);
}

static void
handle(int number)
{
    struct sigaction action = { .sa_handler = remove_and_end,
                                .sa_flags = (int)SA_RESETHAND };
    struct sigaction old;

    fill(&action.sa_mask);
    if (!sigaction(number, NULL, &old) && old.sa_handler == SIG_DFL)
        sigaction(number, &action, NULL);
}

void
unfinished_enter(sigset_t *before)
{
    sigset_t blocked;

    fill(&blocked);
    sigprocmask(SIG_BLOCK, &blocked, before);
}

void
unfinished_leave(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}

void
unfinished_set(const char *path)
{
    unfinished = path;
    for (unsigned i = 0; path && i < ENDINGS; i++)
        handle(endings[i]);
}
