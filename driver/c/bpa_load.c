/* A blob, checked down to each number in it, so that bpa_run needs to check none. */
#include "bpa.h"
#include "bpa_blob.h"
#include "bpa_inside.h"
#include "bpa_registers.h"

/* Constants lie below the registers that change. */
#define CONSTANTS_END BPA_REG_COMMAND

/* Of the bytes, by half bytes. */
static uint32_t crc32_of(const uint8_t *bytes, uint32_t count)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    uint32_t crc = ~0u;

    while (count--) {
        crc ^= *bytes++;
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* Whether `count` things of `size` bytes at `at` lie behind the header and within the blob, at a multiple of `align`. */
static int within(const bpa_network *network, uint32_t at, uint32_t count, uint32_t size, uint32_t align)
{
    uint32_t bytes = network->words[BLOB_BYTES];

    return at % align == 0 && at >= 4 * BLOB_HEADER && at <= bytes && count <= (bytes - at) / size;
}

/* The record of a table of the header. */
static const uint32_t *record(const bpa_network *network, int at, uint32_t index, uint32_t words)
{
    return network->words + network->words[at] / 4 + index * words;
}

/* A x b, or 0 where that is no 32-bit number, or one of them is 0. */
static uint32_t times(uint32_t a, uint32_t b)
{
    return b != 0 && a <= UINT32_MAX / b ? a * b : 0;
}

static uint32_t pixels_of(const uint32_t *buffer)
{
    return times(buffer[BUFFER_FRAMES], times(buffer[BUFFER_ROWS], buffer[BUFFER_COLS]));
}

static bpa_status check_buffer(const bpa_network *network, const uint32_t *buffer)
{
    uint32_t at = buffer[BUFFER_NAME_AT], size = buffer[BUFFER_ELEMENT], pitch = buffer[BUFFER_PITCH];
    uint32_t bytes = times(times(pixels_of(buffer), pitch), size);
    uint32_t arena = network->arena_bytes;

    if (size != 1 && size != 2 && size != 4 && size != 8)
        return BPA_ERR_BLOB_VALUE;
    if (buffer[BUFFER_ROLE] > BPA_OUTPUT || bytes == 0 || buffer[BUFFER_OFFSET] % 8)
        return BPA_ERR_BLOB_VALUE;
    if (buffer[BUFFER_CHANNELS] == 0 || buffer[BUFFER_CHANNELS] > pitch)
        return BPA_ERR_BLOB_VALUE;
    if (bytes > arena || buffer[BUFFER_OFFSET] > arena - bytes)
        return BPA_ERR_BLOB_RANGE;
    /* The name ends within the blob. */
    do
        if (!within(network, at, 1, 1, 1))
            return BPA_ERR_BLOB_RANGE;
    while (network->blob[at++] != 0);
    return BPA_OK;
}

/* Channels that lanes take from a buffer or give to it. */
static bpa_status check_channels(const bpa_network *network, uint32_t at, uint32_t beats, uint32_t lanes, uint32_t channels)
{
    const uint8_t *entry = network->blob + at;
    uint32_t count = times(beats, lanes);

    if (count == 0)
        return BPA_ERR_BLOB_VALUE;
    if (!within(network, at, count, 2, 2))
        return BPA_ERR_BLOB_RANGE;
    for (; count; count--, entry += 2) {
        uint32_t channel = entry[0] | (uint32_t)entry[1] << 8;
        if (channel != NO_CHANNEL && channel >= channels)
            return BPA_ERR_BLOB_RANGE;
    }
    return BPA_OK;
}

static bpa_status check_job(const bpa_network *network, uint32_t index, const uint32_t *data, const uint32_t *result)
{
    const uint32_t *job = record(network, BLOB_JOBS_AT, index, JOB_SIZE), *words = network->words;
    const bpa_engine *engine = network->engine;
    uint32_t i;
    bpa_status status;

    if (!within(network, job[JOB_WORDS_AT], job[JOB_WORDS], 8, 4))
        return BPA_ERR_BLOB_RANGE;
    for (i = 0; i < job[JOB_WORDS]; i++) {
        uint32_t offset = words[job[JOB_WORDS_AT] / 4 + 2 * i];
        /* Of an engine with a bus the low bits say something, which bpa_check_memory looks at. */
        offset = words[BLOB_BUS_BYTES] ? offset & ~3u : offset;
        if (offset % 4 || offset < engine->table_first || offset >= engine->table_end)
            return BPA_ERR_BLOB_RANGE;
    }
    if (job[JOB_FRAMES] == 0 || job[JOB_FRAMES] != data[BUFFER_FRAMES] || job[JOB_FRAMES] != result[BUFFER_FRAMES])
        return BPA_ERR_BLOB_VALUE;
    if (job[JOB_WEIGHTS] == 0)
        return BPA_ERR_BLOB_VALUE;
    if (!within(network, job[JOB_WEIGHTS_AT], job[JOB_WEIGHTS], words[BLOB_WEIGHT_BEAT], 1))
        return BPA_ERR_BLOB_RANGE;
    if (job[JOB_FLAGS] > JOB_TAKES_SUMS || job[JOB_NEEDS] > index || job[JOB_UNUSED] != 0)
        return BPA_ERR_BLOB_VALUE;
    if (job[JOB_FLAGS] == JOB_TAKES_SUMS && words[BLOB_SUM_BITS] == 0)
        return BPA_ERR_BLOB_VALUE;
    if (words[BLOB_BUS_BYTES])
        return BPA_OK;
    status = check_channels(network, job[JOB_DATA_AT], job[JOB_DATA], engine->simd, data[BUFFER_CHANNELS]);
    if (status != BPA_OK)
        return status;
    return check_channels(network, job[JOB_RESULT_AT], job[JOB_RESULT], engine->pe, result[BUFFER_CHANNELS]);
}

/* The buffer of this number, or NULL. */
static const uint32_t *buffer_of(const bpa_network *network, uint32_t index)
{
    return index < network->buffers ? record(network, BLOB_BUFFERS_AT, index, BUFFER_WORDS) : NULL;
}

static bpa_status check_combine(const bpa_network *network, const uint32_t *operation)
{
    const uint32_t *to = buffer_of(network, operation[COMBINE_TO]);
    uint32_t shifted = operation[COMBINE_SHIFTED], plain = operation[COMBINE_PLAIN], i;

    if (!to)
        return BPA_ERR_BLOB_RANGE;
    if (operation[COMBINE_SHIFT] > 63 || operation[COMBINE_BITS] < 1 || operation[COMBINE_BITS] > 8 * to[BUFFER_ELEMENT])
        return BPA_ERR_BLOB_VALUE;
    if (shifted > network->buffers || plain > network->buffers || shifted + plain == 0)
        return BPA_ERR_BLOB_VALUE;
    if (!within(network, operation[COMBINE_LIST_AT], shifted + plain, 4, 4))
        return BPA_ERR_BLOB_RANGE;
    for (i = 0; i < shifted + plain; i++) {
        const uint32_t *from = buffer_of(network, network->words[operation[COMBINE_LIST_AT] / 4 + i]);
        if (!from)
            return BPA_ERR_BLOB_RANGE;
        if (pixels_of(from) != pixels_of(to) || from[BUFFER_CHANNELS] != to[BUFFER_CHANNELS])
            return BPA_ERR_BLOB_VALUE;
    }
    return BPA_OK;
}

/* The jobs of all operations are all jobs, in their order; `next` is the first that no operation before this one has. */
static bpa_status check_run(const bpa_network *network, const uint32_t *operation, uint32_t *next)
{
    const uint32_t *data = buffer_of(network, operation[RUN_DATA]), *result = buffer_of(network, operation[RUN_RESULT]);
    uint32_t jobs = operation[RUN_JOBS];
    bpa_status status;

    if (!data || !result)
        return BPA_ERR_BLOB_RANGE;
    if (jobs == 0 || operation[RUN_FIRST] != *next)
        return BPA_ERR_BLOB_VALUE;
    if (jobs > network->jobs - *next)
        return BPA_ERR_BLOB_RANGE;
    for (; jobs; jobs--, (*next)++)
        if ((status = check_job(network, *next, data, result)) != BPA_OK)
            return status;
    return BPA_OK;
}

/* A beat of so many values of so many bits, which is so many bytes. */
static bpa_status check_beat(uint32_t lanes, uint32_t bits, uint32_t bytes)
{
    if (bits < 1 || bits > 64 || bytes < (lanes * bits + 7) / 8)
        return BPA_ERR_BLOB_VALUE;
    return bytes > BPA_MAX_BEAT_BYTES ? BPA_ERR_WIDE_BEAT : BPA_OK;
}

static bpa_status check_engine(const bpa_network *network)
{
    const bpa_engine *engine = network->engine;
    const bpa_bus *bus = engine->bus;
    const uint32_t *words = network->words;
    uint32_t i, found;
    bpa_status status;

    for (i = 0; i < words[BLOB_CONSTANTS]; i++) {
        const uint32_t *constant = record(network, BLOB_CONSTANTS_AT, i, CONSTANT_WORDS);
        int answer;
        if (constant[CONSTANT_OFFSET] % 4 || constant[CONSTANT_OFFSET] >= CONSTANTS_END)
            return BPA_ERR_BLOB_RANGE;
        answer = bus->read(bus->context, constant[CONSTANT_OFFSET], &found);
        if (answer < 0)
            return BPA_ERR_BUS;
        if (answer > 0 || found != constant[CONSTANT_VALUE])
            return BPA_ERR_BLOB_ENGINE;
    }
    /* Bytes of a word of the bus; of an engine with streams there is no such register. */
    if (words[BLOB_BUS_BYTES]) {
        int answer = bus->read(bus->context, BPA_REG_BUS, &found);
        if (answer < 0)
            return BPA_ERR_BUS;
        if (answer > 0 || (found & 0xFFu) != words[BLOB_BUS_BYTES])
            return BPA_ERR_BLOB_ENGINE;
    }
    if (words[BLOB_DATA_LANES] != engine->simd || words[BLOB_DATA_BITS] != engine->data_bits)
        return BPA_ERR_BLOB_ENGINE;
    if (words[BLOB_RESULT_LANES] != engine->pe || words[BLOB_RESULT_BITS] != engine->result_bits)
        return BPA_ERR_BLOB_ENGINE;
    if (words[BLOB_WEIGHT_BEAT] == 0)
        return BPA_ERR_BLOB_VALUE;
    if ((status = check_beat(engine->simd, engine->data_bits, words[BLOB_DATA_BEAT])) != BPA_OK)
        return status;
    if ((status = check_beat(engine->pe, engine->result_bits, words[BLOB_RESULT_BEAT])) != BPA_OK)
        return status;
    if (words[BLOB_SUM_BITS] != 0)
        return check_beat(engine->pe, words[BLOB_SUM_BITS], words[BLOB_SUM_BEAT]);
    return BPA_OK;
}

static bpa_status check_header(bpa_network *network, size_t bytes)
{
    const uint32_t *words = network->words;

    if (bytes < 16)
        return BPA_ERR_BLOB_TRUNCATED;
    if (words[BLOB_MAGIC] != BPA_BLOB_MAGIC)
        return BPA_ERR_BLOB_MAGIC;
    if (words[BLOB_VERSION] != BPA_BLOB_VERSION)
        return BPA_ERR_BLOB_VERSION;
    if (bytes < words[BLOB_BYTES])
        return BPA_ERR_BLOB_TRUNCATED;
    if (words[BLOB_BYTES] < 4 * BLOB_HEADER || words[BLOB_BYTES] % 4)
        return BPA_ERR_BLOB_VALUE;
    if (crc32_of(network->blob + 16, words[BLOB_BYTES] - 16) != words[BLOB_CRC])
        return BPA_ERR_BLOB_CHECKSUM;
    if (!within(network, words[BLOB_CONSTANTS_AT], words[BLOB_CONSTANTS], 4 * CONSTANT_WORDS, 4) ||
        !within(network, words[BLOB_BUFFERS_AT], words[BLOB_BUFFERS], 4 * BUFFER_WORDS, 4) ||
        !within(network, words[BLOB_OPERATIONS_AT], words[BLOB_OPERATIONS], 4 * OPERATION_WORDS, 4) ||
        !within(network, words[BLOB_JOBS_AT], words[BLOB_JOBS], 4 * JOB_SIZE, 4))
        return BPA_ERR_BLOB_RANGE;
    network->arena_bytes = words[BLOB_ARENA];
    network->buffers = words[BLOB_BUFFERS];
    network->operations = words[BLOB_OPERATIONS];
    network->jobs = words[BLOB_JOBS];
    return BPA_OK;
}

bpa_status bpa_load(bpa_network *network, bpa_engine *engine, const void *blob, size_t bytes)
{
    uint32_t i, next = 0;
    bpa_status status;

    if ((uintptr_t)blob % 4)
        return BPA_ERR_BLOB_ALIGNMENT;
    network->engine = engine;
    network->blob = blob;
    network->words = blob;
    if ((status = check_header(network, bytes)) != BPA_OK)
        return status;
    if ((status = check_engine(network)) != BPA_OK)
        return status;
    for (i = 0; i < network->buffers; i++)
        if ((status = check_buffer(network, record(network, BLOB_BUFFERS_AT, i, BUFFER_WORDS))) != BPA_OK)
            return status;
    for (i = 0; i < network->operations; i++) {
        const uint32_t *operation = record(network, BLOB_OPERATIONS_AT, i, OPERATION_WORDS);
        switch (operation[OPERATION_KIND]) {
        case OPERATION_RUN:
            status = check_run(network, operation, &next);
            break;
        case OPERATION_COMBINE:
            status = check_combine(network, operation);
            break;
        default:
            status = BPA_ERR_BLOB_VALUE;
        }
        if (status != BPA_OK)
            return status;
    }
    if (next != network->jobs)
        return BPA_ERR_BLOB_VALUE;
    return network->words[BLOB_BUS_BYTES] ? bpa_check_memory(network) : BPA_OK;
}

bpa_status bpa_get_buffer(const bpa_network *network, uint32_t index, bpa_buffer *buffer)
{
    const uint32_t *words = buffer_of(network, index);

    if (!words)
        return BPA_ERR_BLOB_RANGE;
    buffer->name = (const char *)network->blob + words[BUFFER_NAME_AT];
    buffer->offset = words[BUFFER_OFFSET];
    buffer->element_bytes = words[BUFFER_ELEMENT];
    buffer->frames = words[BUFFER_FRAMES];
    buffer->rows = words[BUFFER_ROWS];
    buffer->cols = words[BUFFER_COLS];
    buffer->channels = words[BUFFER_CHANNELS];
    buffer->pitch = words[BUFFER_PITCH];
    buffer->role = words[BUFFER_ROLE];
    return BPA_OK;
}
