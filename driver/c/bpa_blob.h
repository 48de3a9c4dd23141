/* Format of a blob, version 2, in words of 32 bits; docs/driver.md says what each means. */
#ifndef BPA_BLOB_H_
#define BPA_BLOB_H_

#define BPA_BLOB_MAGIC 0x4E415042u

enum {
    BLOB_MAGIC,
    BLOB_VERSION,
    BLOB_BYTES,
    BLOB_CRC,
    BLOB_ARENA,
    BLOB_CONSTANTS,
    BLOB_CONSTANTS_AT,
    BLOB_BUFFERS,
    BLOB_BUFFERS_AT,
    BLOB_OPERATIONS,
    BLOB_OPERATIONS_AT,
    BLOB_JOBS,
    BLOB_JOBS_AT,
    BLOB_DATA_LANES,
    BLOB_DATA_BITS,
    BLOB_DATA_BEAT,
    BLOB_WEIGHT_BEAT,
    BLOB_RESULT_LANES,
    BLOB_RESULT_BITS,
    BLOB_RESULT_BEAT,
    BLOB_SUM_BITS,
    BLOB_SUM_BEAT,
    BLOB_BUS_BYTES,
    BLOB_ARRAY_STEP,
    BLOB_ARRAY_DATA,
    BLOB_ARRAY_WEIGHT,
    BLOB_ARRAY_ACCUMULATE,
    BLOB_ARRAY_RESULT,
    BLOB_ARRAY_MASK,
    BLOB_HEADER
};

enum { CONSTANT_OFFSET, CONSTANT_VALUE, CONSTANT_WORDS };

enum {
    BUFFER_NAME_AT,
    BUFFER_OFFSET,
    BUFFER_ELEMENT,
    BUFFER_ROLE,
    BUFFER_FRAMES,
    BUFFER_ROWS,
    BUFFER_COLS,
    BUFFER_CHANNELS,
    BUFFER_PITCH,
    BUFFER_WORDS
};

enum { OPERATION_KIND, OPERATION_WORDS = 8 };

/* Jobs, on frames of one buffer, to another. */
#define OPERATION_RUN 1u
enum { RUN_FIRST = 1, RUN_JOBS, RUN_DATA, RUN_RESULT };

/* saturate((sum of some buffers) >> shift + sum of others), element by element. */
#define OPERATION_COMBINE 2u
enum { COMBINE_TO = 1, COMBINE_SHIFT, COMBINE_SHIFTED, COMBINE_PLAIN, COMBINE_LIST_AT, COMBINE_BITS };

enum {
    JOB_WORDS_AT,
    JOB_WORDS,
    JOB_FRAMES,
    JOB_WEIGHTS_AT,
    JOB_WEIGHTS,
    JOB_DATA_AT,
    JOB_DATA,
    JOB_RESULT_AT,
    JOB_RESULT,
    JOB_FLAGS,
    JOB_NEEDS,
    JOB_UNUSED,
    JOB_SIZE
};

/* Results are added to what is there. */
#define JOB_ADDS 1u
/* What is there goes in by the accumulate stream. */
#define JOB_TAKES_SUMS 2u

/* Arrays that a job on an engine with a bus may have. */
#define BLOB_ARRAYS 5

/* The low bits of the offset of a word: what is added to its value. */
#define WORD_IN_ARENA 1u
#define WORD_IN_BLOB 2u

/* A lane without a channel. */
#define NO_CHANNEL 0xFFFFu

#endif
