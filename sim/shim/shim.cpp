// The bridge's side of the model: an instance with its stream drivers, and the
// extern "C" functions through which it is used. "bpa_ports.h" is generated and
// names the model's class (Top), its streams, its pins and the watched pins.

#include "bpa_ports.h"
#include "streams.h"
#include "memory.h"
#include "profile.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif
#if VM_COVERAGE
#include "verilated_cov.h"
#endif

#include <memory>
#include <mutex>

// No exception may reach the other side: `noexcept` ends the process instead.
#define BPA_API extern "C" __attribute__((visibility("default")))

namespace {

// Verilator draws the random initial values from generators that are shared by
// all contexts of a thread and reseeded when any thread seeds one. One instance
// at a time is made, so that equal seeds give equal values.
std::mutex s_create_mutex;

struct Watch {
    uint64_t cycles_high = 0;
    uint64_t first = NEVER;
    uint64_t latest = NEVER;
    uint64_t before = 0;
    uint64_t digest = 0;
    void sample(uint64_t cycle, uint64_t value) {
        if (value != before) {
            before = value;
            digest = (digest ^ value ^ (cycle << 32)) * 0x9e3779b97f4a7c15;
            digest ^= digest >> 29;
        }
        if (value == 0) return;
        if (cycles_high++ == 0) first = cycle;
        latest = cycle;
    }
};

#if VM_TRACE
// Writes the cycles of a window. Cycle n begins at time 10 n, where the clock rises, and everything changes there.
struct Tracer {
    VerilatedFstC file;
    uint64_t from = 0;
    uint64_t until = 0;

    bool covers(uint64_t cycle) const { return file.isOpen() && cycle >= from && cycle < until; }
    // The state behind the last edge ends the file.
    void close(uint64_t cycle) {
        if (!file.isOpen()) return;
        if (cycle > from) file.dump(10 * cycle);
        file.close();
    }
};
#endif

struct Instance {
    std::unique_ptr<VerilatedContext> contextp;
    std::unique_ptr<Top> topp;
#if VM_TRACE
    std::unique_ptr<Tracer> tracerp;
#endif
    uint64_t cycle = 0;
    bool was_reset = false;
    bool profiling = false;
    Profile profile;

#define X(index, name, bytes) Source<bytes> source##index;
    BPA_SOURCES(X)
#undef X
#define X(index, name, bytes) Sink<bytes> sink##index;
    BPA_SINKS(X)
#undef X
#define X(index, name) Watch watch##index;
    BPA_WATCHED(X)
#undef X
#define X(bytes) Memory<bytes> memory;
    BPA_MEMORY(X)
#undef X

    explicit Instance(int seed) {
        const std::lock_guard<std::mutex> lock{s_create_mutex};
        contextp.reset(new VerilatedContext);
        contextp->threads(1);
        // A bit that a seed sets at power-up has not changed in a run.
        contextp->randReset(VM_COVERAGE ? 0 : 2);
        contextp->randSeed(seed);
#if VM_TRACE
        contextp->traceEverOn(true);
#endif
        Verilated::threadContextp(contextp.get());
        // The generator starts with two equal halves: let it mix
        for (int i = 0; i < 64; ++i) (void)vl_rand64();
        topp.reset(new Top{contextp.get(), "TOP"});
        topp->aclk = 0;
        topp->aresetn = 1;
#define X(index, name, bytes) quiet_source(source##index, topp->name##_tvalid, topp->name##_tdata, topp->name##_tlast);
        BPA_SOURCES(X)
#undef X
#define X(index, name, bytes) topp->name##_tready = 0; sink##index.restart();
        BPA_SINKS(X)
#undef X
#define X(bytes) memory.quiet(*topp);
        BPA_MEMORY(X)
#undef X
#define X(index, name, bits) topp->name = 0;
        BPA_PINS_IN(X)
#undef X
        topp->eval();
    }
    ~Instance() {
        Verilated::threadContextp(contextp.get());
        trace_end();
        topp->final();
        topp.reset();
    }

    template <class S, class Data>
    static void quiet_source(S& source, uint8_t& tvalid, Data& tdata, uint8_t& tlast) {
        source.restart();
        source.idle(tvalid, tdata, tlast);
    }

