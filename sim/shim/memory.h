// A memory behind an AXI4 master of the model, with a monitor of the master's manners. Words of one ID come in the order
// of their bursts; where it is told to reorder, those of different IDs come in any order.
#ifndef BPA_MEMORY_H_
#define BPA_MEMORY_H_

#include "streams.h"

#include <deque>

struct MemoryBase {
    static constexpr size_t IDS = 16;
    struct Burst {
        uint64_t address = 0;
        uint64_t words = 0;
        uint64_t due = 0;  // Not answered before this cycle
        uint64_t number = 0;
    };
    std::vector<uint8_t> bytes;  // From address 0 on; all else answers by an error
    uint64_t bad_from = 0;  // These answer by an error, too
    uint64_t bad_until = 0;
    uint64_t latency = 1;
    bool reorder = false;
    Stall stalls[5];  // ar, r, aw, w, b
    uint64_t words_read = 0;
    uint64_t words_written = 0;
    uint64_t violations = 0;
    uint64_t first_violation = NEVER;

    std::deque<Burst> reads[IDS];
    std::deque<Burst> writes;
    std::deque<Burst> answers;
    uint64_t bursts = 0;
    bool write_is_bad = false;
    uint64_t written_words = 0;  // Of the oldest of `writes`

    void stall(uint64_t new_threshold, uint64_t seed) {
        for (Stall& each : stalls) {
            each.threshold = new_threshold;
            each.seed = ++seed;
            each.restart();
        }
    }
    bool is_bad(uint64_t address, size_t size) const {
        return address + size > bytes.size() || (address + size > bad_from && address < bad_until);
    }
    void violation(uint64_t cycle) {
        if (violations++ == 0) first_violation = cycle;
    }
    void restart_requests() {
        for (auto& each : reads) each.clear();
        writes.clear();
        answers.clear();
        written_words = 0;
        write_is_bad = false;
        for (Stall& each : stalls) each.restart();
    }
};

// What a master offers and does not see taken has to stay.
template <size_t BYTES>
struct Held {
    uint8_t bytes[BYTES];
    bool waiting = false;

    bool kept(bool valid, bool ready, const uint8_t* nowp) {
        const bool good = !waiting || (valid && std::memcmp(bytes, nowp, BYTES) == 0);
        waiting = valid && !ready;
        if (waiting) std::memcpy(bytes, nowp, BYTES);
        return good;
    }
};

template <size_t BYTES>
struct Memory final : MemoryBase {
    struct Word {
        uint8_t data[BYTES];
        uint64_t strobe;
        bool last;
    };
    std::deque<Word> words;
    Held<16> held_ar, held_aw;
    Held<BYTES + 16> held_w;
    bool reading = false;  // A word is on the pins
    size_t reading_id = 0;
    bool answering = false;

    void restart() {
        restart_requests();
        words.clear();
        held_ar.waiting = held_aw.waiting = held_w.waiting = false;
        reading = answering = false;
    }

    template <class Top>
    void quiet(Top& top) {
        restart();
        top.m_axi_arready = top.m_axi_awready = top.m_axi_wready = 0;
        top.m_axi_rvalid = top.m_axi_bvalid = 0;
    }

    // The ID whose oldest burst is answered next, or IDS.
    size_t chosen(uint64_t cycle) {
        size_t best = IDS;
        const size_t first = reorder ? stalls[1].random.next() % IDS : 0;
        for (size_t i = 0; i < IDS; ++i) {
            const size_t id = (first + i) % IDS;
            if (reads[id].empty() || reads[id].front().due > cycle) continue;
            if (reorder) return id;
            if (best == IDS || reads[id].front().number < reads[best].front().number) best = id;
        }
        return best;
    }

