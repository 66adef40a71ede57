/* SPDX-License-Identifier: MIT */

#include "utf8.h"

bool
is_unseen(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        { 0, 0x1f },          { 0x7f, 0x9f },       /* C0, DEL, C1 */
        { 0xad, 0xad },       { 0x61c, 0x61c },     /* soft hyphen, ALM */
        { 0x180e, 0x180e },   { 0x200b, 0x200f },   /* no width, LRM, RLM */
        { 0x2028, 0x202e },   { 0x2060, 0x206f },   /* lines, embeddings */
        { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   /* variations, BOM */
        { 0xfff9, 0xfffb },   { 0x1d173, 0x1d17a }, /* annotations, music */
        { 0xe0000, 0xe0fff }, { 0xfdd0, 0xfdef },   /* tags, no characters */
    };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return (c & 0xfffe) == 0xfffe;
}
