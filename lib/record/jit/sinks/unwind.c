/* SPDX-License-Identifier: MIT */

/* How traces are unwound, in DWARF's terms, and who in the process wants to know:
 * the unwinder of exceptions and of backtrace(). */

#include <dlfcn.h>
#include <errno.h>

#include "sink.h"

enum {
    DEF_CFA = 0x0c,
    OFFSET = 0x80, /* and the register */
    WORD = 8,
};

/* DWARF's numbers. */
struct machine {
    bool is_known;
    unsigned sp, fp, return_address;
};

#if defined(__x86_64__)
static const struct machine machine = { true, 7, 6, 16 };
#elif defined(__aarch64__)
static const struct machine machine = { true, 31, 29, 30 };
#else
static const struct machine machine = { false, 0, 0, 0 };
#endif

bool
vmp_sink_knows_machine(void)
{
    return machine.is_known;
}

/* A length, what `put` says, and padding. Returns where the length is. */
static size_t
begin_entry(struct vmp_bytes *out)
{
    const size_t at = out->size;

    vmp_bytes_u32(out, 0);
    return at;
}

static void
end_entry(struct vmp_bytes *out, size_t at)
{
    vmp_bytes_align(out, WORD); /* of nops */
    vmp_bytes_set_u32(out, at, (uint32_t)(out->size - at - 4));
}

/* The return address lies right below the caller's frame, and what the frame
 * pointer was below that. */
static void
put_rules(struct vmp_bytes *out, const struct vmprof_trace *trace)
{
    const bool has_pointer = trace->frame == VMPROF_TRACE_FRAME_POINTER;

    vmp_bytes_u8(out, DEF_CFA);
    vmp_bytes_uleb(out, has_pointer ? machine.fp : machine.sp);
    vmp_bytes_uleb(out, has_pointer ? 2 * WORD : trace->frame_size + WORD);
    vmp_bytes_u8(out, OFFSET | machine.return_address);
    vmp_bytes_uleb(out, 1);
    if (has_pointer) {
        vmp_bytes_u8(out, OFFSET | machine.fp);
        vmp_bytes_uleb(out, 2);
    }
}

/* Encodings of addresses. */
enum {
    ABSOLUTE = 0x00,
    UNSIGNED_4 = 0x03,
    FROM_HERE_4 = 0x1b,
    FROM_HEADER_4 = 0x3b,
};

/* What the entry of a trace refers to. */
static void
put_common_entry(struct vmp_bytes *out, const struct vmprof_trace *trace,
                 unsigned encoding)
{
    const size_t at = begin_entry(out);

    vmp_bytes_u32(out, 0);
    vmp_bytes_u8(out, 1);
    vmp_bytes_string(out, encoding == ABSOLUTE ? "" : "zR");
    vmp_bytes_uleb(out, 1);
    vmp_bytes_sleb(out, -WORD);
    vmp_bytes_u8(out, machine.return_address);
    if (encoding != ABSOLUTE) {
        vmp_bytes_uleb(out, 1);
        vmp_bytes_u8(out, encoding);
    }
    put_rules(out, trace);
    end_entry(out, at);
}

static bool
is_unwindable(const struct vmp_sunk *sunk)
{
    return machine.is_known && sunk->trace->frame != VMPROF_TRACE_FRAME_UNKNOWN;
}

void
vmp_sink_eh_frame(struct vmp_bytes *out, const struct vmp_sunk *sunk)
{
    const size_t first = out->size;
    size_t at;

    if (!is_unwindable(sunk))
        return;
    put_common_entry(out, sunk->trace, ABSOLUTE);
    at = begin_entry(out);
    vmp_bytes_u32(out, (uint32_t)(out->size - first)); /* back to it */
    vmp_bytes_u64(out, sunk->address);
    vmp_bytes_u64(out, sunk->length);
    end_entry(out, at);
    vmp_bytes_u32(out, 0);
}

/* From where the next byte is. */
static void
put_distance(struct vmp_bytes *out, size_t to, size_t from)
{
    vmp_bytes_u32(out, (uint32_t)(to - from));
}

size_t
vmp_sink_eh_frame_behind(struct vmp_bytes *out, const struct vmp_sunk *sunk)
{
    /* The code ends where we begin, but for padding. */
    const size_t first = out->size, code = first - ((sunk->length + WORD - 1) &
                                                    ~(size_t)(WORD - 1));
    size_t entry, header;

    if (!is_unwindable(sunk))
        return 0;
    put_common_entry(out, sunk->trace, FROM_HERE_4);
    entry = begin_entry(out);
    put_distance(out, out->size, first);
    put_distance(out, code, out->size);
    vmp_bytes_u32(out, (uint32_t)sunk->length);
    vmp_bytes_uleb(out, 0);
    end_entry(out, entry);
    vmp_bytes_u32(out, 0);
    vmp_bytes_u32(out, 0); /* so that what follows is aligned */

    header = out->size;
    vmp_bytes_u8(out, 1);
    vmp_bytes_u8(out, FROM_HERE_4);
    vmp_bytes_u8(out, UNSIGNED_4);
    vmp_bytes_u8(out, FROM_HEADER_4);
    put_distance(out, first, out->size);
    vmp_bytes_u32(out, 1);
    put_distance(out, code, header);
    put_distance(out, entry, header);
    return out->size - header;
}

static void (*add_frame)(const void *eh_frame);
static void (*remove_frame)(const void *eh_frame);

/* In the process, or where backtrace() will load it from. */
static void *
find(const char *name)
{
    static void *library;
    void *found = dlsym(RTLD_DEFAULT, name);

    if (!found && !library)
        library = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!found && library)
        found = dlsym(library, name);
    return found;
}

int
vmp_unwinders_find(void)
{
    *(void **)&add_frame = find("__register_frame");
    *(void **)&remove_frame = find("__deregister_frame");
    return machine.is_known && add_frame && remove_frame ? 0 : -ENOTSUP;
}

void
vmp_unwinders_add(const void *eh_frame)
{
    add_frame(eh_frame);
}

void
vmp_unwinders_remove(const void *eh_frame)
{
    remove_frame(eh_frame);
}
