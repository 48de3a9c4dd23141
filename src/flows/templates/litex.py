"""@TOP@ as a LiteX module.

    module = @CLASS@(platform)          # its Verilog, @TOP@.v beside this file, is added to the platform
    self.submodules.engine = module
"""

from pathlib import Path

from migen import ClockSignal, Instance, ResetSignal, Signal

from litex.gen import LiteXModule
@IMPORTS@
VERILOG = Path(__file__).resolve().parent / "@TOP@.v"


class @CLASS@(LiteXModule):
    """@WHAT@, in the clock domain "sys".

@DOCS@    """

    def __init__(self, platform=None):
@INTERFACES@        if platform is not None:
            platform.add_source(str(VERILOG))
        self.specials += Instance(
            "@TOP@",
@BINDINGS@        )
@CSRS@
