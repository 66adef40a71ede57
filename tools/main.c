/* SPDX-License-Identifier: MIT */

/* vmprof: which subcommand runs. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include <vmprof/version.h>

#include "commands.h"

struct command {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "record", "run a program and record where its time goes", cmd_record },
    { "report", "show where the time went", cmd_report },
    { "types", "show which types the bytecodes met", cmd_types },
    { "diff", "show what changed between two type profiles", cmd_diff },
    { "events", "show what the VM told of, in order of time", cmd_events },
    { "flamegraph", "write a flame graph as one HTML page", cmd_flamegraph },
    { "jit", "show which compiled loops the time went to", cmd_jit },
    { "convert", "write the format of another tool", cmd_convert },
    { "info", "show what a file holds", cmd_info },
};

enum {
    COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]),
};

static void
print_help(FILE *out)
{
    fputs("Usage: vmprof COMMAND [OPTION]... [ARGUMENT]...\n"
          "\n"
          "Profile programs of virtual machines that support libvmprof.\n"
          "\n"
          "Commands:\n",
          out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].help);
    fputs("\n"
          "vmprof COMMAND --help tells more; so does man vmprof.\n",
          out);
}

static const struct command *
find_command(const char *name)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int
run_command(int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);
    char name[32];

    if (command) {
        /* What getopt_long() puts before its messages. */
        snprintf(name, sizeof(name), "vmprof %s", command->name);
        argv[0] = name;
        return command->run(argc, argv);
    }
    fprintf(stderr, "vmprof: there is no command \"%s\"; see vmprof --help\n",
            argv[0]);
    return STATUS_USAGE;
}

/* What was printed counts only when it has arrived. */
static int
flush_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("vmprof: cannot write the output");
    return status ? status : STATUS_FAILED;
}

int
main(int argc, char **argv)
{
    /* Names are UTF-8 whatever the user's locale is; numbers are English. */
    setlocale(LC_CTYPE, "C.UTF-8");
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return flush_output(STATUS_DONE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vmprof " VMPROF_VERSION);
        return flush_output(STATUS_DONE);
    }
    return flush_output(run_command(argc - 1, argv + 1));
}
