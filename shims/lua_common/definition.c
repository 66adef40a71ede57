/* SPDX-License-Identifier: MIT */

/*
 * A function's name from the line on which it begins, as in
 *
 *     local function name()    function module.name()    name = function()
 *
 * Lua itself keeps no such name, and what callers call a function changes from
 * one to the next. A line with more than one function says nothing.
 */
#include "naming.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINE_SIZE = 1024,
    MAX_FILE_SIZE = 16 << 20,
};

static const char keyword[] = "function";

/* Move `*text` behind its next newline. */
static bool
skip_line(const char **text, const char *end)
{
    *text = memchr(*text, '\n', (size_t)(end - *text));
    if (*text)
        ++*text;
    return *text;
}

/* A source that is no file's is the text of the chunk. */
static bool
line_of_text(const char *text, size_t size, int number, char line[LINE_SIZE])
{
    const char *const end = text + size;
    const char *newline;

    while (--number > 0)
        if (!skip_line(&text, end))
            return false;
    newline = memchr(text, '\n', (size_t)(end - text));
    size = (size_t)((newline ? newline : end) - text);
    if (size >= LINE_SIZE)
        return false;
    memcpy(line, text, size);
    line[size] = '\0';
    return true;
}

/* Not what could block, nor what has no end. */
static FILE *
open_source(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    FILE *file;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) || !S_ISREG(status.st_mode) ||
        status.st_size > MAX_FILE_SIZE) {
        close(fd);
        return NULL;
    }
    file = fdopen(fd, "r");
    if (!file)
        close(fd);
    return file;
}

/* Longer lines come in pieces, of which the last ends the line. */
static bool
line_of_file(const char *path, int number, char line[LINE_SIZE])
{
    FILE *file = open_source(path);
    bool found = false;

    if (!file)
        return false;
    while (number > 0 && fgets(line, LINE_SIZE, file)) {
        found = --number == 0;
        while (!strchr(line, '\n') && fgets(line, LINE_SIZE, file))
            found = false;
    }
    fclose(file);
    return found;
}

static bool
is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == ':';
}

static const char *
find_keyword(const char *line, const char *from)
{
    const size_t size = sizeof(keyword) - 1;
    const char *at = from;

    while ((at = strstr(at, keyword)) &&
           ((at > line && is_name_character(at[-1])) ||
            is_name_character(at[size])))
        at += size;
    return at;
}

static bool
copy_name(const char *begin, const char *end, char name[NAME_SIZE])
{
    const size_t size = (size_t)(end - begin);

    if (!size || size >= NAME_SIZE || isdigit((unsigned char)*begin))
        return false;
    memcpy(name, begin, size);
    name[size] = '\0';
    return true;
}

static const char *
skip_spaces_back(const char *line, const char *end)
{
    while (end > line && isspace((unsigned char)end[-1]))
        end--;
    return end;
}

/* What stands before `end` as "name =" or "local name <const> =". */
static bool
assigned_name(const char *line, const char *end, char name[NAME_SIZE])
{
    const char *begin;

    end = skip_spaces_back(line, end);
    if (end == line || *--end != '=')
        return false;
    end = skip_spaces_back(line, end);
    if (end > line && end[-1] == '>') {
        while (end > line && *end != '<')
            end--;
        end = skip_spaces_back(line, end);
    }
    begin = end;
    while (begin > line && is_name_character(begin[-1]))
        begin--;
    return copy_name(begin, end, name);
}

static bool
name_in_line(const char *line, char name[NAME_SIZE])
{
    const char *const at = find_keyword(line, line);
    const char *begin, *end;

    if (!at || find_keyword(line, at + 1))
        return false;
    begin = at + sizeof(keyword) - 1;
    begin += strspn(begin, " \t");
    end = begin;
    while (is_name_character(*end))
        end++;
    return end > begin ? copy_name(begin, end, name)
                       : assigned_name(line, at, name);
}

bool
vmprof_shim_definition(const char *source, size_t size, int number,
                       char name[NAME_SIZE])
{
    char line[LINE_SIZE];

    if (*source == '=')
        return false;
    if (*source == '@') {
        if (!line_of_file(source + 1, number, line))
            return false;
    } else if (!line_of_text(source, size, number, line)) {
        return false;
    }
    return name_in_line(line, name);
}
