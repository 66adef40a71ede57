/* SPDX-License-Identifier: MIT */

/*
 * The subcommands of vmprof, each in a file cmd_*.c. argv[0] is "vmprof NAME".
 * They return the exit status: 0, 1 for a failed job, 2 for wrong usage.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

enum exit_status {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
};

/* Say what is wrong, and where the help is. Returns STATUS_USAGE. */
int
usage_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets `file` to what follows the options, which is one file. Returns 0, or
 * STATUS_USAGE when it has said what is wrong. */
int
usage_take_file(const char *command, int argc, char **argv, const char **file);

/* As usage_error() when getopt_long() has said what is wrong. */
int
usage_see_help(const char *command);

int
cmd_convert(int argc, char **argv);
int
cmd_diff(int argc, char **argv);
int
cmd_events(int argc, char **argv);
int
cmd_flamegraph(int argc, char **argv);
int
cmd_info(int argc, char **argv);
int
cmd_jit(int argc, char **argv);
int
cmd_record(int argc, char **argv);
int
cmd_report(int argc, char **argv);
int
cmd_types(int argc, char **argv);

#endif
