// Estimates how much of the time in `run` the model itself takes, by reading a
// tick counter around both evals of one cycle in PERIOD.
#ifndef BPA_PROFILE_H_
#define BPA_PROFILE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "streams.h"

struct Profile {
    static constexpr uint64_t PERIOD = 61;  // Prime: does not lock onto the loops of a design

    using Clock = std::chrono::steady_clock;

    uint64_t countdown = 1;
    uint64_t sampled = 0;
    uint64_t eval_ticks = 0;  // In the sampled cycles
    uint64_t cycles = 0;
    uint64_t run_ticks = 0;
    double run_ns = 0;
    uint64_t read_cost = 0;  // Ticks that one reading of the counter adds to an interval

    Profile() {
        read_cost = NEVER;
        for (int i = 0; i < 256; ++i) {
            const uint64_t begin = ticks();
            read_cost = std::min(read_cost, ticks() - begin);
        }
    }
    static uint64_t ticks() {
#if defined(__x86_64__) || defined(__i386__)
        return __builtin_ia32_rdtsc();
#else
        return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
#endif
    }
    bool due() {
        if (--countdown != 0) return false;
        countdown = PERIOD;
        ++sampled;
        return true;
    }
    void add_eval(uint64_t ticks) { eval_ticks += ticks - std::min(ticks, read_cost); }
    double eval_ns() const {
        if (sampled == 0 || run_ticks == 0) return 0;
        return static_cast<double>(eval_ticks) / sampled * cycles * (run_ns / run_ticks);
    }
};

#endif