    // Whether the file could be opened.
    bool trace(const char* pathp, uint64_t from, uint64_t until) {
#if VM_TRACE
        Verilated::threadContextp(contextp.get());
        trace_end();
        tracerp.reset(new Tracer);
        topp->trace(&tracerp->file, 99);
        tracerp->file.set_time_unit("100ps");
        tracerp->file.set_time_resolution("100ps");
        tracerp->from = from;
        tracerp->until = until;
        tracerp->file.open(pathp);
        return tracerp->file.isOpen();
#else
        (void)pathp;
        (void)from;
        (void)until;
        return false;
#endif
    }
    void trace_end() {
#if VM_TRACE
        if (tracerp) tracerp->close(cycle);
#endif
    }

    void reset(uint64_t cycles) {
        Verilated::threadContextp(contextp.get());
        trace_end();
        Top& top = *topp;
#define X(index, name, bytes) quiet_source(source##index, top.name##_tvalid, top.name##_tdata, top.name##_tlast);
        BPA_SOURCES(X)
#undef X
#define X(index, name, bytes) top.name##_tready = 0; sink##index.restart();
        BPA_SINKS(X)
#undef X
#define X(index, name) watch##index = Watch{};
        BPA_WATCHED(X)
#undef X
#define X(bytes) memory.quiet(top);
        BPA_MEMORY(X)
#undef X
        top.aresetn = 0;
        for (uint64_t i = 0; i < cycles; ++i) {
            top.aclk = 0;
            top.eval();
            top.aclk = 1;
            top.eval();
        }
        top.aresetn = 1;  // Seen by the model with the next falling edge
        cycle = 0;
#if VM_COVERAGE
        // Constants come to their values before.
        if (!was_reset) contextp->coveragep()->zero();
#endif
        was_reset = true;
    }

    // Two evals a cycle: the first with the clock low lets the outputs settle that
    // depend on inputs without a register between, the second is the rising edge.
    // Both are needed in any case, since the model has to see the clock fall.
    // Whether a beat moves is known before the edge, so it is recorded there.
    template <bool PROFILING>
    uint64_t run(uint64_t max_cycles, uint64_t stop_beats) {
        Verilated::threadContextp(contextp.get());
        Top& top = *topp;
        uint64_t done = 0;
        while (done < max_cycles && first_accepted() < stop_beats) {
            const bool timed = PROFILING && profile.due();
            const bool after_reset = cycle == 0 && was_reset;
#define X(index, name, bytes) source##index.drive(cycle, top.name##_tvalid, top.name##_tdata, top.name##_tlast);
            BPA_SOURCES(X)
#undef X
#define X(index, name, bytes) sink##index.drive(top.name##_tready);
            BPA_SINKS(X)
#undef X
#define X(bytes) memory.drive(cycle, top);
            BPA_MEMORY(X)
#undef X
#if VM_TRACE
            // The clock is high as yet: inputs change where it rose, as registers do
            const bool traced = tracerp && tracerp->covers(cycle);
            if (traced) {
                top.eval();
                tracerp->file.dump(10 * cycle);
            }
#endif
            top.aclk = 0;
            eval<PROFILING>(top, timed);
#if VM_TRACE
            if (traced) tracerp->file.dump(10 * cycle + 5);
#endif
#define X(index, name, bytes) source##index.sample(cycle, top.name##_tready);
            BPA_SOURCES(X)
#undef X
#define X(index, name, bytes) \
    sink##index.sample(cycle, after_reset, top.name##_tvalid, top.name##_tdata, top.name##_tlast, top.name##_tready);
            BPA_SINKS(X)
#undef X
#define X(bytes) memory.sample(cycle, after_reset, top);
            BPA_MEMORY(X)
#undef X
#define X(index, name) watch##index.sample(cycle, top.name);
            BPA_WATCHED(X)
#undef X
            top.aclk = 1;
            eval<PROFILING>(top, timed);
            ++cycle;
            ++done;
#if VM_TRACE
            if (traced && cycle == tracerp->until) trace_end();
#endif
        }
        return done;
    }
    template <bool PROFILING>
    void eval(Top& top, bool timed) {
        if (PROFILING && timed) {
            const uint64_t begin = Profile::ticks();
            top.eval();
            profile.add_eval(Profile::ticks() - begin);
        } else {
            top.eval();
        }
    }

