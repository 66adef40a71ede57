/* SPDX-License-Identifier: MIT */

/*
 * Which layout the samples of a vmprof log have. The header does not always say
 * (two programs write different versions 7), may be missing, and may be wrong,
 * so what it declares is tried first, then what is known to occur.
 */
#include "vmprof_log.h"

struct choice {
    struct log_layout best;
    unsigned score;
};

static void
try_layout(struct choice *choice, const struct log_layout *layout,
           const struct input *input)
{
    const unsigned score =
        log_count_records(layout, input->data, input->size, input->ended);

    if (score > choice->score)
        *choice = (struct choice){ *layout, score };
}

/* A version 7 has times behind its samples, or before them, or neither. */
static void
try_times(struct choice *choice, const struct log_layout *base,
          unsigned version, const struct input *input)
{
    struct log_layout layout = *base;

    if (version >= 7) {
        layout.times = true;
        try_layout(choice, &layout, input);
        layout.times = false;
        layout.seconds = true;
        try_layout(choice, &layout, input);
        layout.seconds = false;
    }
    try_layout(choice, &layout, input);
}

static void
try_memory(struct choice *choice, const struct log_layout *base,
           unsigned version, const struct input *input)
{
    struct log_layout layout = *base;

    try_times(choice, &layout, version, input);
    layout.memory = !layout.memory;
    try_times(choice, &layout, version, input);
}

struct log_layout
log_choose_layout(const struct log_layout *declared, unsigned version,
                  const struct input *input)
{
    struct choice choice = { *declared, 0 };
    struct log_layout layout = *declared;

    /* Without a mode nothing tells the encoding, but kinds are no accident. */
    if (!declared->has_mode)
        layout.pairs = true;
    try_memory(&choice, &layout, version, input);
    if (!declared->has_header) {
        layout.thread_ids = false;
        try_memory(&choice, &layout, version, input);
        layout.thread_ids = true;
    }
    if (declared->has_mode)
        return choice.best;
    layout.pairs = false;
    try_memory(&choice, &layout, version, input);
    if (!declared->has_header) {
        layout.thread_ids = false;
        try_memory(&choice, &layout, version, input);
    }
    return choice.best;
}
