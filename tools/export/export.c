/* SPDX-License-Identifier: MIT */

#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct exporter exporters[] = {
    { "callgrind", ".callgrind", false, false, false, false, export_callgrind },
    { "chrome", ".trace.json", false, false, false, true, export_chrome },
    { "collapsed", ".collapsed", false, true, false, false, export_collapsed },
    { "lcov", ".info", false, false, false, false, export_lcov },
    { "pprof", ".pb.gz", true, false, false, false, export_pprof },
    { "pypylog", ".pypylog", false, false, false, false, export_pypylog },
    { "speedscope", ".speedscope.json", false, false, false, false,
      export_speedscope },
    { "vmprof-log", ".prof", true, false, true, false, export_vmprof_log },
    { 0 },
};

const struct exporter *
exporter_find(const char *name)
{
    for (const struct exporter *exporter = exporters; exporter->name;
         exporter++)
        if (!strcmp(exporter->name, name))
            return exporter;
    return NULL;
}

int
export_out_of_memory(struct export_job *job)
{
    snprintf(job->message, sizeof(job->message),
             "not enough memory to convert %s", job->input);
    return -1;
}

int
export_read(struct export_job *job, bool summed, batch_function on_batch,
            void *user)
{
    struct read_options options = *job->options;
    int result;

    options.summed = summed;
    result = profile_read(&job->profile, job->input, &options, on_batch, user,
                          job->message, sizeof(job->message));

    if (result == -ENOMEM)
        return export_out_of_memory(job);
    if (result == -EOVERFLOW)
        snprintf(job->message, sizeof(job->message),
                 "%s has more threads than an export can hold", job->input);
    return result ? -1 : 0;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

const char *
export_title(const struct export_job *job)
{
    const struct profile *profile = &job->profile;

    if (job->title)
        return job->title;
    if (profile->session_count && profile->sessions[0].program &&
        *profile->sessions[0].program)
        return profile->sessions[0].program;
    return base_name(job->input);
}

/* "dir/app.vmprof" becomes "dir/app.pb.gz". Freed by the caller. */
static char *
default_path(const char *input, const char *extension)
{
    static const char own[] = ".vmprof";
    size_t size = strlen(input);
    char *path;

    if (!strcmp(input, "-"))
        return strdup("-");
    if (size > strlen(own) && !strcmp(input + size - strlen(own), own))
        size -= strlen(own);
    if (asprintf(&path, "%.*s%s", (int)size, input, extension) < 0)
        return NULL;
    return path;
}

static void
tell_damage(const struct export_job *job)
{
    const struct damage *damage = &job->profile.damage;

    if (damage->bytes_unread || damage->chunks_missing ||
        damage->samples_unknown)
        fprintf(stderr,
                "vmprof: %s is damaged: %" PRIu64 " bytes unread, %" PRIu64
                " chunks missing, %" PRIu64
                " samples without their stack; the rest was converted\n",
                job->input, damage->bytes_unread, damage->chunks_missing,
                damage->samples_unknown);
}

static int
run_to(const struct exporter *exporter, struct export_job *job,
       const char *path)
{
    struct output output;
    int result = output_open(&output, path, job->message, sizeof(job->message));

    if (result)
        return result;
    job->output = &output;
    result = exporter->run(job);
    if (result)
        output_discard(&output);
    else
        result = output_commit(&output, job->message, sizeof(job->message));
    return result;
}

static bool
is_same_file(const char *input, const char *path)
{
    struct stat in, out;
    const int result =
        strcmp(input, "-") ? stat(input, &in) : fstat(STDIN_FILENO, &in);

    return !result && !stat(path, &out) && S_ISREG(in.st_mode) &&
           in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

static int
run_checked(const struct exporter *exporter, struct export_job *job,
            const char *path)
{
    if (exporter->binary && !strcmp(path, "-") && isatty(STDOUT_FILENO)) {
        fprintf(stderr,
                "vmprof: %s is a binary format, which a terminal cannot show:"
                " name a file with -o\n",
                exporter->name);
        return 2;
    }
    if (strcmp(path, "-") && is_same_file(job->input, path)) {
        fprintf(stderr,
                "vmprof: %s is the profile itself: name another file with -o\n",
                path);
        return 2;
    }
    /* A reader that went away, or a file that may not grow, is an error to
     * report, not a reason to die. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (run_to(exporter, job, path)) {
        fprintf(stderr, "vmprof: %s\n", job->message);
        return 1;
    }
    tell_damage(job);
    return 0;
}

int
export_run(const struct exporter *exporter, struct export_job *job,
           const char *path)
{
    char *chosen =
        path ? strdup(path) : default_path(job->input, exporter->extension);
    int code = 1;

    if (chosen)
        code = run_checked(exporter, job, chosen);
    else
        fputs("vmprof: not enough memory\n", stderr);
    /* Who did not choose the name has to be told it. */
    if (!code && !path && strcmp(chosen, "-"))
        fprintf(stderr, "vmprof: wrote %s\n", chosen);
    profile_free(&job->profile);
    free(chosen);
    return code;
}