    // Beats of the first sink; none where there is no sink.
    uint64_t first_accepted() const {
#define X(index, name, bytes) if (index == 0) return sink##index.accepted;
        BPA_SINKS(X)
#undef X
        return 0;
    }
    // The caller checks that there is one.
    MemoryBase& memory_base() {
#define X(bytes) return memory;
        BPA_MEMORY(X)
#undef X
        __builtin_unreachable();
    }
    SourceBase& source(size_t wanted) {
        switch (wanted) {
#define X(index, name, bytes) case index: return source##index;
            BPA_SOURCES(X)
#undef X
        }
        __builtin_unreachable();  // The caller checks the index
    }
    size_t source_bytes(size_t wanted) {
        switch (wanted) {
#define X(index, name, bytes) case index: return bytes;
            BPA_SOURCES(X)
#undef X
        }
        __builtin_unreachable();
    }
    SinkBase& sink(size_t wanted) {
        switch (wanted) {
#define X(index, name, bytes) case index: return sink##index;
            BPA_SINKS(X)
#undef X
        }
        __builtin_unreachable();
    }
    Watch& watch(size_t wanted) {
        switch (wanted) {
#define X(index, name) case index: return watch##index;
            BPA_WATCHED(X)
#undef X
        }
        __builtin_unreachable();
    }
};

// The same layout as `Bytes` and `Words` on the other side.
struct Bytes {
    const uint8_t* datap;
    size_t len;
};
struct Words {
    const uint64_t* datap;
    size_t len;
};

Instance& self(void* handlep) { return *static_cast<Instance*>(handlep); }

}  // namespace

BPA_API void* bpa_create(int seed) noexcept { return new Instance{seed}; }
BPA_API void bpa_destroy(void* handlep) noexcept { delete static_cast<Instance*>(handlep); }
BPA_API void bpa_reset(void* handlep, uint64_t cycles) noexcept { self(handlep).reset(cycles); }
BPA_API bool bpa_trace(void* handlep, const char* pathp, uint64_t from, uint64_t until) noexcept {
    return self(handlep).trace(pathp, from, until);
}
BPA_API void bpa_trace_end(void* handlep) noexcept {
    Verilated::threadContextp(self(handlep).contextp.get());
    self(handlep).trace_end();
}
BPA_API void bpa_coverage(void* handlep, const char* pathp) noexcept {
#if VM_COVERAGE
    // Instances of a module have counts of their own.
    self(handlep).contextp->coveragep()->forcePerInstance(true);
    self(handlep).contextp->coveragep()->write(pathp);
#else
    (void)handlep;
    (void)pathp;
#endif
}
BPA_API uint64_t bpa_cycle(void* handlep) noexcept { return self(handlep).cycle; }

BPA_API uint64_t bpa_run(void* handlep, uint64_t max_cycles, uint64_t stop_beats) noexcept {
    Instance& instance = self(handlep);
    if (!instance.profiling) return instance.run<false>(max_cycles, stop_beats);
    Profile& profile = instance.profile;
    const auto begin = Profile::Clock::now();
    const uint64_t begin_ticks = Profile::ticks();
    const uint64_t done = instance.run<true>(max_cycles, stop_beats);
    profile.run_ticks += Profile::ticks() - begin_ticks;
    profile.run_ns += std::chrono::duration<double, std::nano>(Profile::Clock::now() - begin).count();
    profile.cycles += done;
    return done;
}

BPA_API void bpa_profile(void* handlep, bool on) noexcept {
    self(handlep).profiling = on;
    if (on) self(handlep).profile = Profile{};
}
BPA_API void bpa_profile_read(void* handlep, uint64_t* cyclesp, double* eval_nsp, double* run_nsp) noexcept {
    const Profile& profile = self(handlep).profile;
    *cyclesp = profile.cycles;
    *eval_nsp = profile.eval_ns();
    *run_nsp = profile.run_ns;
}

BPA_API void bpa_source_load(void* handlep, size_t index, const uint8_t* datap, const uint8_t* lastp, size_t beats) noexcept {
    self(handlep).source(index).load(datap, lastp, beats, self(handlep).source_bytes(index));
}
BPA_API void bpa_source_stall(void* handlep, size_t index, uint64_t threshold, uint64_t seed) noexcept {
    Stall& stall = self(handlep).source(index).stall;
    stall.threshold = threshold;
    stall.seed = seed;
    stall.restart();
}
BPA_API void bpa_source_start(void* handlep, size_t index, uint64_t cycle) noexcept {
    self(handlep).source(index).start_cycle = cycle;
}
BPA_API uint64_t bpa_source_accepted(void* handlep, size_t index) noexcept { return self(handlep).source(index).accepted; }
BPA_API uint64_t bpa_source_first(void* handlep, size_t index) noexcept { return self(handlep).source(index).first_cycle; }
BPA_API Words bpa_source_lasts(void* handlep, size_t index) noexcept {
    const auto& cycles = self(handlep).source(index).last_cycles;
    return {cycles.data(), cycles.size()};
}

