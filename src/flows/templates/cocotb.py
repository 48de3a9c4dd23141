"""Tests of @TOP@ in cocotb, with cocotbext-axi on the streams: a model of the bus that somebody else wrote.

    pip install 'cocotb>=2' cocotbext-axi
    python3 @TOP@_cocotb.py              # in Icarus
    SIM=verilator python3 @TOP@_cocotb.py

The beats that are sent and expected are in the .hex files beside this one.
"""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

HERE = Path(__file__).resolve().parent
TOP = "@TOP@"

# Streams: name, file and beats of a packet.
INPUTS = [
@INPUTS@]
RESULT = @RESULT@


def packets(file, beats):
    """The packets of a stream, each a list of beats."""
    lines = (HERE / file).read_text().splitlines()
    values = [int(line, 16) for line in lines if line and not line.startswith("//")]
    return [values[at : at + beats] for at in range(0, len(values), beats)]


def pauses(share, seed):
    """In which cycles a stream pauses: about this share of them."""
    draw = random.Random(seed)
    while True:
        yield draw.random() < share


async def check(dut, paused_inputs, paused_result, seed):
    """Sends everything and compares the frames that come back."""
    cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
    dut.aresetn.value = 0
@SEED@    # A beat is one item, for the streams have no tkeep.
    def end(kind, name):
        bus = AxiStreamBus.from_prefix(dut, name)
        return kind(bus, dut.aclk, dut.aresetn, reset_active_level=False, byte_lanes=1)

    sources = {name: end(AxiStreamSource, name) for name, _, _ in INPUTS}
    sink = end(AxiStreamSink, RESULT[0])
    for index, source in enumerate(sources.values()):
        if paused_inputs:
            source.set_pause_generator(pauses(paused_inputs, 8 * seed + index))
    if paused_result:
        sink.set_pause_generator(pauses(paused_result, 8 * seed + 7))
    await ClockCycles(dut.aclk, 5)
    dut.aresetn.value = 1

    for name, file, beats in INPUTS:
        for packet in packets(file, beats):
            sources[name].send_nowait(AxiStreamFrame(packet))
    for index, expected in enumerate(packets(RESULT[1], RESULT[2])):
        frame = await with_timeout(sink.recv(), 1, "sec")
        found = list(frame.tdata)
        assert len(found) == len(expected), f"frame {index}: {len(found)} beats, not {len(expected)}"
        for beat, (value, wanted) in enumerate(zip(found, expected)):
            assert value == wanted, f"frame {index}, beat {beat}: {value:#x}, not {wanted:#x}"
    await ClockCycles(dut.aclk, 512)
    assert sink.empty(), "more results than expected"
    assert int(dut.busy.value) == 0
    assert int(dut.error.value) == 0 and int(dut.error_cause.value) == 0
@SATURATIONS@

@cocotb.test()
async def without_stalls(dut):
    await check(dut, 0, 0, 1)


@cocotb.test()
async def with_stalls(dut):
    await check(dut, 0.3, 0.5, 2)


@cocotb.test()
async def slow_reader(dut):
    await check(dut, 0, 0.9, 3)


if __name__ == "__main__":
    runner = get_runner(os.environ.get("SIM", "icarus"))
    runner.build(
        sources=[HERE / f"{TOP}.v"],
        hdl_toplevel=TOP,
        build_dir=HERE / f"{TOP}_sim",
        timescale=("1ns", "1ps"),
        always=True,
    )
    tests, failed = get_results(runner.test(hdl_toplevel=TOP, test_module=f"{TOP}_cocotb", test_dir=HERE))
    print(f"{'FAIL' if failed else 'PASS'}: {tests - failed} of {tests} tests")
    raise SystemExit(failed > 0)
