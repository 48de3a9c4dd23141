"""Elaborates the LiteX module of an engine inside of a bench in Migen and simulates both in Icarus.

    python3 litex_sim.py FOLDER NAME

FOLDER holds what `gen-verilog --litex --testbench` wrote. The bench sends the beats of the .hex files from memories and
compares the results, all of it in hardware; the module's status registers are elaborated with it.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path

from migen import ClockDomain, If, Memory, Module, Signal

from litex.gen.fhdl.verilog import convert
from litex.soc.interconnect import csr_bus

TOP = """`timescale 1ns / 1ps
module top;
  reg clk = 0, rst = 1;
  wire done, wrong;
  integer cycle = 0;
  always #5 clk = ~clk;
  always @(posedge clk) begin
    cycle <= cycle + 1;
    rst <= cycle < 4;
    if (wrong || cycle == 1000000) begin $display("FAIL in cycle %0d", cycle); $finish; end
    if (done) begin $display("PASS: %0d cycles", cycle); $finish; end
  end
  bench bench (.sys_clk(clk), .sys_rst(rst), .done(done), .wrong(wrong));
endmodule
"""


class Bench(Module):
    """An engine of a layer, its vectors in memories around it."""

    def __init__(self, folder, name, engine, streams):
        self.clock_domains.cd_sys = ClockDomain("sys")
        self.done = Signal(name="done")
        self.wrong = Signal(name="wrong")
        self.submodules.engine = engine
        engine.add_csrs()
        self.submodules.csrs = csr_bus.CSRBankArray(self, lambda name, memory: 0)
        for stream in streams:
            lines = (folder / f"{name}_{stream['name']}.hex").read_text().splitlines()
            beats = [int(line, 16) for line in lines if not line.startswith("//")]
            array = stream["name"].split("_axis_")[1]
            endpoint, last = getattr(engine, array), stream["beats_per_packet"]
            memory = Memory(stream["beat"]["tdata_bits"], len(beats), init=beats)
            port = memory.get_port(async_read=True)
            self.specials += memory, port
            index, place = Signal(max=len(beats) + 1), Signal(max=last + 1)
            moves = Signal()
            self.comb += port.adr.eq(index), moves.eq(endpoint.valid & endpoint.ready)
            self.sync += If(
                moves,
                index.eq(index + 1),
                If(place == last - 1, place.eq(0)).Else(place.eq(place + 1)),
            )
            if stream["direction"] == "input":
                self.comb += [
                    endpoint.valid.eq(index < len(beats)),
                    endpoint.data.eq(port.dat_r),
                    endpoint.last.eq(place == last - 1),
                ]
            else:
                value, tlast = endpoint.data != port.dat_r, endpoint.last != (place == last - 1)
                self.comb += endpoint.ready.eq(1)
                self.sync += If(moves & (value | tlast), self.wrong.eq(1))
                self.comb += self.done.eq((index == len(beats)) & ~engine.busy)


def main():
    folder, name = Path(sys.argv[1]).resolve(), sys.argv[2]
    sys.path.insert(0, str(folder))
    module = importlib.import_module(f"{name}_litex")
    kind = next(it for it in vars(module).values() if isinstance(it, type) and it.__module__ == module.__name__)
    streams = json.loads((folder / f"{name}.json").read_text())["streams"]
    bench = Bench(folder, name, kind(), streams)
    folder = folder / f"{name}_litex"
    folder.mkdir(exist_ok=True)
    text = convert(bench, {bench.cd_sys.clk, bench.cd_sys.rst, bench.done, bench.wrong}, name="bench")
    text.write(str(folder / "bench.v"))
    (folder / "top.v").write_text(TOP)
    sources = ["top.v", "bench.v", str(module.VERILOG)]
    subprocess.run(["iverilog", "-g2005", "-o", "run.vvp", "-s", "top", *sources], cwd=folder, check=True)
    said = subprocess.run(["vvp", "-n", "run.vvp"], cwd=folder, check=True, capture_output=True, text=True).stdout
    print(said.strip())
    raise SystemExit("PASS" not in said)


if __name__ == "__main__":
    main()
