//! Layers to explain.

use std::path::Path;

use bpa_engine::layer::{Axis, Layer, LayerFile, PerItem};
use bpa_engine::reference::Term;
use proptest::prelude::*;

/// A layer of one channel: for both axes in_size, kernel, stride, dilation and padding before and behind.
pub fn layer_of(rows: [i64; 6], cols: [i64; 6]) -> Option<Layer> {
    let mut file = LayerFile::default();
    let geometry = &mut file.layer;
    let pair = |index: usize| PerItem([rows[index], cols[index]]);
    geometry.in_channels = Some(1);
    geometry.out_channels = Some(1);
    geometry.in_size = Some(pair(0));
    geometry.kernel = Some(pair(1));
    geometry.stride = pair(2);
    geometry.dilation = pair(3);
    geometry.padding = PerItem([rows[4], rows[5], cols[4], cols[5]]);
    file.validate().ok()
}

/// Padding is often above the kernel's span, and the stride above the kernel.
pub fn layer(most: i64) -> impl Strategy<Value = Layer> {
    let axis = move || [1..=most, 1..=4_i64, 1..=4, 1..=3, 0..=7, 0..=7];
    let axes = (axis(), axis());
    axes.prop_filter_map("the kernel fits", |(rows, cols)| layer_of(rows, cols))
}

pub fn example(name: &str) -> Layer {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let file = LayerFile::read(&path.join(name).with_extension("toml"));
    file.unwrap().validate().unwrap()
}

/// The terms of a pixel by the forward equation alone, sorted: every output is asked what it reads through every tap.
pub fn terms_of(layer: &Layer, h: u32, w: u32) -> Vec<Term> {
    let pairs = |axis: Axis, position: u32| {
        let reads = move |out: u32, tap: u32| {
            i64::from(out) * i64::from(axis.stride) + i64::from(tap) * i64::from(axis.dilation)
                - i64::from(axis.pad_before)
        };
        (0..axis.out_size)
            .flat_map(move |out| (0..axis.kernel).map(move |tap| (out, tap)))
            .filter(move |&(out, tap)| reads(out, tap) == i64::from(position))
    };
    let mut terms: Vec<Term> = pairs(layer.rows(), h)
        .flat_map(|(p, r)| pairs(layer.cols(), w).map(move |(q, s)| Term { p, q, r, s }))
        .collect();
    terms.sort();
    terms
}

pub fn pixels(layer: &Layer) -> impl Iterator<Item = (u32, u32)> {
    let (rows, cols) = (layer.rows().in_size, layer.cols().in_size);
    (0..rows).flat_map(move |h| (0..cols).map(move |w| (h, w)))
}
