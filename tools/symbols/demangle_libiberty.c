/* SPDX-License-Identifier: MIT */

/*
 * By libiberty, through the functions that hand the name out in pieces: few
 * characters can stand for gigabytes, and so a name is given up when it gets
 * too long.
 */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NAME = 16 * 1024,
    OPTIONS = DMGL_PARAMS | DMGL_ANSI,
};

struct name {
    size_t size;
    char bytes[MAX_NAME];
    jmp_buf too_long;
};

static void
append(const char *bytes, size_t size, void *opaque)
{
    struct name *name = opaque;

    if (size >= sizeof(name->bytes) - name->size)
        longjmp(name->too_long, 1);
    memcpy(name->bytes + name->size, bytes, size);
    name->size += size;
}

/* It allocates nothing that jumping out of it would leak. */
static int
read_name(const char *mangled, struct name *name)
{
    if (setjmp(name->too_long))
        return 0;
    if (strncmp(mangled, "_R", 2) == 0)
        return rust_demangle_callback(mangled, OPTIONS, append, name);
    /* Rust's older names are C++ ones with a hash, which this takes off. */
    if (rust_demangle_callback(mangled, OPTIONS, append, name))
        return 1;
    name->size = 0;
    return cplus_demangle_v3_callback(mangled, OPTIONS, append, name);
}

char *
demangle(const char *mangled)
{
    struct name *name;
    char *text = NULL;

    if (strncmp(mangled, "_Z", 2) != 0 && strncmp(mangled, "_R", 2) != 0)
        return NULL;
    name = calloc(1, sizeof(*name));
    if (!name)
        return NULL;
    if (read_name(mangled, name) && name->size)
        text = strndup(name->bytes, name->size);
    free(name);
    return text;
}
