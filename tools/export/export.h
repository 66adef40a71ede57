/* SPDX-License-Identifier: MIT */

/*
 * What an export is: a name, and a function that reads a profile and writes
 * another format. A new one is a file of its own and a line in export.c.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "../analyse/event_filter.h"
#include "../read/profile.h"
#include "output.h"

/* What a weight counts, in formats that hold one number per stack. */
enum export_value {
    EXPORT_TIME,
    EXPORT_SAMPLES,
};

struct export_job {
    const char *input;
    const char *title; /* NULL: the name of the program */
    const struct read_options *options;
    enum export_value value;
    const char *source; /* the directory of sources, for pages; NULL: none */
    const struct event_filter *filter; /* NULL: everything */
    bool lines; /* in a vmprof log, in place of what is compiled code */
    struct output *output;
    struct profile profile; /* zeroed; export_read() fills it */
    char message[512];
};

struct exporter {
    const char *name;
    const char *extension; /* with its dot */
    bool binary;
    bool has_value; /* heeds the job's */
    bool has_lines; /* the same */
    bool has_filter;
    /* Returns 0, or -1 and a sentence in the job's message. */
    int (*run)(struct export_job *job);
};

/* NULL: there is none of that name. */
const struct exporter *
exporter_find(const char *name);

/* Ends with an entry without a name. */
extern const struct exporter exporters[];

/*
 * Run an exporter from file to file; says on stderr what went wrong, and what
 * of a damaged input is missing in the output. `path` NULL: the input's name
 * with the exporter's extension, or standard output if the input is "-".
 * Returns an exit code.
 */
int
export_run(const struct exporter *exporter, struct export_job *job,
           const char *path);

/* profile_read() for exporters: as `run` above. */
int
export_read(struct export_job *job, bool summed, batch_function on_batch,
            void *user);

/* Sets the message and returns -1, for `run` to return. */
int
export_out_of_memory(struct export_job *job);

/* The program that was profiled, or what the file is called. */
const char *
export_title(const struct export_job *job);

int
export_chrome(struct export_job *job);

int
export_callgrind(struct export_job *job);

int
export_collapsed(struct export_job *job);

int
export_lcov(struct export_job *job);

int
export_pprof(struct export_job *job);

int
export_pypylog(struct export_job *job);

int
export_speedscope(struct export_job *job);

int
export_vmprof_log(struct export_job *job);

#endif
