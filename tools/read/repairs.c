/* SPDX-License-Identifier: MIT */

/* What readers put right, in words. */
#include "profile.h"

static const struct {
    const char *key, *words;
} repairs[REPAIRS] = {
    [REPAIR_START] = { "unusual_starts", "unusual words at the start of the "
                                         "file were passed over" },
    [REPAIR_HEADER_MISSING] = { "headers_missing",
                                "header is missing or behind the samples: how "
                                "they are laid out was told from them" },
    [REPAIR_HEADER_TWICE] = { "headers_repeated", "headers were repeated" },
    [REPAIR_VERSION] = { "versions_unknown",
                         "header is of a later version of the vmprof log than "
                         "is known" },
    [REPAIR_LAYOUT] = { "layouts_corrected",
                        "header is wrong about how samples are laid out: that "
                        "was told from them" },
    [REPAIR_PERIOD] = { "periods_missing",
                        "period of sampling is missing: a sample counts as "
                        "1 ms" },
    [REPAIR_META_TWICE] = { "meta_repeated",
                            "keys were given twice: the last value counts" },
    [REPAIR_NAME_TWICE] = { "names_repeated",
                            "other names were given to code that had one: the "
                            "name that sorts last counts" },
    [REPAIR_NAME_MISSING] = { "names_missing",
                              "code objects have no name and are [unknown]" },
    [REPAIR_NAME_NOT_UTF8] = { "names_not_utf8",
                               "names are not UTF-8: what is not is shown "
                               "replaced" },
    [REPAIR_STRETCH] = { "stretches_skipped",
                         "times records of an unknown kind or damaged ones "
                         "were skipped" },
    [REPAIR_COUNT] = { "samples_counted_more",
                       "samples are counted more than once, as they say" },
    [REPAIR_KIND] = { "kinds_unknown",
                      "stacks have frames of an unknown kind, which are shown "
                      "as code" },
    [REPAIR_HALF_FRAME] = { "frames_halved",
                            "samples end within a frame, which was left out" },
    [REPAIR_ALLOCATION] = { "allocations_left_out",
                            "records of allocations were left out: they are no "
                            "time" },
    [REPAIR_AFTER_END] = { "records_after_end",
                           "times records follow the end of a recording and "
                           "were taken in" },
    [REPAIR_BYTES_AFTER_END] = { "bytes_after_end",
                                 "bytes behind the end were passed over" },
};

const char *
repair_words(enum repair repair)
{
    return repairs[repair].words;
}

const char *
repair_key(enum repair repair)
{
    return repairs[repair].key;
}
