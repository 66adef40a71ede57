/* SPDX-License-Identifier: MIT */

/*
 * lua(1) runs the Lua code in LUA_INIT_5_4, or else in LUA_INIT, before its
 * program. Ours loads the shim and then does what the user's would have done.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "record_paths.h"

static const char VARIABLE[] = "LUA_INIT_5_4";
static const char OLDER_VARIABLE[] = "LUA_INIT";
static const char MARK[] = "--[[vmprof record]]";

/* The installed module, or that of the build this command belongs to. */
static char *
find_module(const struct environment *environment)
{
    const char *given = environment_get(environment, "VMPROF_LUA_MODULE");
    char directory[4096];
    ssize_t size;
    char *path;

    if (given)
        return strdup(given);
    size = readlink("/proc/self/exe", directory, sizeof(directory));
    if (size > 0 && size < (ssize_t)sizeof(directory)) {
        while (size > 0 && directory[size - 1] != '/')
            size--;
        if (asprintf(&path, "%.*s" LUA_MODULE_IN_BUILD, (int)size, directory) <
            0)
            return NULL;
        if (!access(path, R_OK))
            return path;
        free(path);
    }
    return strdup(LUA_MODULE_INSTALLED);
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
        size = asprintf(&code, "load(%s, \"=%s\")", text, variable);
    free(text);
    return size < 0 ? NULL : code;
}

/* `module` and `chained` are Lua code, too. */
static int
set_init(struct environment *environment, const char *module,
         const char *chained)
{
    return environment_set(
        environment, VARIABLE,
        "%s local open, why = package.loadlib(%s, \"luaopen_vmprof_record\") "
        "if open then open() else io.stderr:write(\"vmprof: this Lua program "
        "cannot be recorded: \", why, \"\\n\") end "
        "local init, message = %s if init then return init() end "
        "if message then error(message, 0) end",
        MARK, module, chained);
}

static int
set_init_for(struct environment *environment, const char *path)
{
    const char *variable = VARIABLE;
    const char *init = environment_get(environment, variable);
    char *module, *chained;
    int result = -ENOMEM;

    if (!init)
        init = environment_get(environment, variable = OLDER_VARIABLE);
    module = quote(path);
    chained = init ? chain(variable, init) : strdup("nil");
    if (module && chained)
        result = set_init(environment, module, chained);
    free(module);
    free(chained);
    return result;
}

int
record_env_lua(struct environment *environment,
               const struct recording *recording)
{
    const char *init = environment_get(environment, VARIABLE);
    int result = 0;
    char *path;

    (void)recording; /* the module reads what VMs read */
    if (init && !strncmp(init, MARK, sizeof(MARK) - 1))
        return 0;
    path = find_module(environment);
    if (!path)
        return -ENOMEM;
    /* Not installed: Lua programs run as they are. */
    if (!access(path, R_OK))
        result = set_init_for(environment, path);
    free(path);
    return result;
}
