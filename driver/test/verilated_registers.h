// The registers of a Verilated engine, by AXI4-Lite. `Its` has the model `top` and a function `tick` for a cycle.
#ifndef VERILATED_REGISTERS_H_
#define VERILATED_REGISTERS_H_

#include <cstdint>

template <class Its>
struct Registers {
    // For a bpa_bus whose context is an `Its`: 0, or 1 for SLVERR, or below 0 where there was no answer.
    static int read_register(void *context, uint32_t offset, uint32_t *value) {
        return static_cast<Its *>(context)->read(offset, value);
    }

    static int write_register(void *context, uint32_t offset, uint32_t value) {
        return static_cast<Its *>(context)->write(offset, value);
    }

private:
    // Cycles of an access that the engine does not answer.
    static constexpr int PATIENCE = 1000;

    Its &its() { return static_cast<Its &>(*this); }
    auto &top() { return its().top; }
    void cycle() { its().tick(); }

    int read(uint32_t offset, uint32_t *value) {
        top().s_axi_araddr = offset;
        top().s_axi_arvalid = 1;
        if (!handshake(top().s_axi_arready)) return -1;
        top().s_axi_arvalid = 0;
        top().s_axi_rready = 1;
        for (int left = PATIENCE; left; left--) {
            top().eval();
            if (top().s_axi_rvalid) {
                *value = top().s_axi_rdata;
                int refused = top().s_axi_rresp != 0;
                cycle();
                top().s_axi_rready = 0;
                return refused;
            }
            cycle();
        }
        return -1;
    }

    int write(uint32_t offset, uint32_t value) {
        top().s_axi_awaddr = offset;
        top().s_axi_wdata = value;
        top().s_axi_wstrb = 15;
        top().s_axi_awvalid = 1;
        if (!handshake(top().s_axi_awready)) return -1;
        top().s_axi_awvalid = 0;
        top().s_axi_wvalid = 1;
        if (!handshake(top().s_axi_wready)) return -1;
        top().s_axi_wvalid = 0;
        top().s_axi_bready = 1;
        for (int left = PATIENCE; left; left--) {
            top().eval();
            if (top().s_axi_bvalid) {
                int refused = top().s_axi_bresp != 0;
                cycle();
                top().s_axi_bready = 0;
                return refused;
            }
            cycle();
        }
        return -1;
    }

    template <class Ready>
    bool handshake(const Ready &ready) {
        for (int left = PATIENCE; left; left--) {
            top().eval();
            bool taken = ready;
            cycle();
            if (taken) return true;
        }
        return false;
    }
};

#endif
