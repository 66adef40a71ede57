/* SPDX-License-Identifier: MIT */

/*
 * A pprof file that is written as it comes: parts of its message, and strings
 * when they are first used. The first error is kept, and nothing is written
 * after it.
 */
#ifndef EXPORT_PPROF_FILE_H
#define EXPORT_PPROF_FILE_H

#include <zlib.h>

#include "dense.h"
#include "export/profile.pb-c.h"
#include "text.h"

struct pprof_file {
    ProtobufCBuffer buffer; /* first: what protobuf-c appends to */
    gzFile gz;
    int error; /* errno of the first failure; 0: none */
    struct dense strings;
    uint64_t formatted; /* strings that have no lasting address */
    struct text text;
};

/* Writes to a duplicate of `fd`. Returns 0 or a negative errno. */
int
pprof_file_open(struct pprof_file *file, int fd);

/* Parts of a Profile one after the other are a Profile. */
void
pprof_file_write(struct pprof_file *file, const Pprof__Profile *part);

/* Numbers of strings; for one whose address lasts as long as the file, */
int64_t
pprof_file_string(struct pprof_file *file, const char *string);

/* and for one that is made up. */
int64_t
pprof_file_format(struct pprof_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns 0 or a negative errno: that of the first failure. */
int
pprof_file_close(struct pprof_file *file);

#endif
