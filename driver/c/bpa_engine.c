/* Registers of an engine: what it can do, jobs, counters. */
#include "bpa.h"
#include "bpa_inside.h"
#include "bpa_registers.h"

/* Generators whose engines this driver knows: major and minor. */
#define GENERATOR 0x000100u
/* Bytes of the largest table. */
#define MOST_TABLE 0x40000000u

const char *bpa_status_name(bpa_status status)
{
    static const char *const names[] = {
#define BPA_STATUS_TEXT(name) #name,
        BPA_STATUS_LIST(BPA_STATUS_TEXT)
#undef BPA_STATUS_TEXT
    };
    return (unsigned)status < BPA_STATUS_COUNT ? names[status] : "BPA_ERR_UNKNOWN";
}

static bpa_status answered(int answer)
{
    if (answer == 0)
        return BPA_OK;
    return answer > 0 ? BPA_ERR_REFUSED_ACCESS : BPA_ERR_BUS;
}

static bpa_status get(const bpa_engine *engine, uint32_t offset, uint32_t *value)
{
    *value = 0;
    return answered(engine->bus->read(engine->bus->context, offset, value));
}

static bpa_status set(const bpa_engine *engine, uint32_t offset, uint32_t value)
{
    return answered(engine->bus->write(engine->bus->context, offset, value));
}

bpa_status bpa_open(bpa_engine *engine, const bpa_bus *bus)
{
    static const uint32_t capabilities[] = {
        BPA_REG_LANES, BPA_REG_TYPES,  BPA_REG_WEIGHT_WORDS, BPA_REG_LINE_WORDS,
        BPA_REG_SIZE,  BPA_REG_KERNEL, BPA_REG_PASSES,       BPA_REG_TABLE_WORDS,
    };
    uint32_t values[sizeof capabilities / sizeof capabilities[0]];
    uint32_t id, bytes, i;
    bpa_status status;

    engine->bus = bus;
    engine->refused = engine->memory_error = engine->memory_error_address = 0;
    if ((status = get(engine, BPA_REG_ID, &id)) != BPA_OK)
        return status;
    if (id != BPA_ID)
        return BPA_ERR_NO_ENGINE;
    if ((status = get(engine, BPA_REG_VERSION, &engine->version)) != BPA_OK)
        return status;
    if ((engine->version & 0xFFFF00u) != GENERATOR)
        return BPA_ERR_ENGINE_VERSION;
    for (i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++)
        if ((status = get(engine, capabilities[i], &values[i])) != BPA_OK)
            return status;
    engine->simd = (uint16_t)values[0];
    engine->pe = (uint16_t)(values[0] >> 16);
    engine->data_bits = (uint8_t)values[1];
    engine->weight_bits = (uint8_t)(values[1] >> 8);
    engine->accumulator_bits = (uint8_t)(values[1] >> 16);
    engine->result_bits = (uint8_t)(values[1] >> 24);
    engine->weight_words = values[2];
    engine->line_words = values[3];
    engine->rows = (uint16_t)values[4];
    engine->cols = (uint16_t)(values[4] >> 16);
    engine->kernel_rows = (uint16_t)values[5];
    engine->kernel_cols = (uint16_t)(values[5] >> 16);
    engine->passes = values[6];
    if (values[7] > MOST_TABLE / 4)
        return BPA_ERR_NO_ENGINE;
    bytes = 4 * values[7];
    engine->table_first = bytes > BPA_TABLE_LEAST ? bytes : BPA_TABLE_LEAST;
    engine->table_end = engine->table_first + bytes;
    return BPA_OK;
}

bpa_status bpa_interrupts(const bpa_engine *engine)
{
    return engine->bus->wait ? set(engine, BPA_REG_EVENT_ENABLE, BPA_EVENT_JOB_DONE) : BPA_OK;
}

bpa_status bpa_sleep(const bpa_engine *engine)
{
    const bpa_bus *bus = engine->bus;

    if (!bus->wait)
        return BPA_OK;
    if (bus->wait(bus->context) < 0)
        return BPA_ERR_BUS;
    return set(engine, BPA_REG_EVENT, BPA_EVENT_JOB_DONE);
}

