/* SPDX-License-Identifier: MIT */

/* The command toyvm: runs a program, profiled if asked to. */
#include "compiler.h"
#include "jit.h"
#include "jit_truth.h"
#include "jit_types.h"
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
#include <vmprof/jit.h>

#define FAILED 1 /* exit codes, as of other commands */
#define MISUSE 2

#define THREADS_MAX 1000
#define COUNT_MAX   1000000 /* of a threshold */

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
    "  --save-types FILE   write these types for the JIT of a later run\n"
    "  --jit-truth FILE    write the traces, the edges between them and the\n"
    "                      times in them, counted by the JIT itself\n"
    "  -X jit=off|on|threaded          compile, to machine code if there is a\n"
    "                                  generator for the machine\n"
    "  -X jit-disable                  the same as jit=off, which is the "
    "default\n"
    "  -X jit-hot=N                    rounds until a loop is compiled\n"
    "  -X jit-bridge=N                 failures until a guard gets a bridge\n"
    "  -X jit-emits=current,count,event  what edges between traces tell the\n"
    "                                  profiler; else what it wants\n"
    "  -X jit-inner=count|ignore|each|auto  of inner bridges, with --profile\n"
    "  -X jit-types=FILE               types that were saved\n"
    "  -X jit-truth-clock=cpu|ticks|none  the clock of --jit-truth\n"
    "  --help\n";

struct settings {
    const char *profile;
    double interval;
    enum vmprof_mode mode;
    size_t threads;
    bool truth;
    const char *types;
    const char *types_truth;
    const char *saved_types;
    const char *jit_truth;
    const char *jit_types;
    enum vmprof_jit_inner jit_inner;
    struct jit_settings jit;
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
parse_count(const char *text, uint32_t *count)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (!*text || *text == '-' || *end || number < 1 || number > COUNT_MAX)
        return misuse("must be 1 to 1000000: ", text);
    *count = (uint32_t)number;
    return 0;
}

/* One of some words, by its place among them; -1: none of them. */
static int
find_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
    }
    return -1;
}

static int
parse_backend(struct settings *settings, const char *text)
{
    static const char *const words[] = { "off", "on", "threaded", NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit must be off, on or threaded, not ", text);
    settings->jit.backend = (enum jit_backend)word;
    return 0;
}

static int
parse_clock(struct settings *settings, const char *text)
{
    static const char *const words[] = { "none", "cpu", "ticks", NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit-truth-clock must be cpu, ticks or none, not ", text);
    settings->jit.clock = (enum jit_truth_clock)word;
    return 0;
}

static int
parse_inner(struct settings *settings, const char *text)
{
    static const char *const words[] = { "count", "ignore", "each", "auto",
                                         NULL };
    int word = find_word(text, words);

    if (word < 0)
        return misuse("jit-inner must be count, ignore, each or auto, not ",
                      text);
    settings->jit_inner = (enum vmprof_jit_inner)word;
    return 0;
}

static int
parse_types(struct settings *settings, const char *text)
{
    settings->jit_types = text;
    return 0;
}

/* Some of these, with commas between them. */
static int
parse_emits(struct settings *settings, const char *text)
{
    static const char *const words[] = { "current", "count", "event" };
    const char *rest = text;

    settings->jit.emits = 0;
    while (*rest) {
        size_t length = strcspn(rest, ","), i = 0;

        while (i < 3 &&
               (strncmp(rest, words[i], length) != 0 || words[i][length]))
            i++;
        if (i == 3)
            return misuse("jit-emits must be some of current, count and event, "
                          "not ",
                          text);
        settings->jit.emits |= 1u << i;
        rest += length + (rest[length] == ',');
    }
    return 0;
}

static int
parse_hot(struct settings *settings, const char *text)
{
    return parse_count(text, &settings->jit.hot);
}

static int
parse_bridge(struct settings *settings, const char *text)
{
    return parse_count(text, &settings->jit.bridge);
}

static int
parse_period(struct settings *settings, const char *text)
{
    char *end;

    (void)settings;
    if (!*text || *text == '-' ||
        vmprof_set_profile_interp_period(strtoull(text, &end, 10)) || *end)
        return misuse("not a period: ", text);
    return 0;
}

static int
parse_extra(struct settings *settings, const char *option)
{
    static const struct {
        const char *name;
        int (*parse)(struct settings *settings, const char *text);
    } values[] = {
        { "jit-profile-interp-period=", parse_period },
        { "jit=", parse_backend },
        { "jit-hot=", parse_hot },
        { "jit-bridge=", parse_bridge },
        { "jit-emits=", parse_emits },
        { "jit-inner=", parse_inner },
        { "jit-types=", parse_types },
        { "jit-truth-clock=", parse_clock },
    };

    if (strcmp(option, "jit-profile-interp") == 0) {
        (void)vmprof_set_profile_interp_all(1);
        return 0;
    }
    if (strcmp(option, "jit-profile-interp-jitter") == 0) {
        (void)vmprof_set_profile_interp_jitter(1);
        return 0;
    }
    if (strcmp(option, "jit-disable") == 0) {
        settings->jit.backend = JIT_OFF;
        return 0;
    }
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
        size_t length = strlen(values[i].name);

        if (strncmp(option, values[i].name, length) == 0)
            return values[i].parse(settings, option + length);
    }
    return misuse("no such -X option: ", option);
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
    case 's':
        settings->saved_types = optarg;
        return 0;
    case 'j':
        settings->jit_truth = optarg;
        settings->jit.truth = true;
        return 0;
    case 'X':
        return parse_extra(settings, optarg);
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
        { "save-types", required_argument, NULL, 's' },
        { "jit-truth", required_argument, NULL, 'j' },
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
    if (!status && settings->types_truth && settings->jit.backend != JIT_OFF)
        status = misuse("--types-truth wants all to be interpreted", "");
    if (!status && settings->types && settings->saved_types)
        status = misuse("--types and --save-types exclude each other", "");
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
    error = profile_start(fd, settings->interval, settings->mode,
                          settings->jit.emits, settings->jit_inner);
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

static int
save_types(const char *name)
{
    int error = jit_types_save(name);

    return error ? fail("cannot save the types", error) : 0;
}

static int
write_jit_truth(const char *name)
{
    FILE *file = fopen(name, "w");

    if (!file) {
        fprintf(stderr, "toyvm: cannot write %s: %s\n", name, strerror(errno));
        return FAILED;
    }
    jit_truth_print(file);
    return fclose(file) == 0 ? 0 : fail("cannot write the truth", -EIO);
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
                           &settings->jit, settings->threads);
    if (settings->truth)
        truth_print(program, stdout);
    if (settings->types && write_types(settings->types))
        succeeded = false;
    if (settings->types_truth &&
        write_type_truth(program, settings->types_truth))
        succeeded = false;
    if (settings->saved_types && save_types(settings->saved_types))
        succeeded = false;
    if (settings->jit_truth && write_jit_truth(settings->jit_truth))
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
    struct settings settings = {
        .interval = 0.001,
        .threads = 1,
        .jit = { .hot = 50, .bridge = 10, .clock = JIT_TRUTH_CPU_CLOCK },
    };
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
    if (settings.jit_types) {
        settings.jit.types = jit_types_load(settings.jit_types);
        if (!settings.jit.types)
            return FAILED;
    }
    program = load(argv[optind]);
    status = FAILED;
    if (program) {
        status = run_profiled(program, &settings, argv + optind + 1,
                              (size_t)(argc - optind - 1));
        program_free(program);
    }
    vmprof_free_loaded_profile(settings.jit.types);
    return status;
}
