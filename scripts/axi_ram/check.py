"""A job from memory to memory in cocotb, over cocotbext-axi's AxiRam and AxiLiteMaster: models of the buses that somebody
else wrote. scripts/axi-ram.sh runs it; FOLDER (the environment's BPA_MEMORY_VECTORS) has the engine and its vectors.
"""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

FOLDER = Path(os.environ["BPA_MEMORY_VECTORS"])
COMMAND, EVENT, BUS_ERROR = 0x40, 0x48, 0x58
JOB_DONE = 1


def pauses(share, seed):
    """In which cycles a channel pauses: about this share of them."""
    draw = random.Random(seed)
    while True:
        yield draw.random() < share


async def check(dut, paused):
    """Tells the job, waits for its event, and compares all of the memory."""
    before = (FOLDER / "before.bin").read_bytes()
    after = (FOLDER / "after.bin").read_bytes()
    words = json.loads((FOLDER / "words.json").read_text())
    cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
    dut.aresetn.value = 0
    reset = dict(reset=dut.aresetn, reset_active_level=False)
    ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.aclk, **reset, size=len(before))
    bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset)
    ram.write(0, before)
    if paused:
        channels = [
            ram.read_if.ar_channel,
            ram.read_if.r_channel,
            ram.write_if.aw_channel,
            ram.write_if.w_channel,
            ram.write_if.b_channel,
        ]
        for seed, channel in enumerate(channels):
            channel.set_pause_generator(pauses(paused, seed))
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, 4)
    for offset, value in words:
        await bus.write_dword(offset, value)
    await bus.write_dword(COMMAND, 1)
    begin = cocotb.utils.get_sim_time("ns")
    while not await bus.read_dword(EVENT) & JOB_DONE:
        assert cocotb.utils.get_sim_time("ns") - begin < 1_000_000, "the job does not end"
    cycles = (cocotb.utils.get_sim_time("ns") - begin) / 10
    assert await bus.read_dword(BUS_ERROR) == 0
    found = ram.read(0, len(after))
    wrong = [at for at in range(len(after)) if found[at] != after[at]]
    assert not wrong, f"{len(wrong)} bytes are wrong, the first at {wrong[0]:#x}"
    changed = sum(a != b for a, b in zip(before, after))
    dut._log.info(f"AxiRam: {len(after)} bytes as they should be, {changed} changed, in {cycles:.0f} cycles")


@cocotb.test()
async def prompt(dut):
    await check(dut, 0)


@cocotb.test()
async def with_pauses(dut):
    await check(dut, 0.5)


if __name__ == "__main__":
    runner = get_runner("icarus")
    runner.build(
        sources=[FOLDER / "told.v"],
        hdl_toplevel="told",
        build_dir=FOLDER / "sim",
        timescale=("1ns", "1ps"),
        always=True,
    )
    tests, failed = get_results(runner.test(hdl_toplevel="told", test_module="check", test_dir=FOLDER))
    print(f"{'FAIL' if failed else 'PASS'}: {tests - failed} of {tests} tests")
    raise SystemExit(failed > 0)
