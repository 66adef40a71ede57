/* SPDX-License-Identifier: MIT */

/* The numbers of doc/format.md. */
#ifndef VMP_FORMAT_H
#define VMP_FORMAT_H

enum {
    VMP_FORMAT_VERSION = 1,

    VMP_CHUNK_MAGIC = 0x504d568e, /* read as a little-endian u32 */
    VMP_CHUNK_HEADER_SIZE = 24,
    VMP_CHUNK_CHECKED_FROM = 8, /* the checksum covers what follows */
    VMP_CHUNK_MAX_PAYLOAD = 65512,

    VMP_VARINT_MAX = 10, /* bytes */

    VMP_OPERANDS_MAX = 8, /* types in a tuple */
    VMP_TUPLES_MAX = 64,  /* tuples at a site */
    VMP_WORD_SIZE = 1024, /* of a word, with a NUL */
};

enum vmp_chunk_type {
    VMP_CHUNK_SESSION = 1,
    VMP_CHUNK_CODES = 2,
    VMP_CHUNK_FRAMES = 3,
    VMP_CHUNK_NODES = 4,
    VMP_CHUNK_THREAD = 5,
    VMP_CHUNK_SAMPLES = 6,
    VMP_CHUNK_STATS = 7,
    VMP_CHUNK_END = 8,
    VMP_CHUNK_GROUP = 9,
    VMP_CHUNK_MODULES = 10,
    VMP_CHUNK_WORDS = 11,
    VMP_CHUNK_SITES = 12,
    VMP_CHUNK_TRACES = 13,
    VMP_CHUNK_EVENTS = 14,
    VMP_CHUNK_COUNTS = 15,
    VMP_CHUNK_RECORDED = 16,
    VMP_CHUNK_EVENT_COUNTS = 17,
    VMP_CHUNK_LINES = 18,
    VMP_CHUNK_CALLS = 19,
};

/* Keys of fields: even ones hold a varint, odd ones a string. */
enum vmp_session_key {
    VMP_SESSION_VM_NAME = 1,
    VMP_SESSION_OS = 3,
    VMP_SESSION_MACHINE = 5,
    VMP_SESSION_LIBRARY = 7,
    VMP_SESSION_PROGRAM = 9,
    VMP_SESSION_VERSION = 2,
    VMP_SESSION_TIME_UNIT = 4,
    VMP_SESSION_UNIX_NS = 6,
    VMP_SESSION_MONOTONIC_NS = 8,
    VMP_SESSION_INTERVAL_NS = 10,
    VMP_SESSION_MODE = 12,
    VMP_SESSION_CLOCK = 14,
    VMP_SESSION_PID = 16,
    VMP_SESSION_MAX_FRAMES = 18,
};

enum vmp_thread_key {
    VMP_THREAD_NAME = 1,
    VMP_THREAD_INDEX = 2,
    VMP_THREAD_ID = 4,
    VMP_THREAD_START = 6,
    VMP_THREAD_END = 8,
    VMP_THREAD_CPU = 10,
};

enum vmp_stats_key {
    VMP_STATS_TIME = 2,
    VMP_STATS_EXPIRATIONS = 4,
    VMP_STATS_SAMPLES = 6,
    VMP_STATS_LOST_RING_FULL = 8,
    VMP_STATS_LOST_BUSY = 10,
    VMP_STATS_LOST_SWITCHING = 12,
    VMP_STATS_LOST_WALKER = 14,
    VMP_STATS_STACKS_CUT = 16,
    VMP_STATS_FRAMES_CUT = 18,
    VMP_STATS_OVERFLOWS = 20,
    VMP_STATS_LOCATIONS_LOST = 22,
    VMP_STATS_CLOCK_FAILURES = 24,
    VMP_STATS_SAMPLED_NS = 26,
    VMP_STATS_UNWRITTEN = 28,
    VMP_STATS_POLLED = 30,
    VMP_STATS_HELD_BACK = 32,
    VMP_STATS_SYSTEM_TICKS = 34,
    VMP_STATS_NATIVE_CUT = 36,
    VMP_STATS_NATIVE_FAILED = 38,
    VMP_STATS_CLOCK_RETRIES = 40,
    VMP_STATS_LOST_OVERRUN = 42,
    VMP_STATS_JIT_EVENTS = 44,
    VMP_STATS_JIT_LOST = 46,
};

