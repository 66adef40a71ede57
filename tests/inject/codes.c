/* SPDX-License-Identifier: MIT */

/* The registry, and what needs no session. */

#include "operations.h"

#include "profiled.h"

VMPROF_API uintptr_t
exported_stack_pointer(void) IN_LIBRARY(vmprof_stack_pointer);
VMPROF_API int
exported_token_is_good(vmprof_token token) IN_LIBRARY(vmprof_token_is_good);
VMPROF_API void
exported_thread_options_init(struct vmprof_thread_options *options)
    IN_LIBRARY(vmprof_thread_options_init);
VMPROF_API void
exported_options_init(struct vmprof_options *options)
    IN_LIBRARY(vmprof_options_init);
VMPROF_API void
exported_stats_init(struct vmprof_stats *stats) IN_LIBRARY(vmprof_stats_init);
VMPROF_API void
exported_class_options_init(struct vmprof_code_class_options *options)
    IN_LIBRARY(vmprof_code_class_options_init);

static int
name_function(void *user, void *object, char *buffer, size_t size)
{
    (void)user;
    (void)object;
    return vmprof_format_name(buffer, size, "asked", "name", 1, "file");
}

static void
asking_class(struct world *w)
{
    struct vmprof_code_class_options options;

    vmprof_code_class_options_init(&options);
    options.full_name = name_function;
    require(vmprof_register_code_class("asked", &options, &w->code_class) == 0);
}

static intptr_t
register_class(struct world *w)
{
    return vmprof_register_code_class("other", NULL, &w->code_class);
}

static intptr_t
register_named(struct world *w)
{
    vmprof_code_id id = 0;
    const int r = vmprof_register_code(w->code_class, w, "t:named:1:", &id);

    return r < 0 ? r : (intptr_t)id;
}

static intptr_t
register_asked(struct world *w)
{
    vmprof_code_id id = 0;
    const int r = vmprof_register_code(w->code_class, w, NULL, &id);

    return r < 0 ? r : (intptr_t)id;
}

static void
register_object(struct world *w)
{
    require(vmprof_register_code(w->code_class, w,
                                 "t:object:1:", &w->codes[LETTERS - 1]) == 0);
}

static intptr_t
get_id(struct world *w)
{
    return vmprof_get_unique_id(w->code_class, w) == w->codes[LETTERS - 1];
}

static intptr_t
forget(struct world *w)
{
    return vmprof_forget_code(w->codes[LETTERS - 1]);
}

/* While it is the innermost frame. */
static intptr_t
forget_running(struct world *w)
{
    return vmprof_forget_code(code(w, 'B'));
}

static intptr_t
format_name(struct world *w)
{
    char name[VMPROF_NAME_SIZE];

    (void)w;
    return vmprof_format_name(name, sizeof(name), "t", "a:b", 12, "file%");
}

static intptr_t
describe_error(struct world *w)
{
    (void)w;
    return *vmprof_strerror(-ESRCH);
}

static intptr_t
initialise(struct world *w)
{
    struct vmprof_thread_options thread;
    struct vmprof_code_class_options code_class;
    struct vmprof_options options;
    struct vmprof_stats stats;

    exported_thread_options_init(&thread);
    exported_class_options_init(&code_class);
    exported_options_init(&options);
    exported_stats_init(&stats);
    return (intptr_t)(thread.size + code_class.size + options.size +
                      stats.size) +
           exported_token_is_good(token(w, 'A')) +
           (exported_stack_pointer() != 0);
}

static const struct operation list[] = {
    { "register a class", "vmprof_register_code_class", register_class,
      PATH("AB"), 0, NULL },
    { "register a code", "vmprof_register_code", register_named, PATH("AB"), 0,
      NULL },
    { "register a code, asked for", "vmprof_register_code", register_asked,
      PATH("AB"), 0, asking_class },
    { "get an id", "vmprof_get_unique_id", get_id, PATH("AB"), 0,
      register_object },
    { "forget a code", "vmprof_forget_code", forget, PATH("AB"), 0,
      register_object },
    { "forget the running code", "vmprof_forget_code", forget_running,
      PATH("AB", "Ab"), 0, NULL },
    { "format a name", "vmprof_format_name", format_name, PATH("AB"), 0, NULL },
    { "describe an error", "vmprof_strerror", describe_error, PATH("AB"), 0,
      NULL },
    { "initialise structs",
      "vmprof_options_init vmprof_stats_init "
      "vmprof_thread_options_init vmprof_code_class_options_init "
      "vmprof_token_is_good vmprof_stack_pointer",
      initialise, PATH("AB"), 0, NULL },
};

const struct operations code_operations = { list,
                                            sizeof(list) / sizeof(*list) };
