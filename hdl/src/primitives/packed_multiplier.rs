//! Two multiplications in one multiplier: one operand against two others, a gradient against the weights of two lanes or a
//! weight against the gradients of two pixels.
//!
//! With k = the bits of a product, the operand is `high * 2^k + low`, so that the multiplier gives
//! `high * shared * 2^k + low * shared`. Where `low * shared` is negative it borrows one from the product
//! above it. Half of 2^k is therefore added to the whole: it lifts every `low * shared` to 0 and more,
//! below 2^k, and nothing is borrowed. Of the lower product that flips the sign bit alone. Both
//! products are exact for all operands.

use crate::primitives::target::Target;
use crate::rtl::{Module, Resource};

/// Bits of the wide operand of the multiplier that this is made for, the 25 x 18 of a `DSP48E1`.
const WIDE_BITS: usize = 25;
/// Bits of its other operand.
const NARROW_BITS: usize = 18;

/// Most bits of the shared operand and the two others together: the wide operand holds the upper one above
/// the bits of a product, and one bit more for the borrow of a negative lower one.
pub const PACKED_BITS: usize = WIDE_BITS - 1;

/// Whether two products of operands of these bits fit one multiplier; they have the `shared` one in common.
pub fn packs(shared_bits: usize, own_bits: usize) -> bool {
    shared_bits + 2 * own_bits <= PACKED_BITS && shared_bits <= NARROW_BITS
}

/// What two products have in common, and what each has of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// A gradient, with the weights of two lanes.
    Grad,
    /// A weight, with the gradients of two pixels.
    Weight,
}

impl Sharing {
    /// Names of the shared operand and of the two others.
    fn names(self) -> [&'static str; 2] {
        match self {
            Sharing::Grad => ["grad", "weight"],
            Sharing::Weight => ["weight", "grad"],
        }
    }

    /// The inputs: the shared operand, the lower and the upper of the others.
    pub fn ports(self) -> [&'static str; 3] {
        match self {
            Sharing::Grad => ["grad", "weight_low", "weight_high"],
            Sharing::Weight => ["weight", "grad_low", "grad_high"],
        }
    }

    /// Bits of the shared operand and of each of the others.
    pub fn bits(self, grad_bits: usize, weight_bits: usize) -> [usize; 2] {
        match self {
            Sharing::Grad => [grad_bits, weight_bits],
            Sharing::Weight => [weight_bits, grad_bits],
        }
    }
}

const DOC: &str = "\
Two signed products from one multiplier. They follow their operands by three cycles.

The multiplier's wide operand is OWN_high * 2^k + OWN_low, k being the bits of a product.
Half of 2^k is added to the result, so that no negative lower product borrows from the upper one;
this inverts the lower product's sign bit.";

/// Builds the multiplier of one operand with two others, in as many cycles as
/// [`multiplier`](crate::primitives::multiplier::multiplier), for operands that it [`packs`].
/// Families whose multipliers are narrower get the body that is left to inference.
pub fn packed_multiplier(
    name: &str,
    sharing: Sharing,
    [shared_bits, own_bits]: [usize; 2],
    target: Target,
) -> Module {
    let [shared, own] = sharing.names();
    let mut m = Module::new(name, DOC.replace("OWN", own));
    let operands = Operands {
        shared,
        own,
        shared_bits,
        own_bits,
    };
    m.input("aclk", 1, "");
    m.input(shared, shared_bits, "signed");
    m.input(&format!("{own}_low"), own_bits, "signed");
    m.input(&format!("{own}_high"), own_bits, "signed");
    m.output("product_low", operands.product_bits(), "signed");
    m.output("product_high", operands.product_bits(), "signed");
    m.takes(Resource::Multiplier);
    m.primitive_body(match target {
        Target::Xilinx7 => operands.dsp48e1(),
        Target::Generic | Target::Ice40 | Target::Ecp5 | Target::Gowin => operands.generic(),
    });
    m
}

struct Operands {
    /// Names of the shared operand and of the two others.
    shared: &'static str,
    own: &'static str,
    shared_bits: usize,
    own_bits: usize,
}

impl Operands {
    fn product_bits(&self) -> usize {
        self.shared_bits + self.own_bits
    }

