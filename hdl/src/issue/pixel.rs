//! What a token tells of a pixel, and the pixel in the loops.

use super::loops::Level;
use crate::config::capacity::Capacity;
use crate::rtl::{lit, Body, Expr, Module, Reg};
use crate::walk::TokenWidths;

/// The fields of the token, by name.
pub(super) struct Token {
    named: Vec<(&'static str, Expr)>,
    /// Those that this layer has no use for.
    unnamed: Vec<(&'static str, Expr)>,
}

impl Token {
    /// `upper`: a weight's address is more than a block of K.
    pub fn new(
        m: &mut Module,
        (capacity, t): (&Capacity, &TokenWidths),
        token: &Expr,
        levels: &[Option<Level>],
        upper: bool,
    ) -> Self {
        // Where a frame begins matters here only to swap weights; taps only where there are several,
        // and so do weights. The data has arrived by then.
        let used = [
            ("weight", upper),
            ("need", false),
            ("frame_first", capacity.two_weight_sets),
            ("tap_rows", levels[2].is_some()),
            ("tap_cols", levels[1].is_some()),
        ];
        let unnamed = used.iter().filter(|(_, used)| !used);
        let unnamed: Vec<(&str, Expr)> = unnamed
            .map(|&(name, _)| (name, t.field(token, name)))
            .collect();
        let mut named = Vec::new();
        for &(field, width) in t.fields().iter() {
            if unnamed.iter().any(|(name, _)| *name == field) {
                continue;
            }
            let net = m.net(&format!("token_{field}"), width, "");
            m.assign(&net, &t.field(token, field));
            named.push((field, net));
        }
        Token { named, unnamed }
    }

    fn find(&self, wanted: &str) -> Option<Expr> {
        let field = self.named.iter().find(|(field, _)| *field == wanted);
        field.map(|(_, net)| net.clone())
    }

    /// A field that is used.
    pub fn field(&self, wanted: &str) -> Expr {
        self.find(wanted)
            .unwrap_or_else(|| unreachable!("no token field {wanted}"))
    }

    /// What it tells of the loops, from the innermost to the outermost: turns less one.
    pub fn turns(&self) -> [Option<Expr>; 5] {
        let names = [None, Some("tap_cols"), Some("tap_rows"), None, None];
        names.map(|name| name.and_then(|name| self.find(name)))
    }

    /// Tells the linter of the fields that are not used.
    pub fn close(self, m: &mut Module) {
        for (name, bits) in self.unnamed {
            m.unused(name, &bits);
        }
    }
}

/// What is known of the pixel that an issue belongs to.
pub(super) struct Pixel {
    pub free: Reg,
    pub frame_last: Reg,
    /// With lanes over pixels, the stretch of its row.
    pub stretch: Option<Reg>,
}

impl Pixel {
    pub fn new(m: &mut Module, whose: &str, t: &TokenWidths) -> Self {
        let mut reg = |name: &str, bits: usize, comment: &str| {
            m.data_reg(&format!("{whose}_{name}"), bits, comment)
        };
        Pixel {
            free: reg("free", t.free, "what is dead behind it, less one"),
            frame_last: reg("frame_last", 1, "last pixel of the frame"),
            stretch: t
                .lanes
                .map(|[_, bits]| reg("stretch", bits, "stretch of the row")),
        }
    }

    fn take(&self, b: &mut Body, token: &Token) {
        b.set(&self.free.d, &token.field("free"));
        b.set(&self.frame_last.d, &token.field("frame_last"));
        if let Some(stretch) = &self.stretch {
            b.set(&stretch.d, &token.field("stretch"));
        }
    }

    pub fn copy(&self, b: &mut Body, from: &Pixel) {
        b.set(&self.free.d, &from.free.q);
        b.set(&self.frame_last.d, &from.frame_last.q);
        if let (Some(stretch), Some(from)) = (&self.stretch, &from.stretch) {
            b.set(&stretch.d, &from.q);
        }
    }
}

/// The pixel in the loops.
pub(super) struct Held {
    pub at_first: Reg,
    pub acc_start: Reg,
    pub pixel: Pixel,
    pub start_grad: Reg,
    /// `None` where a block of K is a weight's whole address.
    pub start_weight: Option<Reg>,
    /// With lanes over pixels: the first tap's place in the table of taps.
    pub start_tap: Option<Reg>,
    /// Only where a frame's beginning swaps the weights.
    pub frame_first: Option<Reg>,
}

impl Held {
    /// `upper`: a weight's address is more than a block of K.
    pub fn new(m: &mut Module, capacity: &Capacity, t: &TokenWidths, upper: bool) -> Self {
        let comment = "address of the pixel's first tap";
        Held {
            at_first: m.data_reg("at_first", 1, "at the pixel's first issue"),
            acc_start: m.data_reg("acc_start", 1, "at an accumulation's first issue"),
            pixel: Pixel::new(m, "held", t),
            start_grad: m.data_reg("start_grad", t.address, comment),
            start_weight: upper.then(|| m.data_reg("start_weight", t.weight, "")),
            start_tap: t.lanes.map(|[bits, _]| m.data_reg("start_tap", bits, "")),
            frame_first: capacity
                .two_weight_sets
                .then(|| m.data_reg("held_frame_first", 1, "a frame's first pixel")),
        }
    }

    /// The loops turn; `acc_end`: from an accumulation's last issue.
    pub fn turn(&self, b: &mut Body, acc_end: &Expr) {
        b.set(&self.at_first.d, &lit(0, 1));
        b.set(&self.acc_start.d, acc_end);
    }

    /// The pixel of `token` enters.
    pub fn enter(&self, b: &mut Body, token: &Token) {
        b.set(&self.at_first.d, &lit(1, 1));
        b.set(&self.acc_start.d, &lit(1, 1));
        b.set(&self.start_grad.d, &token.field("address"));
        if let Some(start_weight) = &self.start_weight {
            b.set(&start_weight.d, &token.field("weight"));
        }
        if let Some(start_tap) = &self.start_tap {
            b.set(&start_tap.d, &token.field("tap"));
        }
        self.pixel.take(b, token);
        if let Some(frame_first) = &self.frame_first {
            b.set(&frame_first.d, &token.field("frame_first"));
        }
    }
}
