// A Verilated engine with a memory bus, Vengine, behind a bpa_bus. It finds in memory what the driver told it of, and
// all else is an error.
#include "verilated_bus.h"
#include "verilated_registers.h"

#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "Vengine.h"
#include "verilated.h"

namespace {

// Cycles of a sleep without an interrupt.
constexpr int SLEEP = 2000;
// Cycles from a request to its first word, at the least.
constexpr uint64_t LATENCY = 20;
// Bytes of the addresses of a region.
constexpr uint32_t REGION = 0x10000000u;
constexpr unsigned SLVERR = 2;

struct Burst {
    uint32_t id, address, words;
    uint64_t from;
};

struct Region {
    const uint8_t *memory;
    uint32_t bytes;
};

struct Engine : Registers<Engine> {
    bpa_bus bus{};
    VerilatedContext context;
    Vengine top{&context};
    uint64_t cycles = 0;
    uint32_t interrupts = 0;
    unsigned stalls = 0;
    uint32_t draw = 1;
    std::vector<Region> regions;
    std::deque<Burst> reads, writes;
    std::deque<unsigned> answers;
    unsigned answer = 0;
    bool gives = false;

    // The pins of a model are references.
    static constexpr uint32_t WORD = sizeof(std::declval<Vengine>().m_axi_rdata);

    bool pauses() {
        draw ^= draw << 13;
        draw ^= draw >> 17;
        draw ^= draw << 5;
        return draw % 100 < stalls;
    }

    // The byte at an address, or none.
    uint8_t *byte(uint32_t address) {
        uint32_t region = address / REGION, offset = address % REGION;
        if (region == 0 || region > regions.size() || offset >= regions[region - 1].bytes) return nullptr;
        // The driver's blob is constant; what the engine writes there is an error of the test.
        return const_cast<uint8_t *>(regions[region - 1].memory) + offset;
    }

    int find(const void *memory, uint32_t bytes, uint32_t *address) {
        const auto *start = static_cast<const uint8_t *>(memory);
        size_t index = 0;
        while (index < regions.size() && regions[index].memory != start) index++;
        if (index == regions.size()) regions.push_back({start, bytes});
        regions[index].bytes = bytes;
        *address = static_cast<uint32_t>(index + 1) * REGION;
        return bytes <= REGION ? 0 : -1;
    }

    void offer_word() {
        if (!gives && !reads.empty() && reads.front().from <= cycles && !pauses()) {
            const Burst &burst = reads.front();
            uint8_t word[WORD] = {};
            bool found = false;
            for (uint32_t at = 0; at < WORD; at++)
                if (const uint8_t *from = byte(burst.address + at)) {
                    word[at] = *from;
                    found = true;
                }
            std::memcpy(&top.m_axi_rdata, word, WORD);
            top.m_axi_rid = burst.id;
            top.m_axi_rresp = found ? 0 : SLVERR;
            top.m_axi_rlast = burst.words == 1;
            gives = true;
        }
        top.m_axi_rvalid = gives;
    }

    void take_word() {
        Burst &burst = writes.front();
        uint8_t word[WORD];
        std::memcpy(word, &top.m_axi_wdata, WORD);
        for (uint32_t at = 0; at < WORD; at++) {
            if (!(top.m_axi_wstrb >> at & 1)) continue;
            if (uint8_t *to = byte(burst.address + at))
                *to = word[at];
            else
                answer = SLVERR;
        }
        burst.address += WORD;
        if (--burst.words == 0) {
            writes.pop_front();
            answers.push_back(answer);
            answer = 0;
        }
    }

    void tick() {
        offer_word();
        top.m_axi_arready = !pauses();
        top.m_axi_awready = !pauses();
        top.m_axi_wready = !writes.empty() && !pauses();
        top.m_axi_bvalid = !answers.empty();
        top.m_axi_bresp = answers.empty() ? 0 : answers.front();
        top.aclk = 0;
        top.eval();
        if (top.m_axi_rvalid && top.m_axi_rready) {
            Burst &burst = reads.front();
            burst.address += WORD;
            if (--burst.words == 0) reads.pop_front();
            gives = false;
        }
        if (top.m_axi_arvalid && top.m_axi_arready)
            reads.push_back({top.m_axi_arid, top.m_axi_araddr, top.m_axi_arlen + 1u, cycles + LATENCY});
        if (top.m_axi_wvalid && top.m_axi_wready) take_word();
        if (top.m_axi_awvalid && top.m_axi_awready) writes.push_back({0, top.m_axi_awaddr, top.m_axi_awlen + 1u, 0});
        if (top.m_axi_bvalid && top.m_axi_bready) answers.pop_front();
        top.aclk = 1;
        top.eval();
        cycles++;
    }
};

Engine *of(void *context) { return static_cast<Engine *>(context); }

int address_of(void *context, const void *memory, uint32_t bytes, uint32_t *address) {
    return of(context)->find(memory, bytes, address);
}

int wait_for_interrupt(void *context) {
    Engine *engine = of(context);
    for (int left = SLEEP; left; left--) {
        if (engine->top.irq) {
            engine->interrupts++;
            return 0;
        }
        engine->tick();
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
    engine->bus.address = address_of;
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
