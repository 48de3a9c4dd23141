//! Expressions that know their width.

use rust_hdl_core::ast::{VerilogExpression, VerilogLiteral, VerilogOp, VerilogOpUnary};
use std::ops::{Add, BitAnd, BitOr, BitXor, Not, Sub};

/// An unsigned bit vector of known width. Operands of one operator always have one width, so that
/// the printed Verilog never extends or truncates silently; a mismatch is a bug in a block and
/// panics when the block is built.
#[derive(Clone, Debug)]
pub struct Expr {
    pub(super) ast: VerilogExpression,
    pub(super) width: usize,
}

/// The constant `value`, `width` bits wide.
pub fn lit(value: u64, width: usize) -> Expr {
    assert!(width >= 1, "a constant needs at least one bit");
    assert!(
        width >= 64 || value >> width == 0,
        "the constant {value} does not fit {width} bits"
    );
    let literal = VerilogExpression::Literal(VerilogLiteral::from(value));
    Expr {
        // rust-hdl's literals come in machine widths only; the cast carries the real one.
        ast: VerilogExpression::Cast(Box::new(literal), width),
        width,
    }
}

/// A constant whose bits are all high: minus one, where it is added.
pub fn ones(width: usize) -> Expr {
    assert!((1..=64).contains(&width), "{width} bits of ones");
    lit(u64::MAX >> (64 - width), width)
}

impl Expr {
    pub(super) fn signal(name: &str, width: usize) -> Self {
        Expr {
            ast: VerilogExpression::Signal(name.to_owned()),
            width,
        }
    }

    /// Width in bits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The name, where this is a plain signal.
    pub(super) fn name(&self) -> &str {
        match &self.ast {
            VerilogExpression::Signal(name) => name,
            other => panic!("expected a signal, found {other:?}"),
        }
    }

    fn operand(&self) -> Box<VerilogExpression> {
        Box::new(match &self.ast {
            VerilogExpression::Binary(..) => VerilogExpression::Paren(Box::new(self.ast.clone())),
            other => other.clone(),
        })
    }

    /// As the left operand of `op`: a chain of one operator, or of sums, needs no parentheses.
    fn left_of(&self, op: &VerilogOp) -> Box<VerilogExpression> {
        use VerilogOp::{Add, BitAnd, BitOr, BitXor, Sub};
        match (&self.ast, op) {
            (VerilogExpression::Binary(_, BitAnd, _), BitAnd)
            | (VerilogExpression::Binary(_, BitOr, _), BitOr)
            | (VerilogExpression::Binary(_, BitXor, _), BitXor)
            | (VerilogExpression::Binary(_, Add | Sub, _), Add | Sub) => Box::new(self.ast.clone()),
            _ => self.operand(),
        }
    }

    fn binary(&self, op: VerilogOp, right: &Expr, width: usize) -> Expr {
        assert_eq!(
            self.width, right.width,
            "operands of different widths: {:?} {op:?} {:?}",
            self.ast, right.ast
        );
        Expr {
            ast: VerilogExpression::Binary(self.left_of(&op), op, right.operand()),
            width,
        }
    }

    /// `self == right`, one bit.
    pub fn eq(&self, right: &Expr) -> Expr {
        self.binary(VerilogOp::Eq, right, 1)
    }

    /// `self != right`, one bit.
    pub fn ne(&self, right: &Expr) -> Expr {
        self.binary(VerilogOp::Ne, right, 1)
    }

    /// `self >= right` as unsigned numbers, one bit.
    pub fn ge(&self, right: &Expr) -> Expr {
        self.binary(VerilogOp::Ge, right, 1)
    }

    /// `self >= least` for a least of two to four, by its bits: a comparison would be a chain of carries.
    pub fn at_least(&self, least: u64) -> Expr {
        let above = |low: usize| match self.width > low {
            true => self.slice(low, self.width - low).any(),
            false => lit(0, 1),
        };
        match least {
            2 => above(1),
            3 if self.width > 1 => above(2) | (self.bit(1) & self.bit(0)),
            3 => lit(0, 1),
            4 => above(2),
            _ => unreachable!("from two to four"),
        }
    }

    /// `self == 0`, one bit.
    pub fn is_zero(&self) -> Expr {
        if self.width == 1 {
            !self
        } else {
            self.eq(&lit(0, self.width))
        }
    }

