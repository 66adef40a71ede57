/* SPDX-License-Identifier: MIT */

/*
 * lua(1) runs the Lua code in LUA_INIT_5_4, or else in LUA_INIT, before its
 * program, luajit(1) that in LUA_INIT. Ours loads the shim and then does what
 * the user's would have done. Other versions of Lua, which see LUA_INIT too, do
 * only that.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "record_paths.h"

struct interpreter {
    const char *variable;       /* that is set */
    const char *other_variable; /* whose code it runs if that is not; or NULL */
    const char *mark;           /* of what has been set by us */
    const char *condition;      /* Lua code: whether it is this one */
    const char *module_variable, *in_build, *installed;
};

static const struct interpreter lua = {
    .variable = "LUA_INIT_5_4",
    .other_variable = "LUA_INIT",
    .mark = "--[[vmprof record]]",
    .condition = "true",
    .module_variable = "VMPROF_LUA_MODULE",
    .in_build = LUA_MODULE_IN_BUILD,
    .installed = LUA_MODULE_INSTALLED,
};

static const struct interpreter luajit = {
    .variable = "LUA_INIT",
    .mark = "--[[vmprof record luajit]]",
    .condition = "type(jit) == \"table\"",
    .module_variable = "VMPROF_LUAJIT_MODULE",
    .in_build = LUAJIT_MODULE_IN_BUILD,
    .installed = LUAJIT_MODULE_INSTALLED,
};

/* The installed module, or that of the build this command belongs to. */
static char *
find_module(const struct environment *environment,
            const struct interpreter *interpreter)
{
    const char *given =
        environment_get(environment, interpreter->module_variable);
    char directory[4096];
    ssize_t size;
    char *path;

    if (given)
        return strdup(given);
    size = readlink("/proc/self/exe", directory, sizeof(directory));
    if (size > 0 && size < (ssize_t)sizeof(directory)) {
        while (size > 0 && directory[size - 1] != '/')
            size--;
        if (asprintf(&path, "%.*s%s", (int)size, directory,
                     interpreter->in_build) < 0)
            return NULL;
        if (!access(path, R_OK))
            return path;
        free(path);
    }
    return strdup(interpreter->installed);
}

/* A string literal of Lua's, whatever bytes `text` holds. */
static char *
quote(const char *text)
{
    char *const quoted = malloc(4 * strlen(text) + 3);
    char *at = quoted;

    if (!quoted)
        return NULL;
    *at++ = '"';
    for (; *text; text++) {
        if (*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\')
            *at++ = *text;
        else
            at += sprintf(at, "\\%03d", (unsigned char)*text);
    }
    *at++ = '"';
    *at = '\0';
    return quoted;
}

/* Lua code that does what lua(1) does with `init`. Free the result. */
static char *
chain(const char *variable, const char *init)
{
    const bool is_file = *init == '@';
    char *const text = quote(is_file ? init + 1 : init);
    char *code = NULL;
    int size;

    if (!text)
        return NULL;
    if (is_file)
        size = asprintf(&code, "loadfile(%s)", text);
    else
        size = asprintf(&code, "(loadstring or load)(%s, \"=%s\")", text,
                        variable);
    free(text);
    return size < 0 ? NULL : code;
}

/* `module` and `chained` are Lua code, too. */
static int
set_init(struct environment *environment, const struct interpreter *interpreter,
         const char *module, const char *chained)
{
    return environment_set(
        environment, interpreter->variable,
        "%s if %s then "
        "local open, why = package.loadlib(%s, \"luaopen_vmprof_record\") "
        "if open then open() else io.stderr:write(\"vmprof: this Lua program "
        "cannot be recorded: \", why, \"\\n\") end end "
        "local init, message = %s if init then return init() end "
        "if message then error(message, 0) end",
        interpreter->mark, interpreter->condition, module, chained);
}

static int
set_init_for(struct environment *environment,
             const struct interpreter *interpreter, const char *path)
{
    const char *variable = interpreter->variable;
    const char *init = environment_get(environment, variable);
    char *module, *chained;
    int result = -ENOMEM;

    if (!init && interpreter->other_variable) {
        variable = interpreter->other_variable;
        init = environment_get(environment, variable);
    }
    module = quote(path);
    chained = init ? chain(variable, init) : strdup("nil");
    if (module && chained)
        result = set_init(environment, interpreter, module, chained);
    free(module);
    free(chained);
    return result;
}

static int
prepare(struct environment *environment, const struct interpreter *interpreter)
{
    const char *init = environment_get(environment, interpreter->variable);
    int result = 0;
    char *path;

    if (init && !strncmp(init, interpreter->mark, strlen(interpreter->mark)))
        return 0;
    path = find_module(environment, interpreter);
    if (!path)
        return -ENOMEM;
    /* Not installed: Lua programs run as they are. */
    if (!access(path, R_OK))
        result = set_init_for(environment, interpreter, path);
    free(path);
    return result;
}

int
record_env_lua(struct environment *environment,
               const struct recording *recording)
{
    int result;

    (void)recording; /* the modules read what VMs read */
    /* In this order: the first runs what the other's variable had before. */
    result = prepare(environment, &lua);
    return result ? result : prepare(environment, &luajit);
}
