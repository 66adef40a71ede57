/* SPDX-License-Identifier: MIT */

/* Run the command of `vmprof record`, and stand aside. */
#ifndef RECORD_RUN_H
#define RECORD_RUN_H

#include <stdbool.h>

struct run {
    char **argv;
    char **environment;
    void (*on_tick)(void *user); /* about four times a second, or NULL */
    void *user;
};

/*
 * Returns the command's exit status, 128 and the signal that killed it, or a
 * negative errno if it could not be started.
 *
 * SIGINT and SIGTERM go to the command: the terminal has sent it the first ^C
 * itself; the second one terminates it, the third one kills it.
 */
int
run_command(const struct run *run);

#endif
