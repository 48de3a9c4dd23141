//! Grey images: read from PGM, written as PNG, enlarged and reduced, compared.

use std::io::{Read, Write};

use anyhow::{ensure, Context};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use ndarray::{concatenate, s, Array2, Axis};

/// Grey levels from 0 to 255, by rows and columns.
pub type Image = Array2<f64>;

/// Reads a binary PGM of 8 bits, whose header is its first line.
pub fn read_pgm(mut from: impl Read) -> anyhow::Result<Image> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let (header, pixels) = bytes.split_at(end.context("no header")?);
    let words: Vec<&str> = std::str::from_utf8(header)?.split(' ').collect();
    let ["P5", width, height, "255"] = words[..] else {
        anyhow::bail!("not a PGM of 8 bits: {words:?}");
    };
    let shape = (height.parse()?, width.parse()?);
    let pixels = pixels[1..].iter().map(|&level| level.into()).collect();
    Array2::from_shape_vec(shape, pixels).context("not as many pixels as the header says")
}

/// The image as a PNG of 8 bits, its levels rounded and cut to the range.
pub fn png(image: &Image) -> std::io::Result<Vec<u8>> {
    let (height, width) = image.dim();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = |size: usize| (size as u32).to_be_bytes();
    // Bits of a sample, grey, and the only methods that there are.
    let header = [&size(width)[..], &size(height), &[8, 0, 0, 0, 0]].concat();
    chunk(&mut file, b"IHDR", &header);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in image.rows() {
        // No filter.
        packed.write_all(&[0])?;
        let levels: Vec<u8> = row.iter().map(|&level| shown(level) as u8).collect();
        packed.write_all(&levels)?;
    }
    chunk(&mut file, b"IDAT", &packed.finish()?);
    chunk(&mut file, b"IEND", &[]);
    Ok(file)
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

/// The level that a pixel of 8 bits has.
fn shown(level: f64) -> f64 {
    level.round().clamp(0.0, 255.0)
}

/// As pixels of 8 bits.
pub fn rounded(image: &Image) -> Image {
    image.mapv(shown)
}

/// The same image in so many rows and columns, by Keys' cubic kernel; where it becomes smaller, the kernel is wider by
/// as much.
pub fn resized(image: &Image, (rows, cols): (usize, usize)) -> Image {
    let [by_rows, by_cols] = [(0, rows), (1, cols)].map(|(axis, size)| {
        let length = image.len_of(Axis(axis));
        bicubic(length, size)
    });
    by_rows.dot(image).dot(&by_cols.t())
}

/// The matrix that makes `size` samples of `length`; beyond the ends the last sample goes on.
fn bicubic(length: usize, size: usize) -> Array2<f64> {
    let ratio = length as f64 / size as f64;
    let wide = ratio.max(1.0);
    let mut matrix = Array2::zeros((size, length));
    for (sample, mut row) in matrix.rows_mut().into_iter().enumerate() {
        let middle = (sample as f64 + 0.5) * ratio - 0.5;
        let first = (middle - 2.0 * wide).floor() as i64;
        let last = (middle + 2.0 * wide).ceil() as i64;
        for place in first..=last {
            let weight = keys((place as f64 - middle).abs() / wide);
            row[place.clamp(0, length as i64 - 1) as usize] += weight;
        }
        let sum = row.sum();
        row /= sum;
    }
    matrix
}

/// Keys' kernel with a = -1/2.
fn keys(apart: f64) -> f64 {
    match apart {
        x if x <= 1.0 => 1.5 * x.powi(3) - 2.5 * x.powi(2) + 1.0,
        x if x <= 2.0 => -0.5 * x.powi(3) + 2.5 * x.powi(2) - 4.0 * x + 2.0,
        _ => 0.0,
    }
}

/// The peak signal-to-noise ratio in dB of two images of 8 bits, a border of so many pixels left out.
pub fn psnr(found: &Image, wanted: &Image, border: usize) -> f64 {
    let (height, width) = wanted.dim();
    let inner = s![border..height - border, border..width - border];
    let error = (&rounded(found) - wanted).slice(inner).mapv(|it| it * it);
    let mean = error.mean().unwrap_or(0.0);
    10.0 * (255.0_f64.powi(2) / mean).log10()
}

/// Images of one height, from left to right with white between them.
///
/// # Errors
/// Their heights differ.
pub fn side_by_side(images: &[&Image]) -> anyhow::Result<Image> {
    const GAP: usize = 6;
    let height = images.first().map_or(0, |image| image.nrows());
    ensure!(
        images.iter().all(|it| it.nrows() == height),
        "heights differ"
    );
    let gap = Array2::from_elem((height, GAP), 255.0);
    let mut parts = Vec::new();
    for (index, image) in images.iter().enumerate() {
        parts.extend((index > 0).then(|| gap.view()));
        parts.push(image.view());
    }
    Ok(concatenate(Axis(1), &parts)?)
}
