/* SPDX-License-Identifier: MIT */

/* Enable profiling as the environment says. An object of its own: the library
 * itself never reads the environment. */

#include <vmprof/autostart.h>
#include <vmprof/call_graph.h>
#include <vmprof/coverage.h>
#include <vmprof/event_counts.h>
#include <vmprof/event_names.h>
#include <vmprof/event_recorder.h>
#include <vmprof/sampler.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const double DEFAULT_INTERVAL = 0.001;

struct settings {
    struct vmprof_options options;
    struct vmprof_event_recorder_options recorder; /* events 0: none */
    unsigned layers; /* bits, by place in the list below */
};

static const struct {
    const char *name;
    int (*start)(const struct vmprof_layer_options *options,
                 struct vmprof_layer **out);
} layers[] = {
    { "coverage", vmprof_new_coverage },
    { "callgraph", vmprof_new_call_graph },
    { "counters", vmprof_new_event_counts },
};

enum {
    LAYERS = sizeof(layers) / sizeof(*layers),
};

static int
parse_number(const char *text, double *out)
{
    /* The host's locale may want a comma. */
    const locale_t plain = newlocale(LC_NUMERIC_MASK, "C", NULL);
    char *end;

    if (!plain)
        return -ENOMEM;
    *out = strtod_l(text, &end, plain);
    freelocale(plain);
    return end != text && (*end == ';' || !*end) ? 0 : -EINVAL;
}

/* The number of a word in a list, -EINVAL if it is not there. */
static int
parse_word(const char *text, const char *const words[], unsigned *out)
{
    const size_t size = strcspn(text, ";");

    for (unsigned i = 0; words[i]; i++)
        if (strlen(words[i]) == size && !memcmp(text, words[i], size)) {
            *out = i;
            return 0;
        }
    return -EINVAL;
}

static int
parse_bit(const char *text, uint32_t bit, uint32_t *bits)
{
    static const char *const words[] = { "off", "on", NULL };
    unsigned is_on;
    const int r = parse_word(text, words, &is_on);

    if (r == 0)
        *bits = is_on ? *bits | bit : *bits & ~bit;
    return r;
}

/* What is named, and all that is cheaper. */
static int
parse_emits(const char *text, uint32_t *emits)
{
    static const char *const words[] = { "current", "count", "event", NULL };
    unsigned word;
    const int r = parse_word(text, words, &word);

    if (r == 0)
        *emits = (2u << word) - 1;
    return r;
}

/* A whole one. */
static int
parse_count(const char *text, uint64_t *count)
{
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return !errno && *end == ';' ? 0 : -EINVAL;
}

static int
parse_recorder_setting(const char *at,
                       struct vmprof_event_recorder_options *recorder)
{
    if (!strncmp(at, "events=", 7))
        return vmprof_parse_events(at + 7, &recorder->events);
    if (!strncmp(at, "event-period=", 13))
        return parse_count(at + 13, &recorder->period);
    if (!strncmp(at, "event-rate=", 11))
        return parse_count(at + 11, &recorder->rate);
    return -EINVAL;
}

/* Names with commas in between. */
static int
parse_layers(const char *text, unsigned *bits)
{
    for (;; text++) {
        const size_t size = strcspn(text, ",;");
        unsigned i = 0;

        while (i < LAYERS && (strlen(layers[i].name) != size ||
                              memcmp(text, layers[i].name, size) != 0))
            i++;
        if (i == LAYERS)
            return -EINVAL;
        *bits |= 1u << i;
        text += size;
        if (*text != ',')
            return 0;
    }
}

