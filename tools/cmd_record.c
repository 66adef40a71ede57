/* SPDX-License-Identifier: MIT */

/* vmprof record: run a program and record where its time goes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "record/environment.h"
#include "record/further_logs.h"
#include "record/options.h"
#include "record/output_file.h"
#include "record/run.h"
#include "report/view.h"

static const char help[] =
    "Usage: vmprof record [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "\n"
    "Run COMMAND and record where its time goes: in all processes that it\n"
    "starts whose VM calls vmprof_autostart(), and in stock Lua 5.4.\n"
    "\n"
    "  -o, --output FILE        default: the name of COMMAND and .vmprof\n"
    "  -i, --interval INTERVAL  between two samples: 1ms, 250us, 0.001 (s);\n"
    "                           default 1ms\n"
    "  -r, --rate HZ            samples a second, in place of -i\n"
    "  -m, --mode MODE          cpu (default): CPU time; wall: time that "
    "passes\n"
    "  -c, --clock CLOCK        auto (default), perf, monotonic, cpu or\n"
    "                           observer\n"
    "  -s, --sampling WHO       auto (default): a VM that polls samples "
    "itself,\n"
    "                           the clock does where no poll comes; signal: "
    "the\n"
    "                           clock alone\n"
    "  -g, --native[=HOW]       native frames, too: copy (default): what the\n"
    "                           objects say of their stacks; fp: by frame\n"
    "                           pointers, cheaper, for code that has them\n"
    "  -f, --format FORMAT      native (default); vmprof-log: for the tools "
    "that\n"
    "                           read what PyPy and vmprof-python write\n"
    "      --memory             in a vmprof log: the resident memory at each\n"
    "                           sample\n"
    "      --lines              in a vmprof log: lines in place of what is\n"
    "                           compiled code\n"
    "      --jit[=WHAT]         of compiled loops: event (default): a time "
    "for\n"
    "                           each edge between them; count: how often;\n"
    "                           current: which one runs, as without --jit\n"
    "      --jit-inner WHICH    events of bridges within their loop: count\n"
    "                           (default): none, they are counted; ignore;\n"
    "                           each; auto: each, unless they are too many\n"
    "      --jit-overflow HOW   when events have no room: drop (default) "
    "them;\n"
    "                           newest: keep those; block: wait\n"
    "      --events KIND,...    record events of the VM, too, each with its "
    "time:\n"
    "                           call,line,gc,..., or groups of them; a wrong "
    "name\n"
    "                           shows all; vmprof events shows what came\n"
    "      --event-period N     of each kind one event in N, on the average\n"
    "      --event-rate N       at most N events a second and thread\n"
    "      --tool TOOL,...      coverage: which lines run; callgraph: who "
    "calls\n"
    "                           whom, and how often; counters: how often each\n"
    "                           event is; vmprof events shows what came\n"
    "  -q, --quiet              no progress and no summary\n"
    "  -h, --help               this text\n"
    "\n"
    "The first ^C is for COMMAND, the second one terminates it. The exit\n"
    "status is COMMAND's; 128 and the signal if one killed it; 127 if there\n"
    "is no such command, 126 if it cannot be run.\n";

enum {
    /* What a shell returns for them. */
    STATUS_NOT_RUN = 126,
    STATUS_NOT_FOUND = 127,
    STATUS_KILLED = 128, /* and the signal */
};

struct record {
    struct record_options options;
    bool progress;
    struct output_file file;
    struct timespec start, started_at; /* the latter as files have it */
};

static double
elapsed(const struct record *record)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - record->start.tv_sec) +
           (double)(now.tv_nsec - record->start.tv_nsec) * 1e-9;
}

/* "12,345 samples, 678 events, 61,000 bytes" */
static void
print_counts(const struct record *record)
{
    char samples[32], events[32], bytes[32];

    format_count(samples, scan_samples(&record->file.scan));
    format_count(bytes, record->file.scan.offset);
    fprintf(stderr, "%.1f s, %s samples", elapsed(record), samples);
    if (record->file.scan.events) {
        format_count(events, record->file.scan.events);
        fprintf(stderr, ", %s events", events);
    }
    fprintf(stderr, ", %s bytes", bytes);
}

static void
show_progress(void *user)
{
    struct record *record = user;

    output_file_scan(&record->file);
    fputs("\r\033[Kvmprof: ", stderr);
    print_counts(record);
}

static void
print_summary(const struct record *record, const char *name)
{
    fputs("vmprof: ", stderr);
    print_counts(record);
    fprintf(stderr, " in %s\nvmprof: next: vmprof report %s\n", name, name);
}

static void
warn_of_nothing(const struct record *record)
{
    if (record->file.scan.sessions)
        fprintf(stderr,
                "vmprof: %s was recorded, but it never used the CPU for as "
                "long as an interval: try a higher --rate, or --mode wall\n",
                record->options.argv[0]);
    else
        fprintf(stderr,
                "vmprof: nothing was recorded. If no VM said why, %s started "
                "none that supports vmprof. A VM calls vmprof_autostart() "
                "(pkg-config "
                "vmprof-autostart); for Lua 5.4 vmprof's Lua module must be "
                "installed\n",
                record->options.argv[0]);
}

