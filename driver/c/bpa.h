/*
 * Driver of a programmable engine: freestanding C99, no allocation, no libc.
 *
 * The engine is reached through a bpa_bus, which the caller fills: registers, the two ends of each stream, and sleep.
 * bpa_linux.c has one for Linux. On it stand two layers: the engine (bpa_open, bpa_start, bpa_wait, bpa_counters), and
 * networks that `bpa compile` made (bpa_load, bpa_run). docs/driver.md has the whole, and the format of the blob.
 */
#ifndef BPA_H_
#define BPA_H_

#include <stddef.h>
#include <stdint.h>

/* Bytes of the widest beat that the driver packs or unpacks; weights come packed and may be wider. */
#ifndef BPA_MAX_BEAT_BYTES
#define BPA_MAX_BEAT_BYTES 512u
#endif

/* Version of blobs that bpa_load takes. */
#define BPA_BLOB_VERSION 2u

/* Why something was not done. bpa_status_name gives the name as text. */
#define BPA_STATUS_LIST(STATUS)                                                 \
    STATUS(BPA_OK)                                                              \
    STATUS(BPA_ERR_BUS)             /* the bus, or a stream, failed */          \
    STATUS(BPA_ERR_REFUSED_ACCESS)  /* the engine refused a register (SLVERR) */\
    STATUS(BPA_ERR_NO_ENGINE)       /* register `id` is another */              \
    STATUS(BPA_ERR_ENGINE_VERSION)  /* an engine of another generator */        \
    STATUS(BPA_ERR_WIDE_BEAT)       /* beats above BPA_MAX_BEAT_BYTES */        \
    STATUS(BPA_ERR_TABLE_RANGE)     /* a word outside of the table of a job */  \
    STATUS(BPA_ERR_JOB_REFUSED)     /* the engine refused a job */              \
    STATUS(BPA_ERR_TIMEOUT)         /* nothing happened for too long */         \
    STATUS(BPA_ERR_TLAST)           /* the engine saw a misplaced tlast */      \
    STATUS(BPA_ERR_BLOB_ALIGNMENT)  /* the blob is not at a multiple of 4 */    \
    STATUS(BPA_ERR_BLOB_TRUNCATED)  /* the blob is shorter than it says */      \
    STATUS(BPA_ERR_BLOB_MAGIC)      /* this is no blob */                       \
    STATUS(BPA_ERR_BLOB_VERSION)    /* a blob of another format */              \
    STATUS(BPA_ERR_BLOB_CHECKSUM)   /* the blob was changed or damaged */       \
    STATUS(BPA_ERR_BLOB_ENGINE)     /* the blob is for another engine */        \
    STATUS(BPA_ERR_BLOB_RANGE)      /* something in it lies outside of it */    \
    STATUS(BPA_ERR_BLOB_VALUE)      /* a number in it makes no sense */         \
    STATUS(BPA_ERR_ADDRESS)         /* the engine cannot reach blob or arena where they are */ \
    STATUS(BPA_ERR_MEMORY)          /* memory refused what the engine read or wrote */ \
    STATUS(BPA_ERR_ARENA)           /* the arena is too small or not at a multiple of 8 */

typedef enum {
#define BPA_STATUS_ENUM(name) name,
    BPA_STATUS_LIST(BPA_STATUS_ENUM)
#undef BPA_STATUS_ENUM
    BPA_STATUS_COUNT
} bpa_status;

const char *bpa_status_name(bpa_status status);

/* Streams into the engine. */
typedef enum { BPA_DATA, BPA_WEIGHT, BPA_ACCUMULATE, BPA_INPUTS } bpa_input;

/*
 * How an engine is reached. All but `wait` have to be there; streams only where bpa_run is used. An address of a
 * register is its offset in the engine. A beat is as many bytes as tdata, the lowest first.
 */
typedef struct {
    void *context;
    /* A register: 0 if it was read or written, 1 if the engine refused (SLVERR), below 0 if the bus failed. */
    int (*read)(void *context, uint32_t offset, uint32_t *value);
    int (*write)(void *context, uint32_t offset, uint32_t value);
    /*
     * Offers `count` beats of `bytes` bytes each; `last` says that tlast belongs to the last of them. Tells how many
     * were taken, 0 for none, below 0 if the stream failed. It need not wait.
     */
    int32_t (*push)(void *context, bpa_input stream, const uint8_t *beats, uint32_t bytes, uint32_t count, int last);
    /* Takes one beat of results: 1 if there was one, 0 if not, below 0 if the stream failed. It need not wait. */
    int (*pull)(void *context, uint8_t *beat, uint32_t bytes);
    /*
     * Sleeps until the interrupt, until a stream that had no room or no beat has one, or a while: 0, or below 0 if
     * that failed. NULL: the driver asks again at once.
     */
    int (*wait)(void *context);
    /*
     * The rest is for engines that read and write memory by themselves, and need no streams. May be NULL.
     * Where the engine finds `bytes` bytes of blob or arena: 0, or below 0 if it cannot reach them. NULL: where the
     * processor does. Engine and processor have to see the same bytes there, without a cache between them.
     */
    int (*address)(void *context, const void *memory, uint32_t bytes, uint32_t *address);
    /* The registers as memory: jobs are told and started there, instead of by `write`. */
    volatile uint32_t *registers;
} bpa_bus;

