//! The core's lanes over pixels: their banks, and rows in their order and back.

use super::{Bindings, Core, LineNets, LinePlace};
use crate::config::inputs::Config;
use crate::config::pixels::{PixelHull, Pixels};
use crate::pixels::{
    banked_line_buffer, inside_row, order_fifo, row_order, BankRows, Direction, Rows, ToldRowOrder,
    READ_BEHIND_CYCLES,
};
use crate::rtl::{ones, Expr};
use crate::streams::result_port::CLOSES;

impl Core<'_> {
    /// The line buffer in banks. What is dead is told when the last of its reads has reached them.
    pub(super) fn banks(
        &mut self,
        name: &str,
        pixels: &Pixels,
        (line, place): (&LineNets, &LinePlace),
        config: &mut Config,
    ) {
        let rows = match pixels {
            Pixels::BuiltIn(pixels) => BankRows::Exactly(pixels),
            Pixels::Told(hull) => BankRows::Told(hull, config),
        };
        let bits = self.lanes.grad_word_bits() / self.lanes.pixels;
        let m = &mut self.m;
        let mut free = place.free_less_1.clone();
        for cycle in 0..READ_BEHIND_CYCLES {
            let name = format!("free_late{cycle}");
            let late = m.reg_from(&name, ones(free.width()), "as late as the read");
            m.comb(|b| b.set(&late.d, &free));
            free = late.q;
        }
        m.assign(&line.free_less_1, &free);
        m.instance(
            "u_line_buffer",
            banked_line_buffer(name, self.capacity, rows, bits, self.target),
            vec![
                ("write", line.write.clone()),
                ("write_address", line.write_address.clone()),
                ("write_data", line.write_data.clone()),
                ("read_address", line.address.clone()),
                ("tap", place.tap.clone()),
                ("stretch", place.stretch.clone()),
                ("lanes", line.word.clone()),
            ],
        );
    }

    /// The values of what moves in the order of the lanes, those beyond a row's end zero. Where rows are put in order, the
    /// stream ends there, and `bindings` become those of the port behind.
    pub(super) fn moving_in_order(
        &mut self,
        values: Expr,
        bindings: &mut Bindings,
        line: &LineNets,
        (frames, config): (Bindings, &mut Config),
    ) -> Expr {
        let (name, capacity) = (self.name, self.capacity);
        let rows = match &capacity.pixels {
            Some(Pixels::BuiltIn(pixels)) if pixels.moving.differs() => {
                let counts = [capacity.rows.size, capacity.pixel_words];
                Some(Rows::Exactly(&pixels.moving, counts))
            }
            Some(Pixels::Told(hull)) => Some(self.told_rows(hull, config)),
            Some(Pixels::BuiltIn(_)) | None => None,
        };
        let lanes = self.lanes.pixels;
        let bits = self.lanes.grad_word_bits() / lanes;
        let find = |bindings: &Bindings, wanted: &str| {
            let found = bindings.iter().find(|(port, _)| *port == wanted);
            found.map_or_else(
                || unreachable!("no pin {wanted}"),
                |(_, value)| value.clone(),
            )
        };
        let m = &mut self.m;
        if let Some(rows) = rows {
            let net = |m: &mut crate::rtl::Module, name: &str, width: usize| m.net(name, width, "");
            let valid = net(m, "ordered_tvalid", 1);
            let ready = net(m, "ordered_tready", 1);
            let last = net(m, "ordered_tlast", 1);
            let data = net(m, "ordered_tdata", lanes * bits);
            // Of that the stream's own count is made here; the words behind are always in order.
            let mut to_port: Bindings = vec![
                ("tvalid", valid.clone()),
                ("tready", ready.clone()),
                ("tlast", last.clone()),
            ];
            for pin in ["tlast_early", "tlast_missing", "tlast_late", "frame_begin"] {
                let unused = net(m, &format!("ordered_{pin}"), 1);
                m.unused(&format!("ordered_{pin}"), &unused);
                to_port.push((pin, unused));
            }
            let from_stream = [
                ("in_tvalid", "tvalid"),
                ("in_tready", "tready"),
                ("in_tlast", "tlast"),
                ("tlast_early", "tlast_early"),
                ("tlast_missing", "tlast_missing"),
                ("tlast_late", "tlast_late"),
            ];
            let mut pins: Bindings = from_stream
                .into_iter()
                .map(|(port, pin)| (port, find(bindings, pin)))
                .collect();
            pins.extend([
                ("in_tdata", values),
                ("frame_begin", line.frame_begin.clone()),
                ("out_tvalid", valid),
                ("out_tready", ready),
                ("out_tdata", data.clone()),
                ("out_tlast", last),
            ]);
            pins.extend(frames);
            let block = row_order(
                &format!("{name}_moving_order"),
                rows,
                Direction::ToWords,
                (bits, false),
                &["beats", "memory"].map(|part| format!("{name}_moving_order_{part}")),
                self.target,
            );
            m.instance("u_moving_order", block, pins);
            *bindings = to_port;
            return data;
        }
        let Some(Pixels::BuiltIn(pixels)) = &capacity.pixels else {
            return values;
        };
        let [valid, ready] = ["tvalid", "tready"].map(|pin| find(bindings, pin));
        inside_row(
            m,
            (name, "moving"),
            (&values, &(valid & ready)),
            &pixels.moving,
            capacity.pixel_words,
        )
    }

    /// Rows of every layer that the engine can be told.
    fn told_rows<'c>(&self, hull: &'c PixelHull, config: &'c mut Config) -> Rows<'c> {
        Rows::Told(ToldRowOrder {
            hull,
            // There are jobs where the layer is told.
            frames: self.capacity.frames.unwrap_or(1),
            entry_bits: self.capacity.entry_bits(),
            config,
        })
    }

    /// How rows of the result are put in order, where they have to be.
    fn result_order<'c>(&'c self, config: &'c mut Config) -> Option<Rows<'c>> {
        let capacity = self.capacity;
        match capacity.pixels.as_ref()? {
            Pixels::BuiltIn(pixels) => {
                let blocks = capacity.c_blocks * capacity.group_blocks;
                let order = &pixels.result;
                let rows = Rows::Exactly(order, [pixels.result_rows, blocks]);
                order.differs().then_some(rows)
            }
            Pixels::Told(hull) => Some(self.told_rows(hull, config)),
        }
    }

    /// Places the block behind the output FIFO, ahead of `out_stream`, where there is one; gives what the FIFO's stream is
    /// bound to.
    pub(super) fn result_in_order(
        &mut self,
        out_stream: Bindings,
        closes: Option<&Expr>,
        bits: usize,
        config: &mut Config,
    ) -> Bindings {
        let Some(rows) = self.result_order(config) else {
            return out_stream;
        };
        let block = row_order(
            &format!("{}_result_order", self.name),
            rows,
            Direction::ToBeats,
            (bits / self.lanes.pixels, true),
            &order_fifo(self.name, self.capacity),
            self.target,
        );
        let ends_jobs = out_stream.iter().any(|(pin, _)| *pin == CLOSES);
        let m = &mut self.m;
        let [valid, ready, last, done] = ["tvalid", "tready", "tlast", "frame_done"]
            .map(|pin| m.net(&format!("words_{pin}"), 1, ""));
        let data = m.net("words_tdata", bits, "results as the lanes give them");
        m.unused("words_tlast", &last);
        m.unused("words_frame_done", &done);
        let mut pins: Bindings = vec![
            ("in_tvalid", valid.clone()),
            ("in_tready", ready.clone()),
            ("in_tdata", data.clone()),
        ];
        pins.extend(out_stream.into_iter().map(|(pin, value)| match pin {
            "tvalid" => ("out_tvalid", value),
            "tready" => ("out_tready", value),
            "tdata" => ("out_tdata", value),
            "tlast" => ("out_tlast", value),
            pin => (pin, value),
        }));
        let closes = closes.map(|closes| (CLOSES, closes.clone()));
        if !ends_jobs {
            pins.extend(closes.clone());
        }
        let pins = self.of_job(pins);
        self.m.instance("u_result_order", block, pins);
        let mut words = vec![
            ("tvalid", valid),
            ("tready", ready),
            ("tdata", data),
            ("tlast", last),
            ("frame_done", done),
        ];
        words.extend(closes.filter(|_| ends_jobs));
        words
    }
}