    // Before the edge: what the memory offers, and whether it takes.
    template <class Top>
    void drive(uint64_t cycle, Top& top) {
        top.m_axi_arready = !stalls[0].draw();
        top.m_axi_awready = !stalls[2].draw();
        top.m_axi_wready = !stalls[3].draw();
        if (!reading) {
            const size_t id = stalls[1].draw() ? IDS : chosen(cycle);
            reading = id != IDS;
            top.m_axi_rvalid = reading;
            if (reading) {
                reading_id = id;
                const Burst& burst = reads[id].front();
                const bool bad = is_bad(burst.address, BYTES);
                std::memset(&top.m_axi_rdata, 0xa5, BYTES);
                if (!bad) std::memcpy(&top.m_axi_rdata, bytes.data() + burst.address, BYTES);
                top.m_axi_rid = id;
                top.m_axi_rresp = bad ? 2 : 0;
                top.m_axi_rlast = burst.words == 1;
            }
        }
        if (!answering) {
            answering = !answers.empty() && answers.front().due <= cycle && !stalls[4].draw();
            top.m_axi_bvalid = answering;
            top.m_axi_bid = 0;
            if (answering) top.m_axi_bresp = answers.front().words ? 2 : 0;
        }
    }

    // The rules of a burst.
    template <class Address>
    void burst(uint64_t cycle, Address address, unsigned len, unsigned size, unsigned type) {
        const uint64_t last = uint64_t{address} + (len + 1) * BYTES - 1;
        if ((address ^ last) >> 12 || address % BYTES || (1u << size) != BYTES || type != 1) violation(cycle);
    }

    // The pins have settled and the edge comes next.
    template <class Top>
    void sample(uint64_t cycle, bool after_reset, Top& top) {
        if (after_reset && (top.m_axi_arvalid || top.m_axi_awvalid || top.m_axi_wvalid)) violation(cycle);
        uint8_t now[BYTES + 16] = {};
        const auto request = [&](auto address, uint8_t len, uint8_t id) {
            std::memcpy(now, &address, sizeof(address));
            now[8] = len;
            now[9] = id;
        };
        request(top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arid);
        if (!held_ar.kept(top.m_axi_arvalid, top.m_axi_arready, now)) violation(cycle);
        request(top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awid);
        if (!held_aw.kept(top.m_axi_awvalid, top.m_axi_awready, now)) violation(cycle);
        const uint64_t strobe = top.m_axi_wstrb;
        std::memcpy(now, &top.m_axi_wdata, BYTES);
        std::memcpy(now + BYTES, &strobe, sizeof(strobe));
        now[BYTES + 8] = top.m_axi_wlast;
        if (!held_w.kept(top.m_axi_wvalid, top.m_axi_wready, now)) violation(cycle);

        if (reading && top.m_axi_rready) {
            Burst& burst = reads[reading_id].front();
            burst.address += BYTES;
            if (--burst.words == 0) reads[reading_id].pop_front();
            ++words_read;
            reading = false;
        }
        if (top.m_axi_arvalid && top.m_axi_arready) {
            burst(cycle, top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst);
            reads[top.m_axi_arid].push_back({top.m_axi_araddr, top.m_axi_arlen + 1u, cycle + latency, bursts++});
        }
        if (answering && top.m_axi_bready) {
            answers.pop_front();
            answering = false;
        }
        if (top.m_axi_awvalid && top.m_axi_awready) {
            burst(cycle, top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst);
            writes.push_back({top.m_axi_awaddr, top.m_axi_awlen + 1u, 0, bursts++});
        }
        if (top.m_axi_wvalid && top.m_axi_wready) {
            Word word;
            std::memcpy(word.data, &top.m_axi_wdata, BYTES);
            word.strobe = strobe;
            word.last = top.m_axi_wlast;
            words.push_back(word);
        }
        while (!writes.empty() && !words.empty()) write(cycle);
    }

    void write(uint64_t cycle) {
        Burst& burst = writes.front();
        const Word& word = words.front();
        const uint64_t at = burst.address + written_words * BYTES;
        const bool bad = is_bad(at, BYTES);
        write_is_bad |= bad;
        for (size_t byte = 0; byte < BYTES && !bad; ++byte) {
            if (word.strobe >> byte & 1) bytes[at + byte] = word.data[byte];
        }
        ++words_written;
        ++written_words;
        const bool last = written_words == burst.words;
        if (word.last != last) violation(cycle);
        words.pop_front();
        if (!last) return;
        // In `words`, whether it is an error
        answers.push_back({burst.address, write_is_bad, cycle + latency, burst.number});
        writes.pop_front();
        written_words = 0;
        write_is_bad = false;
    }
};

#endif
