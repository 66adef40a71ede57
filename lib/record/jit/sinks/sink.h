/* SPDX-License-Identifier: MIT */

/* What the sinks share. Each is told of a trace when it comes to an address and
 * when it leaves it, under the sinks' lock. */
#ifndef VMP_JIT_SINK_H
#define VMP_JIT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vmprof/trace.h>

#include "bytes.h"

enum {
    VMP_SINK_NAME_SIZE = 1024,
    VMP_SINK_PATH_SIZE = 512,
};

/* A trace at its address. */
struct vmp_sunk {
    vmprof_jit_id id;
    const struct vmprof_trace *trace; /* for its lists and its frame */
    uintptr_t address, length;
    char name[VMP_SINK_NAME_SIZE]; /* without spaces and the like */
    uint32_t first_line; /* of its operations in the listing; 0: none */
};

/* A file of our own. All zero is none. */
struct vmp_sink_file {
    bool is_open;
    int fd;
    int error; /* the errno that ended the writing */
    char path[VMP_SINK_PATH_SIZE];
};

/* A new file "DIRECTORY/STEMpid.END". Returns 0 or a negative errno. */
int
vmp_sink_file_new(struct vmp_sink_file *file, const char *directory,
                  const char *stem, const char *end);
void
vmp_sink_file_write(struct vmp_sink_file *file, const void *data, size_t size);
void
vmp_sink_file_close(struct vmp_sink_file *file);

/* jitdump. */
struct vmp_jitdump {
    struct vmp_sink_file file;
    void *marker; /* by which perf finds the file */
    uint64_t number;
};
int
vmp_jitdump_open(struct vmp_jitdump *dump, const char *directory);
void
vmp_jitdump_add(struct vmp_jitdump *dump, const struct vmp_sunk *sunk,
                const char *listing);
void
vmp_jitdump_close(struct vmp_jitdump *dump);

/* Whether objects and rules for unwinding can be made for this machine. */
bool
vmp_sink_knows_machine(void);

/* The rules by which a trace is unwound, as an .eh_frame with its end; nothing
 * if they are not known. */
void
vmp_sink_eh_frame(struct vmp_bytes *out, const struct vmp_sunk *sunk);

/* The same as sections .eh_frame and .eh_frame_hdr of a file in which they lie
 * right behind the code, aligned to 8 bytes. Returns the size of the second. */
size_t
vmp_sink_eh_frame_behind(struct vmp_bytes *out, const struct vmp_sunk *sunk);

/* An ELF object that gdb reads. */
void
vmp_sink_object(struct vmp_bytes *out, const struct vmp_sunk *sunk,
                const char *listing);

/* What gdb was told of a trace; NULL: nothing. It owns the object. */
struct vmp_gdb_entry;
struct vmp_gdb_entry *
vmp_gdb_add(struct vmp_bytes *object);
void
vmp_gdb_remove(struct vmp_gdb_entry *entry);

/* 0 or -ENOTSUP. */
int
vmp_unwinders_find(void);
void
vmp_unwinders_add(const void *eh_frame);
void
vmp_unwinders_remove(const void *eh_frame);

#endif
