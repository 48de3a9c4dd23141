//! The example `super_resolution`: the network on an engine is better than bicubic enlargement, and its pictures are PNGs.

use std::io::Read;

use bpa_sim::Cache;
use clap::Parser;
use flate2::read::ZlibDecoder;

#[path = "../examples/super_resolution/main.rs"]
#[allow(dead_code)] // Its `main`, which is for the command line
mod super_resolution;

use super_resolution::image::{png, psnr, read_pgm, resized, Image};
use super_resolution::{run, Args};

fn cache() -> Cache {
    Cache::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/models"))
}

/// Each layer exact, and half a decibel above bicubic at the least.
#[test]
fn the_engine_is_better_than_bicubic() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("new");
    let words = ["super_resolution", "--check", "--out"].map(Into::into);
    let words = words.into_iter().chain([out.clone().into_os_string()]);
    let mut text = Vec::new();
    let found = run(&Args::parse_from(words), &cache(), &mut text).unwrap();
    assert!(found.engine >= found.bicubic + 0.5, "{} dB", found.engine);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("all exact"), "{text}");
    for name in ["small", "bicubic", "engine", "compared"] {
        let picture = std::fs::read(out.join(name).with_extension("png")).unwrap();
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
    }
}

#[test]
fn what_is_no_photograph_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pgm");
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let words = ["super_resolution".into(), "--photograph".into()];
        let out = ["--out".into(), folder.path().as_os_str().to_owned()];
        let words = words.into_iter().chain([path.clone().into_os_string()]);
        let args = Args::parse_from(words.chain(out));
        let error = run(&args, &cache(), &mut Vec::new()).err().unwrap();
        let error = format!("{error:#}");
        error.replace(&format!("{}/", folder.path().display()), "")
    };
    let errors = [
        refused(b"P5 4"),
        refused(b"P2 4 4 255\n"),
        refused(b"P5 4 4 255\nabc"),
        refused(b"P5 4 4 255\n0123456789abcdef"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    x.pgm: cannot read: no header
    x.pgm: cannot read: not a PGM of 8 bits: ["P2", "4", "4", "255"]
    x.pgm: cannot read: not as many pixels as the header says: ShapeError/OutOfBounds: out of bounds indexing
    an image of 4 x 4 pixels is too small
    "#);
}

/// A ramp stays a ramp, but for its ends; a flat image stays flat; what is equal has no noise.
#[test]
fn images_keep_their_shape_when_resized() {
    let ramp = Image::from_shape_fn((12, 30), |(row, col)| (2 * row + 3 * col) as f64);
    let large = resized(&ramp, (36, 90));
    let right = |row: usize, col: usize| {
        let at = |place: usize| (place as f64 + 0.5) / 3.0 - 0.5;
        2.0 * at(row) + 3.0 * at(col)
    };
    for (row, col) in [(9, 9), (17, 40), (26, 80)] {
        assert!((large[[row, col]] - right(row, col)).abs() < 1e-9);
    }
    let flat = Image::from_elem((9, 6), 77.0);
    let small = resized(&flat, (3, 2));
    assert!(small.iter().all(|level| (level - 77.0).abs() < 1e-9));
    assert_eq!(psnr(&ramp, &ramp, 2), f64::INFINITY);
    assert!((psnr(&(&flat + 1.0), &flat, 1) - 48.1308).abs() < 1e-4);
}

/// Its pixels come back from the PNG, and from a PGM.
#[test]
fn pictures_hold_their_pixels() {
    let image = Image::from_shape_vec((2, 3), vec![0.0, 1.4, 254.6, 255.0, -3.0, 300.0]).unwrap();
    let file = png(&image).unwrap();
    assert_eq!(file[16..29], [0, 0, 0, 3, 0, 0, 0, 2, 8, 0, 0, 0, 0]);
    let length = u32::from_be_bytes(file[33..37].try_into().unwrap()) as usize;
    assert_eq!(&file[37..41], b"IDAT");
    let mut rows = Vec::new();
    let mut packed = ZlibDecoder::new(&file[41..41 + length]);
    packed.read_to_end(&mut rows).unwrap();
    assert_eq!(rows, [0, 0, 1, 255, 0, 255, 0, 255]);
    let read = read_pgm(&b"P5 3 2 255\n\x00\x01\xff\xff\x00\xff"[..]).unwrap();
    assert_eq!(
        read.into_raw_vec_and_offset().0,
        [0.0, 1.0, 255.0, 255.0, 0.0, 255.0]
    );
}