static void
warn_of_no_events(const struct record *record)
{
    fprintf(stderr,
            "vmprof: %s told of none of these events: its VM has none, or they "
            "never happened\n",
            record->options.argv[0]);
}

static void
warn_of_early_end(const struct record *record, int error)
{
    const char *const name = record->options.output;

    if (error)
        fprintf(stderr,
                "vmprof: %s: the recording stops early: %s cannot be written: "
                "%s\n",
                name, name, strerror(error));
    else
        fprintf(stderr,
                "vmprof: %s: the recording stops early: a program was "
                "killed, ended by _exit() or exec(), or still runs; or %s "
                "could not be written (disk full?)\n",
                name, name);
}

static void
warn_of_no_native(const struct record *record)
{
    fprintf(
        stderr,
        "vmprof: %s was recorded without native frames: a VM that is walked "
        "at safe points has none to show there\n",
        record->options.argv[0]);
}

/* `status` is the command's: who killed it knows why the recording stops. */
static void
say_what_was_recorded(struct record *record, int status)
{
    const bool nothing =
        !record->file.scan.entries && !record->file.scan.events;
    const bool early = output_file_stops_early(&record->file);
    const int error = nothing || early ? output_file_error(&record->file) : 0;

    if (error || (early && status < STATUS_KILLED))
        warn_of_early_end(record, error);
    if (nothing && !error)
        warn_of_nothing(record);
    if (!nothing && record->options.recording.native &&
        !record->file.scan.modules)
        warn_of_no_native(record);
    if (!nothing && record->options.recording.events &&
        !record->file.scan.events)
        warn_of_no_events(record);
    if (nothing && record->file.previous)
        fprintf(stderr, "vmprof: %s is as it was before\n",
                record->options.output);
    else if (!nothing && !record->options.quiet)
        print_summary(record, record->options.output);
    if (record->options.recording.format && !record->options.quiet)
        further_logs_tell(record->file.path, &record->started_at);
}

static int
report_failed_start(const struct record *record, int error)
{
    fprintf(stderr, "vmprof: %s cannot be run: %s\n", record->options.argv[0],
            strerror(-error));
    return error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
}

static int
run(struct record *record, char **environment)
{
    const struct run request = {
        .argv = record->options.argv,
        .environment = environment,
        .on_tick = record->progress ? show_progress : NULL,
        .user = record,
    };
    int status;

    clock_gettime(CLOCK_MONOTONIC, &record->start);
    clock_gettime(CLOCK_REALTIME_COARSE, &record->started_at);
    status = run_command(&request);
    if (record->progress)
        fputs("\r\033[K", stderr);
    if (status < 0)
        return report_failed_start(record, status);
    output_file_scan(&record->file);
    say_what_was_recorded(record, status);
    return status;
}

static int
run_in_environment(struct record *record)
{
    char interval[32];
    struct recording recording = record->options.recording;
    struct environment environment;
    int status;

    snprintf(interval, sizeof(interval), "%.9g", record->options.interval);
    recording.interval = interval;
    recording.path = record->file.path;
    status = environment_open(&environment);
    if (status == 0)
        status = environment_prepare(&environment, &recording);
    if (status == 0) {
        status = run(record, environment.strings);
    } else {
        fprintf(stderr, "vmprof: the environment cannot be set: %s\n",
                strerror(-status));
        status = STATUS_FAILED;
    }
    environment_free(&environment);
    return status;
}

/* "lua.vmprof" for /usr/bin/lua; a log is "lua.prof". */
static char *
default_output(const struct record *record)
{
    const char *command = record->options.argv[0];
    const char *slash = strrchr(command, '/');
    char *name;

    return asprintf(&name, "%s.%s", slash ? slash + 1 : command,
                    record->options.recording.format ? "prof" : "vmprof") < 0
               ? NULL
               : name;
}

static int
record_command(struct record *record)
{
    char message[512];
    int status = output_file_open(&record->file, record->options.output,
                                  message, sizeof(message));

    if (status) {
        fprintf(stderr, "vmprof: %s\n", message);
        return status == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
    }
    status = run_in_environment(record);
    output_file_close(&record->file);
    return status;
}

int
cmd_record(int argc, char **argv)
{
    struct record record = {
        .options = { .interval = 0.001,
                     .recording = { .mode = "cpu",
                                    .clock = "auto",
                                    .sampling = "auto" } },
    };
    struct record_options *const options = &record.options;
    char *name = NULL;
    int status = record_options_parse(options, argc, argv);

    if (status)
        return status;
    if (options->help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    record.progress = !options->quiet && isatty(STDERR_FILENO);
    if (!options->output)
        options->output = name = default_output(&record);
    status = options->output ? record_command(&record) : STATUS_FAILED;
    free(name);
    return status;
}