    /// The lower operand with its sign up to `wide` bits.
    fn low(&self, wide: usize) -> String {
        let (own, w) = (self.own, self.own_bits);
        format!("{{{{{}{{{own}_low[{}]}}}}, {own}_low}}", wide - w, w - 1)
    }

    /// The upper operand times 2^k with its sign up to `wide` bits.
    fn high(&self, wide: usize) -> String {
        let (own, w, k) = (self.own, self.own_bits, self.product_bits());
        format!(
            "{{{{{}{{{own}_high[{}]}}}}, {own}_high, {k}'d0}}",
            wide - w - k,
            w - 1
        )
    }

    /// Both products from the net `whole`.
    fn products_of(&self, whole: &str) -> String {
        let k = self.product_bits();
        format!(
            "assign product_low = {{~{whole}[{}], {whole}[{}:0]}};\nassign product_high = {whole}[{}:{k}];\n",
            k - 1,
            k - 2,
            2 * k - 1
        )
    }

    fn generic(&self) -> String {
        let k = self.product_bits();
        let wide = k + self.own_bits + 1;
        format!(
            "\
localparam signed [{w}:0] HALF = {both}'sd{half};
reg signed [{g}:0] {shared}_q;
reg signed [{p}:0] {own}s_q;
reg signed [{w}:0] multiplied_q;
reg signed [{w}:0] lifted_q;
wire signed [{p}:0] low;
wire signed [{p}:0] high;

{products}\
assign low = {low};
assign high = {high};

always @(posedge aclk) begin
  {shared}_q <= {shared};
  {own}s_q <= high + low;
  multiplied_q <= {shared}_q * {own}s_q;
  lifted_q <= multiplied_q + HALF;
end",
            shared = self.shared,
            own = self.own,
            w = 2 * k - 1,
            both = 2 * k,
            half = 1_u64 << (k - 1),
            g = self.shared_bits - 1,
            p = wide - 1,
            products = self.products_of("lifted_q"),
            high = self.high(wide),
            low = self.low(wide),
        )
    }

    fn dsp48e1(&self) -> String {
        let (shared, k) = (self.shared, self.product_bits());
        format!(
            "\
wire [47:0] whole;
wire unused_whole;
assign unused_whole = |whole[47:{above}];
{products}
// Registers: the sum of the {own}s behind the pre-adder (AD) and the {shared} (B), product (M),
// output (P). The pre-adder adds D and A, the adder behind the product C, which is half of 2^k.
DSP48E1 #(
  .AREG(0), .ACASCREG(0), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1),
  .ADREG(1), .ALUMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0), .CREG(0), .DREG(0),
  .INMODEREG(0), .OPMODEREG(0), .USE_MULT(\"MULTIPLY\"), .USE_SIMD(\"ONE48\"),
  .USE_DPORT(\"TRUE\"), .A_INPUT(\"DIRECT\"), .B_INPUT(\"DIRECT\")
) u_dsp (
  .CLK(aclk),
  .A({a}), .D({d}),
  .B({b}), .C(48'd{half}),
  .CEA1(1'b0), .CEA2(1'b0), .CEB1(1'b0), .CEB2(1'b1), .CEM(1'b1), .CEP(1'b1),
  .CEAD(1'b1), .CEALUMODE(1'b0), .CEC(1'b0), .CECARRYIN(1'b0), .CECTRL(1'b0), .CED(1'b0),
  .CEINMODE(1'b0),
  .RSTA(1'b0), .RSTB(1'b0), .RSTM(1'b0), .RSTP(1'b0), .RSTALLCARRYIN(1'b0),
  .RSTALUMODE(1'b0), .RSTC(1'b0), .RSTCTRL(1'b0), .RSTD(1'b0), .RSTINMODE(1'b0),
  .INMODE(5'b00100), .ALUMODE(4'b0000), .OPMODE(7'b0110101), .CARRYINSEL(3'b000),
  .CARRYIN(1'b0), .ACIN(30'd0), .BCIN(18'd0), .PCIN(48'd0),
  .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
  .P(whole)
);",
            own = self.own,
            above = 2 * k,
            products = self.products_of("whole"),
            a = self.low(30),
            d = self.high(WIDE_BITS),
            b = format_args!(
                "{{{{{}{{{shared}[{}]}}}}, {shared}}}",
                NARROW_BITS - self.shared_bits,
                self.shared_bits - 1
            ),
            half = 1_u64 << (k - 1),
        )
    }
}
