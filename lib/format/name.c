/* SPDX-License-Identifier: MIT */

/* Full names of code objects, "class:function:line:file". */

#include "name.h"

#include <vmprof/code.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char ELLIPSIS[] = "...";

/* The bytes at `text` that make up its next character, to keep it whole. */
static size_t
character_size(const char *text)
{
    size_t size = 1;

    while (size < 4 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size++;
    return size;
}

static size_t
escaped_size(const char *text, size_t size)
{
    return *text == ':' || *text == '%' ? 3 : size;
}

/* Append one part, escaped, in at most `room` bytes. Returns what it took. */
static size_t
append_part(char *to, const char *part, size_t room)
{
    size_t used = 0, whole = 0;
    const char *p = part;

    for (size_t size; *p; p += size) {
        size = character_size(p);
        const size_t need = escaped_size(p, size);
        if (used + need > room)
            break;
        if (need != size)
            memcpy(to + used, *p == ':' ? "%3A" : "%25", 3);
        else
            memcpy(to + used, p, size);
        used += need;
        if (used + sizeof(ELLIPSIS) - 1 <= room)
            whole = used;
    }
    if (!*p)
        return used;
    memcpy(to + whole, ELLIPSIS, sizeof(ELLIPSIS) - 1);
    return whole + sizeof(ELLIPSIS) - 1;
}

/* Write a number that is not negative, without a NUL. Returns its length. */
static size_t
format_decimal(char buffer[24], long number)
{
    char reversed[24];
    size_t count = 0;

    do {
        reversed[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    for (size_t i = 0; i < count; i++)
        buffer[i] = reversed[count - 1 - i];
    return count;
}

int
vmprof_format_name(char *buffer, size_t size, const char *class_name,
                   const char *function, long line, const char *file)
{
    enum {
        CLASS_ROOM = 64,
        FUNCTION_ROOM = 480,
    };
    char number[24];
    size_t used;

    if (size < VMPROF_NAME_SIZE)
        return -EINVAL;
    const size_t digits = format_decimal(number, line < 0 ? 0 : line);

    used = append_part(buffer, class_name ? class_name : "", CLASS_ROOM);
    buffer[used++] = ':';
    used += append_part(buffer + used, function ? function : "", FUNCTION_ROOM);
    buffer[used++] = ':';
    memcpy(buffer + used, number, digits);
    used += digits;
    buffer[used++] = ':';
    used += append_part(buffer + used, file ? file : "",
                        VMPROF_NAME_SIZE - 1 - used);
    buffer[used] = 0;
    return (int)used;
}

bool
vmp_name_is_full(const char *name)
{
    unsigned colons = 0;

    for (; *name; name++)
        colons += *name == ':';
    return colons == 3;
}

void
vmp_name_cut(char *to, const char *name)
{
    size_t size = VMPROF_NAME_SIZE - sizeof(ELLIPSIS);

    /* Not in the middle of a character. */
    while (size && ((unsigned char)name[size] & 0xc0) == 0x80)
        size--;
    memcpy(to, name, size);
    memcpy(to + size, ELLIPSIS, sizeof(ELLIPSIS));
}
