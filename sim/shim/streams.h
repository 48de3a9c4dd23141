// Drivers and monitors for AXI4-Stream ports. Independent of the model: the
// pins are handed in by reference, and every beat has a size known at compile
// time, so that all copies and compares are inlined.
#ifndef BPA_STREAMS_H_
#define BPA_STREAMS_H_

#include <cstdint>
#include <cstring>
#include <vector>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "tdata is copied as bytes, least significant first");

constexpr uint64_t NEVER = ~uint64_t{0};

// The bytes that Verilator uses for a port of `bytes` * 8 bits.
constexpr size_t storage_bytes(size_t bytes) {
    return bytes <= 1 ? 1 : bytes <= 2 ? 2 : bytes <= 4 ? 4 : bytes <= 8 ? 8 : (bytes + 3) / 4 * 4;
}

// xorshift64*: small, fast, and good enough to draw stalls from.
class Random {
    uint64_t m_state = 1;

public:
    void seed(uint64_t seed) {  // One round of splitmix64, so that close seeds give unlike streams
        seed += 0x9e3779b97f4a7c15u;
        seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9u;
        seed = (seed ^ (seed >> 27)) * 0x94d049bb133111ebu;
        seed ^= seed >> 31;
        m_state = seed ? seed : 1;
    }
    uint64_t next() {
        m_state ^= m_state >> 12;
        m_state ^= m_state << 25;
        m_state ^= m_state >> 27;
        return m_state * 0x2545f4914f6cdd1du;
    }
};

// Draws `true` with probability threshold / 2^64, and costs nothing at 0.
struct Stall {
    uint64_t threshold = 0;
    uint64_t seed = 0;
    Random random;

    void restart() { random.seed(seed); }
    bool draw() { return threshold != 0 && random.next() < threshold; }
};

struct SourceBase {
    std::vector<uint8_t> data;  // Beats, concatenated
    std::vector<uint8_t> last;  // One flag per beat
    size_t next = 0;  // Index into `last` of the beat that is or will be presented
    bool valid = false;  // Beat `next` is on the pins
    Stall stall;
    uint64_t start_cycle = 1;
    uint64_t accepted = 0;
    uint64_t first_cycle = NEVER;
    std::vector<uint64_t> last_cycles;

    void load(const uint8_t* datap, const uint8_t* lastp, size_t beats, size_t bytes) {
        // Beats that were sent make room, so that memory does not grow with a run. Not before they are half of all:
        // the rest is moved
        if (next * 2 >= last.size()) {
            data.erase(data.begin(), data.begin() + next * bytes);
            last.erase(last.begin(), last.begin() + next);
            next = 0;
        }
        data.insert(data.end(), datap, datap + beats * bytes);
        for (size_t i = 0; i < beats; ++i) last.push_back(lastp[i] != 0);
    }
    void restart() {
        data.clear();
        last.clear();
        last_cycles.clear();
        next = 0;
        valid = false;
        accepted = 0;
        first_cycle = NEVER;
        stall.restart();
    }
};

template <size_t BYTES>
struct Source final : SourceBase {
    // Before the edge: put the next beat on the pins, unless one is there already.
    // Between beats the payload is noise: nothing may look at it.
    template <class Data>
    void drive(uint64_t cycle, uint8_t& tvalid, Data& tdata, uint8_t& tlast) {
        static_assert(sizeof(Data) == storage_bytes(BYTES), "tdata has another width");
        if (valid) return;
        if (next < last.size() && cycle >= start_cycle && !stall.draw()) {
            std::memcpy(&tdata, data.data() + next * BYTES, BYTES);
            tlast = last[next];
            tvalid = 1;
            valid = true;
        } else if (tvalid) {
            idle(tvalid, tdata, tlast);
        }
    }
    template <class Data>
    void idle(uint8_t& tvalid, Data& tdata, uint8_t& tlast) {
        const uint64_t noise = stall.random.next();
        std::memset(&tdata, static_cast<int>(noise & 0xff), BYTES);
        tlast = noise >> 63;
        tvalid = 0;
    }
    // The pins have settled and the edge comes next.
    void sample(uint64_t cycle, bool tready) {
        if (!(valid && tready)) return;
        if (accepted++ == 0) first_cycle = cycle;
        if (last[next]) last_cycles.push_back(cycle);
        ++next;
        valid = false;
    }
};

struct SinkBase {
    std::vector<uint8_t> data;
    std::vector<uint8_t> last;
    Stall stall;
    uint64_t limit = NEVER;
    uint64_t accepted = 0;
    uint64_t first_cycle = NEVER;
    std::vector<uint64_t> last_cycles;
    uint64_t violations = 0;
    uint64_t first_violation = NEVER;
    bool waiting = false;  // The beat in `held` was offered in the cycle before and not taken
    bool held_last = false;

    void restart() {
        data.clear();
        last.clear();
        last_cycles.clear();
        accepted = 0;
        first_cycle = NEVER;
        violations = 0;
        first_violation = NEVER;
        waiting = false;
        stall.restart();
    }
    void violation(uint64_t cycle) {
        if (violations++ == 0) first_violation = cycle;
    }
};

template <size_t BYTES>
struct Sink final : SinkBase {
    uint8_t held[BYTES];

    void drive(uint8_t& tready) { tready = !stall.draw() && accepted < limit; }

    // The pins have settled and the edge comes next.
    template <class Data>
    void sample(uint64_t cycle, bool after_reset, bool tvalid, const Data& tdata, bool tlast, bool tready) {
        static_assert(sizeof(Data) == storage_bytes(BYTES), "tdata has another width");
        const uint8_t* const beat = reinterpret_cast<const uint8_t*>(&tdata);
        if (waiting) {
            if (!tvalid || tlast != held_last || std::memcmp(held, beat, BYTES) != 0) violation(cycle);
        } else if (after_reset && tvalid) {
            violation(cycle);
        }
        waiting = tvalid && !tready;
        if (!tvalid) return;
        if (tready) {
            if (accepted++ == 0) first_cycle = cycle;
            if (tlast) last_cycles.push_back(cycle);
            data.insert(data.end(), beat, beat + BYTES);
            last.push_back(tlast);
        } else {
            std::memcpy(held, beat, BYTES);
            held_last = tlast;
        }
    }
};

#endif