BPA_API void bpa_sink_stall(void* handlep, size_t index, uint64_t threshold, uint64_t seed) noexcept {
    Stall& stall = self(handlep).sink(index).stall;
    stall.threshold = threshold;
    stall.seed = seed;
    stall.restart();
}
BPA_API void bpa_sink_limit(void* handlep, size_t index, uint64_t limit) noexcept { self(handlep).sink(index).limit = limit; }
BPA_API uint64_t bpa_sink_accepted(void* handlep, size_t index) noexcept { return self(handlep).sink(index).accepted; }
BPA_API uint64_t bpa_sink_first(void* handlep, size_t index) noexcept { return self(handlep).sink(index).first_cycle; }
BPA_API Words bpa_sink_lasts(void* handlep, size_t index) noexcept {
    const auto& cycles = self(handlep).sink(index).last_cycles;
    return {cycles.data(), cycles.size()};
}
BPA_API Bytes bpa_sink_data(void* handlep, size_t index) noexcept {
    const auto& data = self(handlep).sink(index).data;
    return {data.data(), data.size()};
}
BPA_API Bytes bpa_sink_flags(void* handlep, size_t index) noexcept {
    const auto& last = self(handlep).sink(index).last;
    return {last.data(), last.size()};
}
BPA_API void bpa_sink_forget(void* handlep, size_t index) noexcept {
    self(handlep).sink(index).data.clear();
    self(handlep).sink(index).last.clear();
}
BPA_API uint64_t bpa_sink_violations(void* handlep, size_t index, uint64_t* firstp) noexcept {
    const SinkBase& sink = self(handlep).sink(index);
    *firstp = sink.first_violation;
    return sink.violations;
}

BPA_API uint64_t bpa_watch(void* handlep, size_t index, uint64_t* firstp, uint64_t* latestp, uint64_t* digestp) noexcept {
    const Watch& watch = self(handlep).watch(index);
    *firstp = watch.first;
    *latestp = watch.latest;
    *digestp = watch.digest;
    return watch.cycles_high;
}

BPA_API void bpa_memory_resize(void* handlep, size_t bytes) noexcept { self(handlep).memory_base().bytes.resize(bytes); }
BPA_API uint8_t* bpa_memory_bytes(void* handlep, size_t* lenp) noexcept {
    auto& bytes = self(handlep).memory_base().bytes;
    *lenp = bytes.size();
    return bytes.data();
}
BPA_API void bpa_memory_manners(void* handlep, uint64_t latency, uint64_t threshold, uint64_t seed, bool reorder) noexcept {
    MemoryBase& memory = self(handlep).memory_base();
    memory.latency = latency;
    memory.reorder = reorder;
    memory.stall(threshold, seed);
}
BPA_API void bpa_memory_bad(void* handlep, uint64_t from, uint64_t until) noexcept {
    self(handlep).memory_base().bad_from = from;
    self(handlep).memory_base().bad_until = until;
}
BPA_API void bpa_memory_moved(void* handlep, uint64_t* readp, uint64_t* writtenp) noexcept {
    *readp = self(handlep).memory_base().words_read;
    *writtenp = self(handlep).memory_base().words_written;
}
BPA_API uint64_t bpa_memory_violations(void* handlep, uint64_t* firstp) noexcept {
    *firstp = self(handlep).memory_base().first_violation;
    return self(handlep).memory_base().violations;
}

BPA_API uint64_t bpa_peek(void* handlep, size_t pin) noexcept {
    Top& top = *self(handlep).topp;
    switch (pin) {
#define X(index, name, bits) case index: return top.name;
        BPA_PINS_IN(X)
        BPA_PINS_OUT(X)
#undef X
    }
    (void)top;
    __builtin_unreachable();
}
BPA_API void bpa_poke(void* handlep, size_t pin, uint64_t value) noexcept {
    Top& top = *self(handlep).topp;
    switch (pin) {
#define X(index, name, bits) case index: top.name = value & (~uint64_t{0} >> (64 - bits)); return;
        BPA_PINS_IN(X)
#undef X
    }
    (void)top;
    (void)value;
    __builtin_unreachable();
}
