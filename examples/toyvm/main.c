/* SPDX-License-Identifier: MIT */

/* The command toyvm: runs a program, profiled if asked to. */
#include "compiler.h"
#include "events.h"
#include "jit.h"
#include "jit_truth.h"
#include "jit_types.h"
#include "options.h"
#include "profile.h"
#include "text.h"
#include "thread.h"
#include "truth.h"
#include "type_truth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vmprof/autostart.h>
#include <vmprof/jit_sinks.h>
#include <vmprof/type_profile.h>

static int
fail(const char *what, int error)
{
    fprintf(stderr, "toyvm: %s: %s\n", what, vmprof_strerror(error));
    return FAILED;
}

/* The same where the system is the cause. */
static int
fail_file(const char *what, const char *name, int error)
{
    fprintf(stderr, "toyvm: %s %s: %s\n", what, name, strerror(-error));
    return FAILED;
}

/* What could not be written before fclose() is not written by it either. */
static int
close_written(FILE *file)
{
    const bool failed = ferror(file);

    return fclose(file) == 0 && !failed ? 0 : -EIO;
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
    return close_written(file) ? fail_file("cannot write", name, -EIO) : 0;
}

static int
save_types(const char *name)
{
    int error = jit_types_save(name);

    return error ? fail_file("cannot save the types in", name, error) : 0;
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
    return close_written(file) ? fail_file("cannot write", name, -EIO) : 0;
}

static int
open_sinks(const char *directory)
{
    struct vmprof_jit_sink_options options;
    int error;

    vmprof_jit_sink_options_init(&options);
    options.sinks = VMPROF_SINK_PERF_MAP | VMPROF_SINK_JITDUMP |
                    VMPROF_SINK_GDB | VMPROF_SINK_UNWIND;
    options.directory = directory;
    error = vmprof_open_jit_sinks(&options);
    return error
               ? fail_file("cannot tell others of traces in", directory, error)
               : 0;
}

static int
close_sinks(const char *directory)
{
    int error = vmprof_close_jit_sinks();

    return error < 0
               ? fail_file("not all traces are told of in", directory, error)
               : 0;
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
    if ((settings->profile && start_profile(settings)) ||
        (settings->sinks && open_sinks(settings->sinks)))
        return FAILED;
    events_add_program(program);
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
    if (settings->sinks && close_sinks(settings->sinks))
        succeeded = false;
    error = profile_stop(settings->profile ? stderr : NULL);
    events_remove_program();
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
    events_init();
    error = settings.events ? events_print(settings.events) : 0;
    if (error)
        return fail("cannot print events", error);
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
