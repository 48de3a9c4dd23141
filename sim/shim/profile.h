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
    static constexpr size_t OUTLIER = 6;  // Powers of two above most: something else had the processor

    using Clock = std::chrono::steady_clock;

    uint64_t countdown = 1;
    uint64_t sampled = 0;  // Cycles
    uint64_t cycles = 0;
    uint64_t run_ticks = 0;
    double run_ns = 0;
    uint64_t read_cost = 0;  // Ticks that one reading of the counter adds to an interval

    // The sampled intervals, by the power of two below their ticks.
    static constexpr size_t CLASSES = 64;
    uint64_t intervals[CLASSES] = {};
    uint64_t interval_ticks[CLASSES] = {};

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
    void add_eval(uint64_t ticks) {
        ticks -= std::min(ticks, read_cost);
        const size_t power = 63 - __builtin_clzll(ticks | 1);
        ++intervals[power];
        interval_ticks[power] += ticks;
    }
    // A process that had to wait for the processor within one interval would look as if it had
    // waited in PERIOD of them. So intervals far longer than three quarters of all count as mean
    // ones: of the two evals of a cycle one may be much shorter, and half would be too few.
    double eval_ns() const {
        uint64_t all = 0;
        for (const uint64_t count : intervals) all += count;
        if (all == 0 || run_ticks == 0) return 0;
        uint64_t below = 0;
        size_t most = 0;
        while ((below += intervals[most]) * 4 < all * 3) ++most;
        uint64_t kept = 0;
        uint64_t kept_ticks = 0;
        for (size_t power = 0; power < std::min(most + OUTLIER, CLASSES); ++power) {
            kept += intervals[power];
            kept_ticks += interval_ticks[power];
        }
        const double mean = static_cast<double>(kept_ticks) / kept;
        return mean * all / sampled * cycles * (run_ns / run_ticks);
    }
};

#endif
