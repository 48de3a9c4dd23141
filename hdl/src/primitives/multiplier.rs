//! The multiplier, for each family.

use crate::primitives::target::Target;
use crate::rtl::{Module, Resource};
use std::fmt::Write as _;

/// Cycles from the operands of a multiplier to its product.
pub const MULTIPLY_CYCLES: usize = 3;

/// Builds the signed multiplier: three registers deep (operands, product within, product), as the
/// multipliers of FPGAs are.
pub fn multiplier(name: &str, grad_bits: usize, weight_bits: usize, target: Target) -> Module {
    let mut m = Module::new(
        name,
        "Signed multiplier. `product` follows its operands by three cycles.",
    );
    let operands = Operands {
        grad_bits,
        weight_bits,
    };
    m.input("aclk", 1, "");
    m.input("grad", grad_bits, "signed");
    m.input("weight", weight_bits, "signed");
    m.output("product", operands.product_bits(), "signed");
    m.takes(Resource::Multiplier);
    m.primitive_body(match target {
        Target::Generic => operands.generic(),
        Target::Ice40 => operands.sb_mac16(),
        Target::Ecp5 => operands.mult18x18d(),
        Target::Gowin => operands.gowin(),
        Target::Xilinx7 => operands.dsp48e1(),
    });
    m
}

struct Operands {
    grad_bits: usize,
    weight_bits: usize,
}

impl Operands {
    fn product_bits(&self) -> usize {
        self.grad_bits + self.weight_bits
    }

    /// `name`, sign-extended to the `wide` bits of a port.
    fn extended(name: &str, bits: usize, wide: usize) -> String {
        match wide - bits {
            0 => name.to_owned(),
            copies => format!("{{{{{copies}{{{name}[{}]}}}}, {name}}}", bits - 1),
        }
    }

    /// Declares the whole output `whole` of a hard multiplier and takes the product from it.
    fn product_of(&self, wide: usize) -> String {
        format!(
            "wire [{}:0] whole;\n{}assign product = whole[{}:0];\n\n",
            wide - 1,
            self.unused_of(wide),
            self.product_bits() - 1
        )
    }

    /// Names the bits of `whole` beyond the product.
    fn unused_of(&self, wide: usize) -> String {
        let product = self.product_bits();
        match wide > product {
            true => format!(
                "wire unused_whole;\nassign unused_whole = |whole[{}:{product}];\n",
                wide - 1
            ),
            false => String::new(),
        }
    }

    fn generic(&self) -> String {
        format!(
            "\
reg signed [{g}:0] grad_q;
reg signed [{w}:0] weight_q;
reg signed [{p}:0] multiplied_q;
reg signed [{p}:0] product_q;

assign product = product_q;

always @(posedge aclk) begin
  grad_q <= grad;
  weight_q <= weight;
  multiplied_q <= grad_q * weight_q;
  product_q <= multiplied_q;
end",
            g = self.grad_bits - 1,
            w = self.weight_bits - 1,
            p = self.product_bits() - 1,
        )
    }