static int
parse_setting(const char *at, struct settings *settings)
{
    struct vmprof_options *const options = &settings->options;
    static const char *const modes[] = { "cpu", "wall", NULL };
    /* In the order of their enums. */
    static const char *const clocks[] = { "auto",     "perf", "monotonic",
                                          "observer", "cpu",  NULL };
    static const char *const samplings[] = { "auto", "signal", NULL };
    static const char *const natives[] = { "off", "copy", "fp", NULL };
    static const char *const formats[] = { "native", "vmprof-log", NULL };
    static const char *const inners[] = { "count", "ignore", "each", "auto",
                                          NULL };
    static const char *const overflows[] = { "drop", "newest", "block", NULL };

    if (!strncmp(at, "interval=", 9))
        return parse_number(at + 9, &options->interval);
    if (!strncmp(at, "mode=", 5))
        return parse_word(at + 5, modes, &options->mode);
    if (!strncmp(at, "clock=", 6))
        return parse_word(at + 6, clocks, &options->clock);
    if (!strncmp(at, "sampling=", 9))
        return parse_word(at + 9, samplings, &options->sampling);
    if (!strncmp(at, "native=", 7))
        return parse_word(at + 7, natives, &options->native);
    if (!strncmp(at, "format=", 7))
        return parse_word(at + 7, formats, &options->format);
    if (!strncmp(at, "memory=", 7))
        return parse_bit(at + 7, VMPROF_LOG_MEMORY, &options->log_parts);
    if (!strncmp(at, "lines=", 6))
        return parse_bit(at + 6, VMPROF_LOG_LINES, &options->log_parts);
    if (!strncmp(at, "jit=", 4))
        return parse_emits(at + 4, &options->jit_emits);
    if (!strncmp(at, "jit-inner=", 10))
        return parse_word(at + 10, inners, &options->jit_inner);
    if (!strncmp(at, "jit-overflow=", 13))
        return parse_word(at + 13, overflows, &options->jit_overflow);
    if (!strncmp(at, "tool=", 5))
        return parse_layers(at + 5, &settings->layers);
    return parse_recorder_setting(at, &settings->recorder);
}

/* Returns the path, the rest of the value, or NULL. */
static const char *
parse(const char *value, struct settings *settings)
{
    while (strncmp(value, "file=", 5)) {
        const char *const end = strchr(value, ';');
        if (!end || parse_setting(value, settings) < 0)
            return NULL;
        value = end + 1;
    }
    return value[5] ? value + 5 : NULL;
}

static int
open_new(const char *path)
{
    enum {
        MOST_RUNS = 100, /* in one process, by exec() */
    };
    int fd = -1;

    for (int run = 1; fd < 0 && run <= MOST_RUNS; run++) {
        char *name;
        const int size = run == 1
                             ? asprintf(&name, "%s.%d", path, getpid())
                             : asprintf(&name, "%s.%d.%d", path, getpid(), run);

        if (size < 0)
            return -ENOMEM;
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            run = MOST_RUNS;
        free(name);
    }
    return fd < 0 ? -errno : fd;
}

/* A log is of one process: the second one has a file of its own, by its id. The
 * lock is given back with the last duplicate of the descriptor. */
static int
open_log(const char *path, int fd)
{
    struct stat status;

    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 &&
        (!S_ISREG(status.st_mode) || !status.st_size))
        return fd;
    close(fd);
    return open_new(path);
}

static int
open_file(const char *path, uint32_t format)
{
    const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0)
        return -errno;
    return format == VMPROF_FORMAT_LOG ? open_log(path, fd) : fd;
}

static void
stop(void)
{
    vmprof_disable();
}

/* They stay until the process ends. */
static int
start_layers(unsigned bits)
{
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;
    int r = 0;

    vmprof_layer_options_init(&options);
    options.in_profile = 1;
    for (unsigned i = 0; i < LAYERS && r == 0; i++)
        if (bits >> i & 1)
            r = layers[i].start(&options, &layer);
    return r;
}

/* The recorder comes first, so that nothing of the session is missed. */
static int
enable(const struct settings *settings)
{
    const bool records = settings->recorder.events != 0;
    int r = records ? vmprof_start_event_recorder(&settings->recorder) : 0;

    if (r < 0)
        return r;
    r = vmprof_enable_with(&settings->options);
    if (r == 0) {
        r = start_layers(settings->layers);
        if (r < 0)
            vmprof_disable();
    }
    if (r < 0 && records)
        vmprof_stop_event_recorder();
    return r;
}

int
vmprof_autostart(const char *vm_name)
{
    static atomic_flag called = ATOMIC_FLAG_INIT;
    const char *const value = secure_getenv(VMPROF_RECORD_VARIABLE);
    struct settings settings = { 0 };
    const char *path;
    int r;

    if (!value || atomic_flag_test_and_set(&called))
        return 0;
    vmprof_options_init(&settings.options);
    vmprof_event_recorder_options_init(&settings.recorder);
    settings.options.interval = DEFAULT_INTERVAL;
    settings.options.vm_name = vm_name;
    path = parse(value, &settings);
    if (!path || ((settings.recorder.events || settings.layers) &&
                  settings.options.format == VMPROF_FORMAT_LOG))
        return -EINVAL;
    settings.options.fd = open_file(path, settings.options.format);
    if (settings.options.fd < 0)
        return settings.options.fd;
    r = enable(&settings);
    close(settings.options.fd);
    if (r < 0)
        return r;
    if (atexit(stop) == 0)
        return 1;
    stop();
    return -ENOMEM;
}
