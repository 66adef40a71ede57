/* SPDX-License-Identifier: MIT */

#include "terminal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "../text/utf8.h"

enum {
    USUAL_WIDTH = 80,
    LEAST_WIDTH = 20,
    MOST_WIDTH = 1000,
};

static unsigned
find_width(int fd)
{
    const char *columns = getenv("COLUMNS");
    const long asked = columns ? strtol(columns, NULL, 10) : 0;
    struct winsize size;

    if (asked >= LEAST_WIDTH && asked <= MOST_WIDTH)
        return (unsigned)asked;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST_WIDTH)
        return size.ws_col;
    return USUAL_WIDTH;
}

static bool
wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");

    return !(no_colour && *no_colour) && kind && strcmp(kind, "dumb") != 0;
}

void
terminal_open(struct terminal *terminal, FILE *out)
{
    const bool is_terminal = isatty(fileno(out));

    terminal->out = out;
    terminal->width = is_terminal ? find_width(fileno(out)) : 0;
    terminal->colour = is_terminal && wants_colour();
}

void
terminal_print(const struct terminal *terminal, enum style style,
               const char *format, ...)
{
    static const char *const codes[] = {
        [STYLE_PLAIN] = "",
        [STYLE_HEADING] = "\033[1m",
        [STYLE_HOT] = "\033[31m",
        [STYLE_WARNING] = "\033[33m",
    };
    const bool colour = terminal->colour && style != STYLE_PLAIN;
    va_list arguments;

    if (colour)
        fputs(codes[style], terminal->out);
    va_start(arguments, format);
    vfprintf(terminal->out, format, arguments);
    va_end(arguments);
    if (colour)
        fputs("\033[0m", terminal->out);
}

/* Appends one character of `text`, clean. Returns how many bytes it read. */
static unsigned
clean_one(FILE *out, const char *text, size_t size)
{
    uint32_t character;
    const unsigned length = vmp_decode_utf8(text, size, &character);

    if (!length || (character < 0x80 && is_unseen(character))) {
        fprintf(out, "\\x%02X", (unsigned char)*text);
        return 1;
    }
    if (is_unseen(character))
        fprintf(out, "\\u{%X}", (unsigned)character);
    else
        fwrite(text, 1, length, out);
    return length;
}

char *
clean_text(const char *name)
{
    char *clean = NULL;
    size_t clean_size = 0;
    FILE *out = open_memstream(&clean, &clean_size);
    size_t left = strlen(name);

    if (!out)
        return NULL;
    while (left) {
        const unsigned read = clean_one(out, name, left);
        name += read;
        left -= read;
    }
    if (fclose(out) == 0)
        return clean;
    free(clean);
    return NULL;
}

static unsigned
columns_of(uint32_t character)
{
    const int width = wcwidth((wchar_t)character);

    /* One that the system does not know may take up to two. */
    return width < 0 ? 2 : (unsigned)width;
}

/* The bytes of `text` that fit in `room` columns. */
static size_t
fitting_size(const char *text, unsigned room)
{
    const size_t size = strlen(text);
    size_t at = 0;

    while (at < size) {
        uint32_t character;
        const unsigned length =
            vmp_decode_utf8(text + at, size - at, &character);
        const unsigned columns = length ? columns_of(character) : 1;

        if (columns > room)
            break;
        room -= columns;
        at += length ? length : 1;
    }
    return at;
}

unsigned
text_columns(const char *text)
{
    size_t left = strlen(text);
    unsigned columns = 0;

    while (left) {
        uint32_t character;
        const unsigned length = vmp_decode_utf8(text, left, &character);

        columns += length ? columns_of(character) : 1;
        text += length ? length : 1;
        left -= length ? length : 1;
    }
    return columns;
}

void
terminal_print_cell(const struct terminal *terminal, unsigned columns,
                    const char *text)
{
    const unsigned wanted = text_columns(text);

    if (wanted <= columns)
        fprintf(terminal->out, "%s%*s", text, (int)(columns - wanted), "");
    else
        fprintf(terminal->out, "%.*s…", (int)fitting_size(text, columns - 1),
                text);
}

void
terminal_print_last(const struct terminal *terminal, unsigned column,
                    const char *text, const char *after)
{
    const unsigned taken = column + (unsigned)strlen(after);
    const unsigned room =
        terminal->width > taken + 8 ? terminal->width - taken : 8;

    if (terminal->width == 0 || text[fitting_size(text, room)] == '\0')
        fprintf(terminal->out, "%s%s\n", text, after);
    else
        fprintf(terminal->out, "%.*s…%s\n", (int)fitting_size(text, room - 1),
                text, after);
}