    fn sb_mac16(&self) -> String {
        format!(
            "\
{product}\
// Registers: operands, partial products, their sum. With Yosys: synth_ice40 without -dsp, which
// takes them away.
SB_MAC16 #(
  .A_REG(1'b1), .B_REG(1'b1), .C_REG(1'b0), .D_REG(1'b0),
  .TOP_8x8_MULT_REG(1'b1), .BOT_8x8_MULT_REG(1'b1),
  .PIPELINE_16x16_MULT_REG1(1'b1), .PIPELINE_16x16_MULT_REG2(1'b1),
  .TOPOUTPUT_SELECT(2'b11), .BOTOUTPUT_SELECT(2'b11),
  .A_SIGNED(1'b1), .B_SIGNED(1'b1), .MODE_8x8(1'b0)
) u_mac (
  .CLK(aclk), .CE(1'b1),
  .A({a}), .B({b}), .C(16'd0), .D(16'd0),
  .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0),
  .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0),
  .OLOADTOP(1'b0), .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0),
  .OHOLDTOP(1'b0), .OHOLDBOT(1'b0),
  .CI(1'b0), .ACCUMCI(1'b0), .SIGNEXTIN(1'b0),
  .O(whole), .CO(), .ACCUMCO(), .SIGNEXTOUT()
);",
            product = self.product_of(32),
            a = Self::extended("grad", self.grad_bits, 16),
            b = Self::extended("weight", self.weight_bits, 16),
        )
    }

    fn mult18x18d(&self) -> String {
        let pins = |port: &str, net: &str, bits: usize| {
            let mut text = String::new();
            for line in (0..bits).collect::<Vec<_>>().chunks(6) {
                text.push_str("\n ");
                for bit in line {
                    let _ = write!(text, " .{port}{bit}({net}[{bit}]),");
                }
            }
            text
        };
        let zeros: String = (0..18).map(|bit| format!(" .C{bit}(1'b0),")).collect();
        format!(
            "\
wire [17:0] a;
wire [17:0] b;
wire [35:0] whole;
reg [{msb}:0] product_q;
{unused}\
assign product = product_q;
assign a = {a};
assign b = {b};

always @(posedge aclk) begin
  product_q <= whole[{msb}:0];
end

// Registers: operands and output of the cell, and one in the fabric, because the cell's own clock
// to output leaves no time for an adder.
MULT18X18D #(
  .REG_INPUTA_CLK(\"CLK0\"), .REG_INPUTB_CLK(\"CLK0\"),
  .REG_OUTPUT_CLK(\"CLK0\"), .GSR(\"DISABLED\")
) u_multiplier ({a_pins}{b_pins}
 {zeros}
  .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0),
  .CE0(1'b1), .CE1(1'b1), .CE2(1'b1), .CE3(1'b1),
  .CLK0(aclk), .CLK1(1'b0), .CLK2(1'b0), .CLK3(1'b0),
  .RST0(1'b0), .RST1(1'b0), .RST2(1'b0), .RST3(1'b0),{p_pins}
);",
            msb = self.product_bits() - 1,
            unused = self.unused_of(36),
            a = Self::extended("grad", self.grad_bits, 18),
            b = Self::extended("weight", self.weight_bits, 18),
            a_pins = pins("A", "a", 18),
            b_pins = pins("B", "b", 18),
            p_pins = pins("P", "whole", 36).trim_end_matches(','),
        )
    }

    fn gowin(&self) -> String {
        let wide = if self.grad_bits.max(self.weight_bits) <= 9 {
            9
        } else {
            18
        };
        format!(
            "\
wire [{msb}:0] unused_soa;
wire [{msb}:0] unused_sob;
{product}\
// Registers: operands, pipeline, output.
MULT{wide}X{wide} #(
  .AREG(1'b1), .BREG(1'b1), .PIPE_REG(1'b1), .OUT_REG(1'b1),
  .ASIGN_REG(1'b0), .BSIGN_REG(1'b0), .SOA_REG(1'b0), .MULT_RESET_MODE(\"SYNC\")
) u_multiplier (
  .CLK(aclk), .CE(1'b1), .RESET(1'b0),
  .A({a}), .B({b}),
  .ASIGN(1'b1), .BSIGN(1'b1), .ASEL(1'b0), .BSEL(1'b0),
  .SIA({wide}'d0), .SIB({wide}'d0), .SOA(unused_soa), .SOB(unused_sob),
  .DOUT(whole)
);",
            msb = wide - 1,
            product = self.product_of(2 * wide),
            a = Self::extended("grad", self.grad_bits, wide),
            b = Self::extended("weight", self.weight_bits, wide),
        )
    }

    fn dsp48e1(&self) -> String {
        format!(
            "\
{product}\
// Registers: operands (A, B), product (M), output (P). With Yosys: synth_xilinx with -nodsp, else
// it takes adders from behind the output register to before it.
DSP48E1 #(
  .AREG(1), .ACASCREG(1), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1),
  .ADREG(0), .ALUMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0), .CREG(0), .DREG(0),
  .INMODEREG(0), .OPMODEREG(0), .USE_MULT(\"MULTIPLY\"), .USE_SIMD(\"ONE48\"),
  .USE_DPORT(\"FALSE\"), .A_INPUT(\"DIRECT\"), .B_INPUT(\"DIRECT\")
) u_dsp (
  .CLK(aclk),
  .A({a}), .B({b}), .C(48'd0), .D(25'd0),
  .CEA1(1'b0), .CEA2(1'b1), .CEB1(1'b0), .CEB2(1'b1), .CEM(1'b1), .CEP(1'b1),
  .CEAD(1'b0), .CEALUMODE(1'b0), .CEC(1'b0), .CECARRYIN(1'b0), .CECTRL(1'b0), .CED(1'b0),
  .CEINMODE(1'b0),
  .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0), .RSTP(1'b0), .RSTALLCARRYIN(1'b0),
  .RSTALUMODE(1'b0), .RSTC(1'b0), .RSTCTRL(1'b0), .RSTD(1'b0), .RSTINMODE(1'b0),
  .INMODE(5'b00000), .ALUMODE(4'b0000), .OPMODE(7'b0000101), .CARRYINSEL(3'b000),
  .CARRYIN(1'b0), .ACIN(30'd0), .BCIN(18'd0), .PCIN(48'd0),
  .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
  .P(whole)
);",
            product = self.product_of(48),
            a = Self::extended("weight", self.weight_bits, 30),
            b = Self::extended("grad", self.grad_bits, 18),
        )
    }
}