/* An engine that was found, with what its registers say it can do. */
typedef struct {
    const bpa_bus *bus;
    uint32_t version;      /* of the generator: major, minor, patch in bytes 2, 1, 0 */
    uint16_t simd, pe;     /* lanes */
    uint8_t data_bits, weight_bits, accumulator_bits, result_bits;
    uint32_t weight_words, line_words;
    uint16_t rows, cols, kernel_rows, kernel_cols;
    uint32_t passes;       /* BPA_PASS_... */
    uint32_t table_first, table_end; /* bytes: where the words of a job are */
    uint32_t refused;      /* register `refused` of the latest job that was */
    uint32_t memory_error, memory_error_address; /* registers `bus_error...` behind BPA_ERR_MEMORY */
} bpa_engine;

#define BPA_PASS_GRAD_INPUT 1u
#define BPA_PASS_FORWARD 2u
#define BPA_PASS_GRAD_WEIGHT 4u

/* Finds the engine behind a bus and reads what it can do. `engine` keeps `bus`. */
bpa_status bpa_open(bpa_engine *engine, const bpa_bus *bus);

/* A word of a job: its offset, and what it is. */
typedef struct {
    uint32_t offset;
    uint32_t value;
} bpa_word;

/*
 * Tells a job and starts it, behind those that run. The table keeps its words: those that the job before had need not
 * be told again. Waits while the table is locked, for at most `patience` looks at it.
 */
bpa_status bpa_start(bpa_engine *engine, const bpa_word *words, uint32_t count, uint32_t patience);

/* Waits until the engine has no job, by the bus's `wait` where there is one, for at most `patience` looks. */
bpa_status bpa_wait(bpa_engine *engine, uint32_t patience);

/* Ends the job that runs and drops the others. */
bpa_status bpa_abort(bpa_engine *engine);

/* What every engine counts; docs/registers.md says of what. */
typedef struct {
    uint64_t cycles;
    uint32_t frames_done, jobs_done, data_waits, weight_waits, result_waits;
    uint32_t tlast_errors; /* of all streams and kinds together */
} bpa_counts;

bpa_status bpa_counters(const bpa_engine *engine, bpa_counts *counts);
bpa_status bpa_clear_counters(const bpa_engine *engine);

/* A network that was loaded and found sound. It keeps the blob, which is not written. */
typedef struct {
    bpa_engine *engine;
    const uint8_t *blob;
    const uint32_t *words;
    uint32_t arena_bytes; /* of the memory that bpa_run needs */
    uint32_t buffers, operations, jobs;
} bpa_network;

/* An array (frame, row, column, channel), the channel fastest, in the arena. What is between pixels means nothing. */
typedef struct {
    const char *name;
    uint32_t offset;        /* bytes, in the arena */
    uint32_t element_bytes; /* 1, 2, 4 or 8: a signed integer */
    uint32_t frames, rows, cols, channels;
    uint32_t pitch;         /* elements from one pixel to the next, `channels` or more */
    uint32_t role;          /* BPA_INTERNAL, BPA_INPUT or BPA_OUTPUT */
} bpa_buffer;

#define BPA_INTERNAL 0u
#define BPA_INPUT 1u
#define BPA_OUTPUT 2u

/*
 * Checks all of a blob, down to each word of each job: nothing in it can make bpa_run read or write outside of the blob
 * and the arena. `engine` has to be the one that it was compiled for.
 */
bpa_status bpa_load(bpa_network *network, bpa_engine *engine, const void *blob, size_t bytes);

/* A buffer of a loaded network, by its number below `buffers`. */
bpa_status bpa_get_buffer(const bpa_network *network, uint32_t index, bpa_buffer *buffer);

/*
 * Runs the network once. The caller has put the inputs into the arena and finds the outputs there; inputs may be
 * overwritten. Gives up when nothing moved in `patience` looks.
 */
bpa_status bpa_run(const bpa_network *network, void *arena, size_t bytes, uint32_t patience);

#endif
