/* SPDX-License-Identifier: MIT */

/* vmprof record: run a program and record where its time goes. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "record/environment.h"
#include "record/further_logs.h"
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
    "  -q, --quiet              no progress and no summary\n"
    "  -h, --help               this text\n"
    "\n"
    "The first ^C is for COMMAND, the second one terminates it. The exit\n"
    "status is COMMAND's; 128 and the signal if one killed it; 127 if there\n"
    "is no such command, 126 if it cannot be run.\n";

static const struct option long_options[] = {
    { "output", required_argument, NULL, 'o' },
    { "interval", required_argument, NULL, 'i' },
    { "rate", required_argument, NULL, 'r' },
    { "mode", required_argument, NULL, 'm' },
    { "clock", required_argument, NULL, 'c' },
    { "sampling", required_argument, NULL, 's' },
    { "native", optional_argument, NULL, 'g' },
    { "format", required_argument, NULL, 'f' },
    { "memory", no_argument, NULL, 'M' },
    { "lines", no_argument, NULL, 'L' },
    { "quiet", no_argument, NULL, 'q' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

enum {
    /* What a shell returns for them. */
    STATUS_NOT_RUN = 126,
    STATUS_NOT_FOUND = 127,
    STATUS_KILLED = 128, /* and the signal */
};

struct record {
    const char *output;
    double interval;
    const char *mode, *clock, *sampling, *native;
    const char *format; /* NULL: the native one */
    bool memory, lines;
    bool has_interval, has_rate;
    bool quiet, help, progress;
    char **argv;
    struct output_file file;
    struct timespec start, started_at; /* the latter as files have it */
};

static int
usage(const char *message, const char *argument)
{
    return usage_error("record", "%s \"%s\"", message, argument);
}

static int
set_interval(struct record *record, const char *argument)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 } };
    char *end;
    const double number = strtod(argument, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end != argument && strcmp(end, units[i].name) == 0)
            record->interval = number * units[i].seconds;
    /* 0.001ms is a bit less than 1us in binary. */
    if (record->interval > 0.999999e-6 && record->interval < 1)
        return 0;
    return usage("--interval is at least 1us and below 1 s, not", argument);
}

static int
set_rate(struct record *record, const char *argument)
{
    char *end;
    const double rate = strtod(argument, &end);

    if (end == argument || *end || !(rate > 1 && rate <= 1e6))
        return usage("--rate is above 1 and at most 1000000, not", argument);
    record->interval = 1 / rate;
    return 0;
}

static int
set_word(const char **to, const char *argument, const char *const words[],
         const char *message)
{
    for (; *words; words++)
        if (strcmp(argument, *words) == 0) {
            *to = *words;
            return 0;
        }
    return usage(message, argument);
}

static int
set_format(struct record *record, const char *argument)
{
    static const char *const formats[] = { "native", "vmprof-log", NULL };
    const int result = set_word(&record->format, argument, formats,
                                "--format is native or vmprof-log, not");

    if (!result && strcmp(record->format, "native") == 0)
        record->format = NULL;
    return result;
}

static int
take_option(struct record *record, int option)
{
    static const char *const modes[] = { "cpu", "wall", NULL };
    static const char *const clocks[] = { "auto", "perf",     "monotonic",
                                          "cpu",  "observer", NULL };
    static const char *const samplings[] = { "auto", "signal", NULL };
    static const char *const natives[] = { "copy", "fp", NULL };

    switch (option) {
    case 'o':
        record->output = optarg;
        return *optarg && strcmp(optarg, "-") != 0
                   ? 0
                   : usage("--output is the name of a file, not", optarg);
    case 'i':
        record->interval = 0;
        record->has_interval = true;
        return set_interval(record, optarg);
    case 'r':
        record->has_rate = true;
        return set_rate(record, optarg);
    case 'm':
        return set_word(&record->mode, optarg, modes,
                        "--mode is cpu or wall, not");
    case 'c':
        return set_word(&record->clock, optarg, clocks,
                        "--clock is auto, perf, monotonic, cpu or observer, "
                        "not");
    case 's':
        return set_word(&record->sampling, optarg, samplings,
                        "--sampling is auto or signal, not");
    case 'g':
        return set_word(&record->native, optarg ? optarg : "copy", natives,
                        "--native is copy or fp, not");
    case 'f':
        return set_format(record, optarg);
    case 'M':
        record->memory = true;
        return 0;
    case 'L':
        record->lines = true;
        return 0;
    case 'q':
        record->quiet = true;
        return 0;
    case 'h':
        record->help = true;
        return 0;
    }
    return usage_see_help("record");
}

