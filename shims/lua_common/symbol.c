/* SPDX-License-Identifier: MIT */

/* Names of C functions by what the loader knows. */
#include "naming.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void
vmprof_shim_name_machine_code(lua_CFunction function, char name[NAME_SIZE])
{
    const char *file;
    Dl_info info;

    if (!function || !dladdr((void *)(uintptr_t)function, &info) ||
        !info.dli_fname) {
        snprintf(name, NAME_SIZE, "function <[C]>");
        return;
    }
    if (info.dli_sname) {
        snprintf(name, NAME_SIZE, "%s", info.dli_sname);
        return;
    }
    file = strrchr(info.dli_fname, '/');
    file = file ? file + 1 : info.dli_fname;
    snprintf(name, NAME_SIZE, "function <%s+0x%zx>", file,
             (size_t)((uintptr_t)function - (uintptr_t)info.dli_fbase));
}
