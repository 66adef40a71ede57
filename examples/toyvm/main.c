/* SPDX-License-Identifier: MIT */

/* The command toyvm: runs a program, profiled if asked to. */
#include "compiler.h"
#include "profile.h"
#include "text.h"
#include "thread.h"
#include "truth.h"
#include "type_truth.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmprof/autostart.h>

#define FAILED 1 /* exit codes, as of other commands */
#define MISUSE 2

#define THREADS_MAX 1000

static const char usage[] =
    "usage: toyvm [OPTION...] PROGRAM [ARGUMENT...]\n"
    "  --profile FILE      write a profile\n"
    "  --interval SECONDS  between samples, default 0.001\n"
    "  --mode cpu|wall     profile CPU time (default) or time that passes\n"
    "  --threads N         run the program in N threads at once\n"
    "  --truth             print the CPU time of each function, measured by\n"
    "                      clock, as a line of JSON at the end\n"
    "  --types FILE        write the types that operators were used with, a "
    "row\n"
    "                      of JSON a line, at the end\n"
    "  --types-truth FILE  the same, counted by the VM itself, for comparison\n"
    "  -X jit-profile-interp           profile bytecodes and types\n"
    "  -X jit-profile-interp-period=N  one bytecode in N\n"
    "  -X jit-profile-interp-jitter    N on average\n"
    "  -X jit-disable                  accepted: there is no JIT\n"
    "  --help\n";

struct settings {
    const char *profile;
    double interval;
    enum vmprof_mode mode;
    size_t threads;
    bool truth;
    const char *types;
    const char *types_truth;
};

static int
misuse(const char *message, const char *value)
{
    fprintf(stderr, "toyvm: %s%s\n%s", message, value, usage);
    return MISUSE;
}

static int
fail(const char *what, int error)
{
    fprintf(stderr, "toyvm: %s: %s\n", what, vmprof_strerror(error));
    return FAILED;
}

static int
parse_extra(const char *option)
{
    static const char period[] = "jit-profile-interp-period=";
    char *end;

    if (strcmp(option, "jit-profile-interp") == 0) {
        (void)vmprof_set_profile_interp_all(1);
        return 0;
    }
    if (strcmp(option, "jit-profile-interp-jitter") == 0) {
        (void)vmprof_set_profile_interp_jitter(1);
        return 0;
    }
    if (strcmp(option, "jit-disable") == 0)
        return 0;
    if (strncmp(option, period, sizeof(period) - 1) != 0)
        return misuse("no such -X option: ", option);
    option += sizeof(period) - 1;
    if (!*option || *option == '-' ||
        vmprof_set_profile_interp_period(strtoull(option, &end, 10)) || *end)
        return misuse("not a period: ", option);
    return 0;
}

static int
parse_option(struct settings *settings, int option)
{
    char *end = NULL;

    switch (option) {
    case 'p':
        settings->profile = optarg;
        return 0;
    case 'i':
        settings->interval = strtod(optarg, &end);
        if (*end || !(settings->interval > 0 && settings->interval < 1))
            return misuse("--interval must be between 0 and 1, not ", optarg);
        return 0;
    case 'm':
        if (strcmp(optarg, "cpu") && strcmp(optarg, "wall"))
            return misuse("--mode must be cpu or wall, not ", optarg);
        settings->mode = *optarg == 'w' ? VMPROF_MODE_WALL : VMPROF_MODE_CPU;
        return 0;
    case 'n':
        settings->threads = strtoul(optarg, &end, 10);
        if (*end || settings->threads < 1 || settings->threads > THREADS_MAX)
            return misuse("--threads must be 1 to 1000, not ", optarg);
        return 0;
    case 't':
        settings->truth = true;
        return 0;
    case 'y':
        settings->types = optarg;
        return 0;
    case 'Y':
        settings->types_truth = optarg;
        return 0;
    case 'X':
        return parse_extra(optarg);
    default:
        fputs(usage, stderr);
        return MISUSE;
    }
}

