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

int
cmd_convert(int argc, char **argv);
int
cmd_flamegraph(int argc, char **argv);
int
cmd_info(int argc, char **argv);
int
cmd_record(int argc, char **argv);
int
cmd_report(int argc, char **argv);

#endif
