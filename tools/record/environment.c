/* SPDX-License-Identifier: MIT */

#include "environment.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*prepare_function)(struct environment *environment,
                                const struct recording *recording);

static const prepare_function prepare_functions[] = {
    record_env_autostart,
    record_env_lua,
};

/* Takes the string. There is always a NULL behind the last one. */
static int
append(struct environment *environment, char *string)
{
    char **bigger;

    if (environment->count + 1 >= environment->capacity) {
        const size_t more = environment->capacity * 2 + 64;
        bigger = reallocarray(environment->strings, more, sizeof(*bigger));
        if (!bigger) {
            free(string);
            return -ENOMEM;
        }
        environment->strings = bigger;
        environment->capacity = more;
    }
    environment->strings[environment->count++] = string;
    environment->strings[environment->count] = NULL;
    return 0;
}

int
environment_open(struct environment *environment)
{
    int result = 0;

    memset(environment, 0, sizeof(*environment));
    for (char **at = environ; at && *at && !result; at++) {
        char *copy = strdup(*at);
        result = copy ? append(environment, copy) : -ENOMEM;
    }
    return result;
}

/* The place of a variable, or NULL. */
static char **
find(const struct environment *environment, const char *name)
{
    const size_t size = strlen(name);

    for (size_t i = 0; i < environment->count; i++)
        if (strncmp(environment->strings[i], name, size) == 0 &&
            environment->strings[i][size] == '=')
            return &environment->strings[i];
    return NULL;
}

const char *
environment_get(const struct environment *environment, const char *name)
{
    char **place = find(environment, name);

    return place ? *place + strlen(name) + 1 : NULL;
}

static char *
join(const char *name, const char *value)
{
    char *string;

    return asprintf(&string, "%s=%s", name, value) < 0 ? NULL : string;
}

int
environment_set(struct environment *environment, const char *name,
                const char *format, ...)
{
    char **place = find(environment, name);
    char *value, *string;
    va_list arguments;
    int size;

    va_start(arguments, format);
    size = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (size < 0)
        return -ENOMEM;
    string = join(name, value);
    free(value);
    if (!string)
        return -ENOMEM;
    if (!place)
        return append(environment, string);
    free(*place);
    *place = string;
    return 0;
}

void
environment_free(struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->strings[i]);
    free(environment->strings);
    memset(environment, 0, sizeof(*environment));
}

int
environment_prepare(struct environment *environment,
                    const struct recording *recording)
{
    const size_t count =
        sizeof(prepare_functions) / sizeof(prepare_functions[0]);
    int result = 0;

    for (size_t i = 0; i < count && !result; i++)
        result = prepare_functions[i](environment, recording);
    return result;
}
