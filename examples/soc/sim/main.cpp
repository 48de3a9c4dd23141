// Runs the system until its program has ended, and prints what comes over the UART:
//
//     soc [CYCLES]
//
// Ends with 0 if the program found all as it should be.
#include <cstdio>
#include <cstdlib>

#include "Vsoc.h"
#include "verilated.h"

namespace {

// Cycles of a bit, as the model was made.
constexpr int BIT = 8;
constexpr unsigned ENDED = 0x80, GOOD = 0x01;

// Takes bytes from the line.
class Uart {
public:
    void look(bool line) {
        if (left == 0) {
            // A start bit; the middle of the first data bit is one and a half from here.
            if (!line) {
                left = 9;
                wait = BIT + BIT / 2;
            }
            return;
        }
        if (--wait) return;
        wait = BIT;
        if (--left) {
            byte = byte >> 1 | (line ? 0x80 : 0);
        } else {
            std::putchar(byte);
            std::fflush(stdout);
        }
    }

private:
    int left = 0, wait = 0;
    unsigned byte = 0;
};

}  // namespace

int main(int count, char **words) {
    VerilatedContext context;
    Vsoc top{&context};
    Uart uart;
    uint64_t most = count > 1 ? std::strtoull(words[1], nullptr, 10) : UINT64_MAX, cycle;
    bool is_silent = false;
    for (cycle = 0; cycle < most && !is_silent; cycle++) {
        top.resetn = cycle >= 8;
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        uart.look(top.uart_tx);
        if (top.trap) {
            std::printf("the processor has trapped\n");
            return 1;
        }
        is_silent = top.leds & ENDED;
    }
    std::printf("%llu cycles since reset\n", static_cast<unsigned long long>(cycle));
    return is_silent && (top.leds & GOOD) ? 0 : 1;
}
