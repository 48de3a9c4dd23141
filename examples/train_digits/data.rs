//! The images and their labels.

use std::io::Read;

use anyhow::{anyhow, Context};
use flate2::read::GzDecoder;
use ndarray::{Array4, Axis};
use rand::seq::SliceRandom;
use rand::Rng;

const FILE: &[u8] = include_bytes!("../data/digits.csv.gz");
/// Height and width of an image.
const SIZE: usize = 8;
/// Pixels of the file are whole numbers from 0 to this.
pub const WHITE: f32 = 16.0;
const DIGITS: usize = 10;
const WANTED: &str = "expected the pixels of an image of 8x8 and its digit";

/// Images with the digits that they show.
pub struct Digits {
    /// (N, 1, H, W), from 0 to 1.
    pub images: Array4<f32>,
    pub labels: Vec<usize>,
}

impl Digits {
    /// All images of the file.
    pub fn read() -> anyhow::Result<Self> {
        let mut text = String::new();
        GzDecoder::new(FILE)
            .read_to_string(&mut text)
            .map_err(|reason| anyhow!("digits.csv.gz is no compressed text: {reason}"))?;
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let (image, label) = parse(line)
                .with_context(|| format!("digits.csv.gz, line {}: {WANTED}", index + 1))?;
            pixels.extend(image);
            labels.push(label);
        }
        let images = Array4::from_shape_vec((labels.len(), 1, SIZE, SIZE), pixels)?;
        Ok(Self { images, labels })
    }

    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// Some of the images.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            images: self.images.select(Axis(0), indices),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
        }
    }

    /// Two parts that have no image in common: of `count` and of `rest` images, drawn at random.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn split(&self, count: usize, rest: usize, rng: &mut impl Rng) -> (Self, Self) {
        let order = shuffled(self.count(), rng);
        let (first, others) = order.split_at(rest);
        (self.select(&others[..count]), self.select(first))
    }
}

/// The pixels and the digit of a line.
fn parse(line: &str) -> Option<(Vec<f32>, usize)> {
    let numbers: Vec<u8> = line
        .split(',')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let (&label, image) = numbers.split_last()?;
    let label = usize::from(label);
    let pixel = |&pixel| f32::from(pixel) / WHITE;
    (image.len() == SIZE * SIZE && label < DIGITS)
        .then(|| (image.iter().map(pixel).collect(), label))
}

/// 0 to `count` - 1 in random order.
pub fn shuffled(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(rng);
    order
}
