/* SPDX-License-Identifier: MIT */

/* COUNTS: how often traces were entered and guards left through. */
#include <errno.h>

#include "native.h"
#include "store.h"

static int
take_count(struct native *native, uint32_t session, uint64_t id, uint64_t count)
{
    struct traces *traces = &native->profile->traces;
    const uint32_t guard = native_find_guard(native, session, id);
    int64_t index;

    traces->has_counts = true;
    if (guard) {
        traces->guards[guard].fails = count;
        traces->guards[guard].has_fails = true;
        return 0;
    }
    index = native_find_trace(native, session, id);
    if (index < 0)
        return -ENOMEM;
    traces->damage.unmatched += !native->jit.traces[index].described;
    traces->traces[index].entries = count;
    traces->traces[index].has_entries = true;
    return 0;
}

int
native_counts_chunk(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t unit_ns = native->sessions[chunk->session].unit_ns;
    const uint64_t time = cursor_varint(payload);
    uint64_t count = cursor_varint(payload), id = 0;
    int result = payload->bad ? -EBADMSG : 0;

    if (!result)
        native_saw_time(native, chunk->session, time * unit_ns);
    if (!result && native_find_trace(native, chunk->session, 0) < 0)
        return -ENOMEM;
    while (count-- && !result) {
        uint64_t often;

        id += cursor_varint(payload);
        often = cursor_varint(payload);
        if (payload->bad || !id)
            return -EBADMSG;
        result = take_count(native, chunk->session, id, often);
    }
    return result;
}
