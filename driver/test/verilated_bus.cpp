// A Verilated engine, Vengine, behind a bpa_bus. HAS_ACCUMULATE says that it has that stream.
#include "verilated_bus.h"
#include "verilated_registers.h"

#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "Vengine.h"
#include "verilated.h"

namespace {

// Beats that a stream holds back: a few, so that the driver meets both a full and an empty one.
constexpr size_t DEPTH = 4;
// Cycles of a sleep without an interrupt.
constexpr int SLEEP = 2000;

using Beat = std::vector<uint8_t>;

struct Engine : Registers<Engine> {
    bpa_bus bus{};
    VerilatedContext context;
    Vengine top{&context};
    uint64_t cycles = 0;
    uint32_t interrupts = 0;
    unsigned stalls = 0;
    uint32_t draw = 1;
    std::deque<std::pair<Beat, bool>> in[BPA_INPUTS];
    bool offered[BPA_INPUTS] = {};
    bool full[BPA_INPUTS] = {};  // had no room when it was asked last
    std::deque<Beat> out;
    uint32_t result_bytes = 0;

    bool pauses() {
        draw ^= draw << 13;
        draw ^= draw >> 17;
        draw ^= draw << 5;
        return draw % 100 < stalls;
    }

    // A cycle of the inputs that are set, with the streams' hand-shakes.
    void tick() {
        offer(BPA_DATA, top.s_axis_data_tvalid, &top.s_axis_data_tdata, top.s_axis_data_tlast);
        offer(BPA_WEIGHT, top.s_axis_weight_tvalid, &top.s_axis_weight_tdata, top.s_axis_weight_tlast);
#ifdef HAS_ACCUMULATE
        offer(BPA_ACCUMULATE, top.s_axis_accumulate_tvalid, &top.s_axis_accumulate_tdata, top.s_axis_accumulate_tlast);
#endif
        top.m_axis_result_tready = out.size() < DEPTH && !pauses();
        top.aclk = 0;
        top.eval();
        bool takes[BPA_INPUTS] = {};
        takes[BPA_DATA] = top.s_axis_data_tvalid && top.s_axis_data_tready;
        takes[BPA_WEIGHT] = top.s_axis_weight_tvalid && top.s_axis_weight_tready;
#ifdef HAS_ACCUMULATE
        takes[BPA_ACCUMULATE] = top.s_axis_accumulate_tvalid && top.s_axis_accumulate_tready;
#endif
        if (top.m_axis_result_tvalid && top.m_axis_result_tready) {
            const auto *data = reinterpret_cast<const uint8_t *>(&top.m_axis_result_tdata);
            out.emplace_back(data, data + sizeof top.m_axis_result_tdata);
        }
        top.aclk = 1;
        top.eval();
        cycles++;
        for (int stream = 0; stream < BPA_INPUTS; stream++)
            if (takes[stream]) {
                in[stream].pop_front();
                offered[stream] = false;
            }
    }

    template <class Valid, class Data, class Last>
    void offer(int stream, Valid &valid, Data *data, Last &last) {
        // What was offered stays.
        if (!offered[stream] && !in[stream].empty() && !pauses()) {
            const Beat &beat = in[stream].front().first;
            std::memset(data, 0, sizeof *data);
            std::memcpy(data, beat.data(), beat.size());
            last = in[stream].front().second;
            offered[stream] = true;
        }
        valid = offered[stream];
    }
};

Engine *of(void *context) { return static_cast<Engine *>(context); }

int32_t push(void *context, bpa_input stream, const uint8_t *beats, uint32_t bytes, uint32_t count, int last) {
    Engine *engine = of(context);
    auto &queue = engine->in[stream];
    int32_t taken = 0;
    while (count && queue.size() < DEPTH) {
        queue.emplace_back(Beat(beats, beats + bytes), last && count == 1);
        beats += bytes;
        count--;
        taken++;
    }
    // Time goes on where there is no room.
    engine->full[stream] = !taken;
    if (!taken) engine->tick();
    return taken;
}

int pull(void *context, uint8_t *beat, uint32_t bytes) {
    Engine *engine = of(context);
    if (engine->out.empty()) {
        engine->tick();
        return 0;
    }
    if (bytes > engine->out.front().size()) return -1;
    std::memcpy(beat, engine->out.front().data(), bytes);
    engine->out.pop_front();
    return 1;
}

int wait_for_interrupt(void *context) {
    Engine *engine = of(context);
    for (int left = SLEEP; left; left--) {
        if (engine->top.irq) {
            engine->interrupts++;
            return 0;
        }
        engine->tick();
        if (!engine->out.empty()) return 0;
        for (int stream = 0; stream < BPA_INPUTS; stream++)
            if (engine->full[stream] && engine->in[stream].size() < DEPTH) return 0;
    }
    return 0;
}

}  // namespace

bpa_bus *verilated_open(unsigned stalls, unsigned seed, int sleeps) {
    auto *engine = new Engine;
    engine->stalls = stalls;
    engine->draw = seed * 2 + 1;
    engine->bus.context = engine;
    engine->bus.read = Engine::read_register;
    engine->bus.write = Engine::write_register;
    engine->bus.push = push;
    engine->bus.pull = pull;
    engine->bus.wait = sleeps ? wait_for_interrupt : nullptr;
    engine->top.aresetn = 0;
    for (int cycle = 0; cycle < 4; cycle++) engine->tick();
    engine->top.aresetn = 1;
    engine->tick();
    return &engine->bus;
}

uint64_t verilated_cycles(const bpa_bus *bus) { return of(bus->context)->cycles; }

uint32_t verilated_interrupts(const bpa_bus *bus) { return of(bus->context)->interrupts; }

void verilated_close(bpa_bus *bus) { delete of(bus->context); }
