/* SPDX-License-Identifier: MIT */

/* Classes of codes. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../sized.h"
#include "code.h"
#include "code_table.h"

enum {
    CLASS_OPTIONS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_code_class_options, user),
    CLASS_NAME_MAX = 63,
};

static bool
is_class_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_-.";
    const size_t size = strlen(name);

    return size && size <= CLASS_NAME_MAX && strspn(name, allowed) == size;
}

static int
add_class(struct vmprof_code_class *code_class)
{
    for (struct vmprof_code_class *c = vmp_code_table.classes; c; c = c->next)
        if (!strcmp(c->name, code_class->name))
            return -EEXIST;
    code_class->next = vmp_code_table.classes;
    vmp_code_table.classes = code_class;
    return 0;
}

int
vmprof_register_code_class(const char *name,
                           const struct vmprof_code_class_options *options,
                           struct vmprof_code_class **out)
{
    struct vmprof_code_class *made;
    int r = 0;

    if (!name || !is_class_name(name))
        return -EINVAL;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    if (options)
        r = vmp_sized_import(&made->options, sizeof(made->options),
                             CLASS_OPTIONS_SIZE_0_1, options);
    if (r == 0) {
        made->name = strdup(name);
        r = made->name ? 0 : -ENOMEM;
    }
    if (r == 0) {
        vmp_codes_lock();
        r = add_class(made);
        vmp_codes_unlock();
    }
    if (r < 0) {
        free(made->name);
        free(made);
        return r;
    }
    *out = made;
    return 0;
}

int
vmp_code_class_set_interp(struct vmprof_code_class *code_class,
                          const struct vmp_interp_class *interp,
                          uint64_t *number)
{
    static uint64_t numbers;
    int r = -EALREADY;

    vmp_codes_lock();
    if (!code_class->interp) {
        *number = ++numbers;
        code_class->interp = interp;
        r = 0;
    }
    vmp_codes_unlock();
    return r;
}