static int
parse(struct record *record, int argc, char **argv)
{
    int option, result = 0;

    optind = 0;
    /* "+": options behind COMMAND are COMMAND's. */
    while (!result && (option = getopt_long(argc, argv, "+o:i:r:m:c:s:g::f:qh",
                                            long_options, NULL)) != -1)
        result = take_option(record, option);
    if (result || record->help)
        return result;
    if (optind == argc)
        return usage_error("record", "COMMAND is missing");
    if (record->has_interval && record->has_rate)
        return usage_error("record", "--interval and --rate say the same: "
                                     "leave one out");
    if (strcmp(record->mode, "wall") == 0 && strcmp(record->clock, "auto") != 0)
        return usage("--mode wall needs no --clock; leave out", record->clock);
    if (strcmp(record->mode, "wall") == 0 &&
        strcmp(record->sampling, "auto") != 0)
        return usage("--mode wall needs no --sampling; leave out",
                     record->sampling);
    if (strcmp(record->mode, "wall") == 0 && record->native)
        return usage_error("record", "--native needs the signals of --mode "
                                     "cpu");
    if (!record->format && (record->memory || record->lines))
        return usage_error("record", "--memory and --lines are of --format "
                                     "vmprof-log");
    record->argv = argv + optind;
    return 0;
}

static double
elapsed(const struct record *record)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - record->start.tv_sec) +
           (double)(now.tv_nsec - record->start.tv_nsec) * 1e-9;
}

/* "12,345 samples, 61,000 bytes" */
static void
print_counts(const struct record *record)
{
    char samples[32], bytes[32];

    format_count(samples, record->file.scan.samples);
    format_count(bytes, record->file.scan.offset);
    fprintf(stderr, "%.1f s, %s samples, %s bytes", elapsed(record), samples,
            bytes);
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
                record->argv[0]);
    else
        fprintf(stderr,
                "vmprof: nothing was recorded: %s started no VM that supports "
                "vmprof. A VM calls vmprof_autostart() (pkg-config "
                "vmprof-autostart); for Lua 5.4 vmprof's Lua module must be "
                "installed\n",
                record->argv[0]);
}

static void
warn_of_early_end(const struct record *record, int error)
{
    const char *const name = record->output;

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
        record->argv[0]);
}

/* `status` is the command's: who killed it knows why the recording stops. */
static void
say_what_was_recorded(struct record *record, int status)
{
    const bool nothing = record->file.scan.samples == 0;
    const bool early = output_file_stops_early(&record->file);
    const int error = nothing || early ? output_file_error(&record->file) : 0;

    if (error || (early && status < STATUS_KILLED))
        warn_of_early_end(record, error);
    if (nothing && !error)
        warn_of_nothing(record);
    if (!nothing && record->native && !record->file.scan.modules)
        warn_of_no_native(record);
    if (nothing && record->file.previous)
        fprintf(stderr, "vmprof: %s is as it was before\n", record->output);
    else if (!nothing && !record->quiet)
        print_summary(record, record->output);
    if (record->format && !record->quiet)
        further_logs_tell(record->file.path, &record->started_at);
}

static int
report_failed_start(const struct record *record, int error)
{
    fprintf(stderr, "vmprof: %s cannot be run: %s\n", record->argv[0],
            strerror(-error));
    return error == -ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN;
}

static int
run(struct record *record, char **environment)
{
    const struct run request = {
        .argv = record->argv,
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
    const struct recording recording = {
        .path = record->file.path,
        .interval = interval,
        .mode = record->mode,
        .clock = record->clock,
        .sampling = record->sampling,
        .native = record->native,
        .format = record->format,
        .memory = record->memory,
        .lines = record->lines,
    };
    struct environment environment;
    int status;

    snprintf(interval, sizeof(interval), "%.9g", record->interval);
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
    const char *command = record->argv[0];
    const char *slash = strrchr(command, '/');
    char *name;

    return asprintf(&name, "%s.%s", slash ? slash + 1 : command,
                    record->format ? "prof" : "vmprof") < 0
               ? NULL
               : name;
}

static int
record_command(struct record *record)
{
    char message[512];
    int status = output_file_open(&record->file, record->output, message,
                                  sizeof(message));

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
        .interval = 0.001, .mode = "cpu", .clock = "auto", .sampling = "auto"
    };
    char *name = NULL;
    int status = parse(&record, argc, argv);

    if (status)
        return status;
    if (record.help) {
        fputs(help, stdout);
        return STATUS_DONE;
    }
    record.progress = !record.quiet && isatty(STDERR_FILENO);
    if (!record.output)
        record.output = name = default_output(&record);
    status = record.output ? record_command(&record) : STATUS_FAILED;
    free(name);
    return status;
}