/* Of one module. */
enum vmp_module_key {
    VMP_MODULE_PATH = 1,
    VMP_MODULE_BUILD_ID = 3, /* its bytes */
    VMP_MODULE_START = 2,    /* where it is mapped, in the process */
    VMP_MODULE_SIZE = 4,
    VMP_MODULE_OFFSET = 6, /* of that in the file */
    VMP_MODULE_BIAS = 8, /* address in the process less that in the ELF file */
};

enum {
    VMP_END_TIME = 2,
};

/* In the second varint of a frame. */
enum {
    VMP_FRAME_KIND_MASK = 15,
    VMP_FRAME_HAS_LINE = 16,
    VMP_FRAME_HAS_OFFSET = 32,
    VMP_FRAME_HAS_MODULE = 64,
};

/* Of a read-out of bytecodes. */
enum {
    VMP_READOUT_HAS_JITTER = 1,
};

/* In the second varint of a row of a read-out. */
enum {
    VMP_SITE_HAS_PLACE = 1,
    VMP_SITE_HAS_LINE = 2,
    VMP_SITE_HAS_OPNAME = 4,
    VMP_SITE_HAS_HASH = 8,
};

/* Of events between traces. */
enum {
    VMP_EVENTS_BLOCK = 1,
    VMP_EVENTS_NEWEST = 2,
    VMP_EVENTS_HAVE_INNER = 4,
};

/* What a chunk RECORDED EVENTS holds. */
enum vmp_recorded_part {
    VMP_RECORDED_EVENTS = 1,
    VMP_RECORDED_TOTALS = 2,
};

/* In the first varint of a recorded event. */
enum {
    VMP_RECORDED_HAS_CODE = 1,
    VMP_RECORDED_HAS_LINE = 2,
    VMP_RECORDED_HAS_OFFSET = 4,
    VMP_RECORDED_HAS_TARGET = 8,
    VMP_RECORDED_HAS_CALLEE = 16,
    VMP_RECORDED_HAS_MISSING = 32,
    VMP_RECORDED_KIND_SHIFT = 6,
};

/* What an entry of TRACES holds. */
enum vmp_trace_entry {
    VMP_ENTRY_TRACE = 1,
    VMP_ENTRY_GUARDS = 2,
    VMP_ENTRY_PLACES = 3,
    VMP_ENTRY_POSITIONS = 4,
    VMP_ENTRY_OPERATIONS = 5,
    VMP_ENTRY_MACHINE_CODE = 6,
};

/* Of one trace. */
enum vmp_trace_key {
    VMP_TRACE_NAME = 1,
    VMP_TRACE_REASON = 3,
    VMP_TRACE_KIND = 2,
    VMP_TRACE_END = 4,
    VMP_TRACE_CODE = 6,
    VMP_TRACE_OFFSET = 8,
    VMP_TRACE_LINE = 10,
    VMP_TRACE_GUARD = 12,
    VMP_TRACE_PARENT = 14,
    VMP_TRACE_TARGET = 16,
    VMP_TRACE_ADDRESS = 18,
    VMP_TRACE_LENGTH = 20,
    VMP_TRACE_LOOP_OFFSET = 22,
    VMP_TRACE_EMITS = 24,
    VMP_TRACE_FIRST_GUARD = 26,
    VMP_TRACE_GUARD_COUNT = 28,
    VMP_TRACE_STATE = 30,
    VMP_TRACE_SINCE = 32,
    VMP_TRACE_UNTIL = 34,
};

enum vmp_trace_state {
    VMP_TRACE_REGISTERED = 0,
    VMP_TRACE_UNREGISTERED = 1,
    VMP_TRACE_ABORTED = 2,
    VMP_TRACE_RESERVED = 3, /* in no file */
};

/* Kinds of frames that no VM enters. Only the first has the id of something, a
 * trace; only the last, a place of its own. */
enum vmp_frame_kind {
    VMP_KIND_TRACE = 6,
    VMP_KIND_SYSTEM = 8,   /* time in the kernel */
    VMP_KIND_NO_POLL = 9,  /* time between two polls that were too far apart */
    VMP_KIND_ADDRESS = 10, /* machine code at an address of a module */
};

/* A record that changes both has the state above the phase. */
enum {
    VMP_STATE_SHIFT = 4,
};

enum vmp_sample_state {
    VMP_STATE_OFF_CPU = 1,
    VMP_STATE_LEAF_MISSING = 2,
    VMP_STATE_POLLED = 4,
    VMP_STATE_HELD_BACK = 8,
};

#endif