static int
parse_options(struct settings *settings, int argc, char **argv)
{
    static const struct option options[] = {
        { "profile", required_argument, NULL, 'p' },
        { "interval", required_argument, NULL, 'i' },
        { "mode", required_argument, NULL, 'm' },
        { "threads", required_argument, NULL, 'n' },
        { "truth", no_argument, NULL, 't' },
        { "types", required_argument, NULL, 'y' },
        { "types-truth", required_argument, NULL, 'Y' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option, status = 0;

    while (!status &&
           (option = getopt_long(argc, argv, "+X:", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        status = parse_option(settings, option);
    }
    if (!status && optind == argc)
        status = misuse("no program given", "");
    return status;
}

/* The text of a file with a NUL at its end, or NULL and errno. */
static char *
read_file(const char *name)
{
    struct text text = { 0 };
    FILE *file = fopen(name, "r");
    char buffer[4096];
    size_t size;
    bool failed;

    if (!file)
        return NULL;
    while ((size = fread(buffer, 1, sizeof(buffer), file)) > 0)
        text_add(&text, buffer, size);
    text_add(&text, "", 1);
    failed = ferror(file);
    fclose(file);
    if (failed) {
        free(text.bytes);
        errno = EIO;
        return NULL;
    }
    return text.bytes;
}

static struct program *
load(const char *file)
{
    char message[512];
    char *source = read_file(file);
    struct program *program;

    if (!source) {
        fprintf(stderr, "toyvm: cannot read %s: %s\n", file, strerror(errno));
        return NULL;
    }
    program = compile(file, source, message, sizeof(message));
    free(source);
    if (!program)
        fprintf(stderr, "%s\n", message);
    return program;
}

static int
start_profile(const struct settings *settings)
{
    int fd =
        open(settings->profile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int error;

    if (fd < 0) {
        fprintf(stderr, "toyvm: cannot write %s: %s\n", settings->profile,
                strerror(errno));
        return FAILED;
    }
    error = profile_start(fd, settings->interval, settings->mode);
    close(fd); /* the library has its own duplicate */
    return error ? fail("cannot start profiling", error) : 0;
}

static int
write_line(void *file, const void *data, size_t size)
{
    return fwrite(data, 1, size, file) == size ? 0 : -EIO;
}

/* Before the profile ends, whose file gets the rows, too. */
static int
write_types(const char *name)
{
    FILE *file = fopen(name, "w");
    int error;

    if (!file) {
        fprintf(stderr, "toyvm: cannot write %s: %s\n", name, strerror(errno));
        return FAILED;
    }
    error = profile_write_types(write_line, file);
    if (fclose(file) != 0 && !error)
        error = -EIO;
    return error ? fail("cannot write the types", error) : 0;
}

static int
write_type_truth(const struct program *program, const char *name)
{
    FILE *file = fopen(name, "w");

    if (!file) {
        fprintf(stderr, "toyvm: cannot write %s: %s\n", name, strerror(errno));
        return FAILED;
    }
    type_truth_print(program, file);
    return fclose(file) == 0 ? 0 : fail("cannot write the types", -EIO);
}

/* Profiling ends before the functions are freed: lines are still asked for. */
static int
run_profiled(struct program *program, const struct settings *settings,
             char **arguments, size_t count)
{
    int error = profile_add_program(program);
    bool succeeded;

    if (error)
        return fail("cannot register the program's functions", error);
    if (settings->profile && start_profile(settings))
        return FAILED;
    succeeded = thread_run(program, arguments, count,
                           (settings->truth ? TRUTH_TIMES : 0) |
                               (settings->types_truth ? TRUTH_TYPES : 0),
                           settings->threads);
    if (settings->truth)
        truth_print(program, stdout);
    if (settings->types && write_types(settings->types))
        succeeded = false;
    if (settings->types_truth &&
        write_type_truth(program, settings->types_truth))
        succeeded = false;
    error = profile_stop(settings->profile ? stderr : NULL);
    profile_remove_program(program);
    if (error)
        return fail("the profile is not whole", error);
    return succeeded ? 0 : FAILED;
}

int
main(int argc, char **argv)
{
    struct settings settings = { .interval = 0.001, .threads = 1 };
    int status = parse_options(&settings, argc, argv);
    struct program *program;
    int error;

    if (status)
        return status;
    error = profile_init();
    if (error)
        return fail("cannot set up profiling", error);
    error = vmprof_autostart("toyvm"); /* for `vmprof record -- toyvm ...` */
    if (error < 0)
        return fail("cannot start profiling as the environment says", error);
    program = load(argv[optind]);
    if (!program)
        return FAILED;
    status = run_profiled(program, &settings, argv + optind + 1,
                          (size_t)(argc - optind - 1));
    program_free(program);
    return status;
}
