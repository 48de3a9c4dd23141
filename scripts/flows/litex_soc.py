"""Elaborates the LiteX module of a programmable engine inside of a SoC without a processor, registers on its bus.

    python3 litex_soc.py FOLDER NAME
"""

import importlib
import sys
from pathlib import Path

from litex.build.generic_platform import Pins
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import axi


class Platform(SimPlatform):
    """Nothing but a clock."""

    def __init__(self):
        super().__init__("SIM", [("sys_clk", 0, Pins(1)), ("sys_rst", 0, Pins(1))])


def main():
    folder, name = Path(sys.argv[1]).resolve(), sys.argv[2]
    sys.path.insert(0, str(folder))
    module = importlib.import_module(f"{name}_litex")
    kind = next(it for it in vars(module).values() if isinstance(it, type) and it.__module__ == module.__name__)
    platform = Platform()
    soc = SoCMini(platform, clk_freq=100_000_000, with_timer=False, bus_standard="axi-lite")
    soc.submodules.crg = CRG(platform.request("sys_clk"), platform.request("sys_rst"))
    engine = kind(platform)
    soc.submodules.engine = engine
    size = 1 << len(engine.bus.aw.addr)
    if hasattr(engine, "memory"):
        # The bus of this SoC has words of 32 bits.
        narrow = axi.AXIInterface(data_width=32, address_width=32, id_width=engine.memory.id_width)
        soc.submodules.converter = axi.AXIConverter(engine.memory, narrow)
        lite = axi.AXILiteInterface(data_width=32, address_width=32)
        soc.submodules.to_lite = axi.AXI2AXILite(narrow, lite)
        soc.bus.add_master("engine", lite)
    soc.bus.add_slave("engine", engine.bus, SoCRegion(origin=0x3000_0000, size=size, cached=False))
    soc.finalize()
    verilog = str(platform.get_verilog(soc))
    results = "m_axi_wdata" if hasattr(engine, "memory") else "m_axis_result_tdata"
    for wire in ("s_axi_awaddr", results, f"{name} {name}"):
        assert wire in verilog, f"{wire} is not in the SoC"
    print("PASS: elaborated, the registers at", hex(soc.bus.regions["engine"].origin))


if __name__ == "__main__":
    main()