/* Waits until none of these bits of `state` is set. */
static bpa_status until_clear(const bpa_engine *engine, uint32_t bits, uint32_t patience, int sleeps)
{
    uint32_t state;
    bpa_status status;

    for (;;) {
        if ((status = get(engine, BPA_REG_STATE, &state)) != BPA_OK)
            return status;
        if ((state & bits) == 0)
            return BPA_OK;
        if (patience-- == 0)
            return BPA_ERR_TIMEOUT;
        if (sleeps && (status = bpa_sleep(engine)) != BPA_OK)
            return status;
    }
}

bpa_status bpa_start(bpa_engine *engine, const bpa_word *words, uint32_t count, uint32_t patience)
{
    uint32_t event, i;
    bpa_status status;

    for (i = 0; i < count; i++)
        if (words[i].offset < engine->table_first || words[i].offset >= engine->table_end || words[i].offset % 4)
            return BPA_ERR_TABLE_RANGE;
    if ((status = until_clear(engine, BPA_STATE_WAITING | BPA_STATE_CHECKING, patience, 0)) != BPA_OK)
        return status;
    for (i = 0; i < count; i++)
        if ((status = set(engine, words[i].offset, words[i].value)) != BPA_OK)
            return status;
    if ((status = set(engine, BPA_REG_EVENT, BPA_EVENT_REFUSED)) != BPA_OK)
        return status;
    if ((status = set(engine, BPA_REG_COMMAND, BPA_COMMAND_START)) != BPA_OK)
        return status;
    if ((status = until_clear(engine, BPA_STATE_CHECKING, patience, 0)) != BPA_OK)
        return status;
    if ((status = get(engine, BPA_REG_EVENT, &event)) != BPA_OK)
        return status;
    if (event & BPA_EVENT_REFUSED) {
        if ((status = get(engine, BPA_REG_REFUSED, &engine->refused)) != BPA_OK)
            return status;
        return BPA_ERR_JOB_REFUSED;
    }
    return BPA_OK;
}

bpa_status bpa_wait(bpa_engine *engine, uint32_t patience)
{
    uint32_t event;
    bpa_status status;

    if ((status = bpa_interrupts(engine)) != BPA_OK)
        return status;
    if ((status = until_clear(engine, ~0u, patience, 1)) != BPA_OK)
        return status;
    if ((status = get(engine, BPA_REG_EVENT, &event)) != BPA_OK)
        return status;
    return event & BPA_EVENT_TLAST ? BPA_ERR_TLAST : BPA_OK;
}

bpa_status bpa_abort(bpa_engine *engine)
{
    return set(engine, BPA_REG_COMMAND, BPA_COMMAND_ABORT);
}

bpa_status bpa_clear_counters(const bpa_engine *engine)
{
    return set(engine, BPA_REG_COMMAND, BPA_COMMAND_CLEAR_COUNTERS);
}

bpa_status bpa_counters(const bpa_engine *engine, bpa_counts *counts)
{
    uint32_t low, high, again, offset, count;
    bpa_status status;
    struct {
        uint32_t offset;
        uint32_t *to;
    } plain[5];

    plain[0].offset = BPA_REG_FRAMES_DONE, plain[0].to = &counts->frames_done;
    plain[1].offset = BPA_REG_JOBS_DONE, plain[1].to = &counts->jobs_done;
    plain[2].offset = BPA_REG_DATA_WAITS, plain[2].to = &counts->data_waits;
    plain[3].offset = BPA_REG_WEIGHT_WAITS, plain[3].to = &counts->weight_waits;
    plain[4].offset = BPA_REG_RESULT_WAITS, plain[4].to = &counts->result_waits;
    /* The upper half may belong to another count than the lower: then it is another when it is read again. */
    if ((status = get(engine, BPA_REG_CYCLES_HIGH, &high)) != BPA_OK)
        return status;
    for (;;) {
        if ((status = get(engine, BPA_REG_CYCLES_LOW, &low)) != BPA_OK)
            return status;
        if ((status = get(engine, BPA_REG_CYCLES_HIGH, &again)) != BPA_OK)
            return status;
        if (again == high)
            break;
        high = again;
    }
    counts->cycles = (uint64_t)high << 32 | low;
    for (offset = 0; offset < 5; offset++)
        if ((status = get(engine, plain[offset].offset, plain[offset].to)) != BPA_OK)
            return status;
    counts->tlast_errors = 0;
    for (offset = BPA_REG_TLAST_DATA_EARLY; offset <= BPA_REG_TLAST_WEIGHT_LATE; offset += 4) {
        if ((status = get(engine, offset, &count)) != BPA_OK)
            return status;
        counts->tlast_errors += count;
    }
    return BPA_OK;
}