    /// `self != 0`, one bit.
    pub fn non_zero(&self) -> Expr {
        if self.width == 1 {
            self.clone()
        } else {
            self.ne(&lit(0, self.width))
        }
    }

    /// `self + value`, same width.
    pub fn plus(&self, value: u64) -> Expr {
        self + &lit(value, self.width)
    }

    /// `self - value`, same width.
    pub fn minus(&self, value: u64) -> Expr {
        self - &lit(value, self.width)
    }

    /// Bits `low` to `low + width - 1` of a signal.
    pub fn slice(&self, low: usize, width: usize) -> Expr {
        assert!(
            low + width <= self.width,
            "slice {low}+:{width} of {:?}",
            self.ast
        );
        if low == 0 && width == self.width {
            return self.clone();
        }
        self.name();
        let ast = if width == 1 {
            VerilogExpression::Index(Box::new(self.ast.clone()), Box::new(offset(low)))
        } else {
            VerilogExpression::Slice(Box::new(self.ast.clone()), width, Box::new(offset(low)))
        };
        Expr { ast, width }
    }

    /// Bit `index` of a signal.
    pub fn bit(&self, index: usize) -> Expr {
        self.slice(index, 1)
    }

    /// The most significant bit of a signal.
    pub fn msb(&self) -> Expr {
        self.bit(self.width - 1)
    }

    /// Zero-extended to `width`. A constant just gets the width.
    pub fn zext(&self, width: usize) -> Expr {
        match &self.ast {
            VerilogExpression::Cast(value, _)
                if matches!(**value, VerilogExpression::Literal(_)) =>
            {
                self.extended(width, (**value).clone())
            }
            _ => self.extended(width, self.sized()),
        }
    }

    /// Sign-extended to `width`; a signal or a slice of one.
    pub fn sext(&self, width: usize) -> Expr {
        self.extended(width, VerilogExpression::Signed(Box::new(self.sized())))
    }

    /// The tree of `self` under a cast to its own width, which tells the printer that width.
    fn sized(&self) -> VerilogExpression {
        VerilogExpression::Cast(Box::new(self.ast.clone()), self.width)
    }

    fn extended(&self, width: usize, inner: VerilogExpression) -> Expr {
        assert!(width >= self.width, "{:?} to {width} bits", self.ast);
        if width == self.width {
            return self.clone();
        }
        Expr {
            ast: VerilogExpression::Cast(Box::new(inner), width),
            width,
        }
    }

    /// Every bit of `self` where the one-bit `enable` is high, else zero: repeats `enable`.
    pub fn gated(&self, enable: &Expr) -> Expr {
        assert_eq!(enable.width, 1);
        self & &enable.sext(self.width)
    }

    /// The OR of all bits.
    pub fn any(&self) -> Expr {
        Expr {
            ast: VerilogExpression::Unary(VerilogOpUnary::Any, self.operand()),
            width: 1,
        }
    }
}

pub(super) fn offset(value: usize) -> VerilogExpression {
    VerilogExpression::Literal(VerilogLiteral::from(value))
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr) => {
        impl $trait<&Expr> for &Expr {
            type Output = Expr;
            fn $method(self, right: &Expr) -> Expr {
                self.binary($op, right, self.width)
            }
        }
        impl $trait<Expr> for &Expr {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                self.binary($op, &right, self.width)
            }
        }
        impl $trait<&Expr> for Expr {
            type Output = Expr;
            fn $method(self, right: &Expr) -> Expr {
                self.binary($op, right, self.width)
            }
        }
        impl $trait<Expr> for Expr {
            type Output = Expr;
            fn $method(self, right: Expr) -> Expr {
                self.binary($op, &right, self.width)
            }
        }
    };
}

operator!(Add, add, VerilogOp::Add);
operator!(Sub, sub, VerilogOp::Sub);
operator!(BitAnd, bitand, VerilogOp::BitAnd);
operator!(BitOr, bitor, VerilogOp::BitOr);
operator!(BitXor, bitxor, VerilogOp::BitXor);

impl Not for &Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        Expr {
            ast: VerilogExpression::Unary(VerilogOpUnary::Not, self.operand()),
            width: self.width,
        }
    }
}

impl Not for Expr {
    type Output = Expr;
    fn not(self) -> Expr {
        !&self
    }
}
