//! The equations against the forward convolution, term by term, and their text read back.

use std::collections::BTreeMap;

use bpa_engine::explain::{lists_every_pixel, page, Format, Met, PixelTerms};
use bpa_engine::layer::Layer;
use bpa_engine::reference::{terms, Term};
use proptest::prelude::*;

use crate::layers::{example, layer, layer_of, pixels, terms_of};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each tap stands in the equation of each pixel once: as a term, or as a product with a zero of one kind.
    #[test]
    fn every_tap_is_told_once(layer in layer(9)) {
        for (h, w) in pixels(&layer) {
            let pixel = PixelTerms::new(&layer, h, w);
            let listed: Vec<Term> = pixel.terms().collect();
            prop_assert_eq!(&listed, &terms_of(&layer, h, w), "in order, by p and q");
            let mut reference = terms(&layer, h, w);
            reference.sort();
            prop_assert_eq!(&listed, &reference);
            prop_assert_eq!(pixel.count(), listed.len() as u64);

            let mut taps: Vec<(u32, u32)> = listed.iter().map(|term| (term.r, term.s)).collect();
            let (inserted, border) = pixel.zero_counts();
            for (kind, count) in [(Met::Inserted, inserted), (Met::Border, border)] {
                let zeros: Vec<(u32, u32)> = pixel.zeros(kind).collect();
                prop_assert_eq!(zeros.len() as u64, count);
                for &(r, s) in &zeros {
                    prop_assert_eq!(kind, zero_kind(&layer, (h, w), (r, s)));
                }
                taps.extend(zeros);
            }
            taps.sort_unstable();
            let (rows, cols) = (layer.rows().kernel, layer.cols().kernel);
            let all: Vec<_> = (0..rows).flat_map(|r| (0..cols).map(move |s| (r, s))).collect();
            prop_assert_eq!(taps, all);
        }
    }

    /// The text of a small layer has an equation for each pixel; that of a large one, gone through, gives the same.
    #[test]
    fn the_text_says_the_same(layer in layer(14)) {
        let text = page(&layer, None, Format::Text).print();
        let found = equations(&text, &layer);
        for (h, w) in pixels(&layer) {
            let expected = terms_of(&layer, h, w);
            let listed = found.get(&(h, w)).cloned();
            if lists_every_pixel(&layer) {
                prop_assert_eq!(listed, Some(expected));
            } else {
                // Pixels that no tap reaches are in no phase.
                prop_assert_eq!(listed.unwrap_or_default(), expected, "{}, {}: {}", h, w, &text);
            }
        }
    }

    /// So does that of one pixel, in text and in LaTeX.
    #[test]
    fn one_pixel_is_as_in_the_list(layer in layer(14), at: prop::sample::Index) {
        let pixels: Vec<_> = pixels(&layer).collect();
        let pixel = *at.get(&pixels);
        let text = page(&layer, Some(pixel), Format::Text).print();
        let found = equations(&text, &layer);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(&found[&pixel], &terms_of(&layer, pixel.0, pixel.1));
        let latex = page(&layer, Some(pixel), Format::Latex).print();
        let products = latex.matches(r"\frac{\partial L}{\partial Y_{").count();
        // One in the general formula, and each term in both forms.
        prop_assert_eq!(products, 1 + 2 * found[&pixel].len(), "{}", latex);
        prop_assert_eq!(latex.matches('{').count(), latex.matches('}').count());
    }
}

/// What is met where no term is: before the first and behind the last output on an axis, or between two.
fn zero_kind(layer: &Layer, (h, w): (u32, u32), (r, s): (u32, u32)) -> Met {
    let (rows, cols) = (layer.rows(), layer.cols());
    let is_border = [(rows, h, r), (cols, w, s)].iter().any(|(axis, at, tap)| {
        let place = (at + axis.pad_before) as i32 - (tap * axis.dilation) as i32;
        place < 0 || place > ((axis.out_size - 1) * axis.stride) as i32
    });
    match is_border {
        true => Met::Border,
        false => Met::Inserted,
    }
}

/// The first form's equations of a text, each pixel with its terms; a pattern's letters are given all their values, and
/// terms that then lie outside of grad_output fall away, as the text says.
fn equations(text: &str, layer: &Layer) -> BTreeMap<(u32, u32), Vec<Term>> {
    let form = text
        .split("\n\n  dL/dx[h, w] = ")
        .nth(1)
        .expect("the first form");
    let form = form.split("\nThe same as").next().unwrap();
    // Sums that go on are one line.
    let joined = form.replace("\n  ", "\u{1}");
    let mut lines: Vec<String> = Vec::new();
    for line in joined.split('\u{1}') {
        let line = line.trim();
        match line.strip_prefix('+') {
            Some(_) => lines.last_mut().unwrap().push_str(&format!(" {line}")),
            None => lines.push(line.to_owned()),
        }
    }
    let mut found = BTreeMap::new();
    for line in &lines {
        let Some((left, right)) = line.split_once(" = ") else {
            continue;
        };
        let Some(pixel) = left.trim().strip_prefix("dL/dx") else {
            continue;
        };
        let right = right.split_whitespace().collect::<Vec<_>>().join(" ");
        let products: Vec<[[String; 2]; 2]> = match right.as_str() {
            "0" => Vec::new(),
            right => right.split(" + dL/").map(product).collect(),
        };
        let at = indices(pixel);
        for i in 0..layer.rows().in_size {
            for j in 0..layer.cols().in_size {
                let of = |text: &str| value(text, i.into(), j.into());
                let (h, w) = (of(&at[0]), of(&at[1]));
                if h >= layer.rows().in_size.into() || w >= layer.cols().in_size.into() {
                    continue;
                }
                let terms = products.iter().filter_map(|[y, weight]| {
                    let inside = |text: &str, size: u32| {
                        let place = u32::try_from(of(text)).ok()?;
                        (place < size).then_some(place)
                    };
                    Some(Term {
                        p: inside(&y[0], layer.rows().out_size)?,
                        q: inside(&y[1], layer.cols().out_size)?,
                        r: inside(&weight[0], layer.rows().kernel).expect("a tap"),
                        s: inside(&weight[1], layer.cols().kernel).expect("a tap"),
                    })
                });
                found.insert((h as u32, w as u32), terms.collect());
            }
        }
    }
    found
}

fn product(text: &str) -> [[String; 2]; 2] {
    let (y, weight) = text.split_once(" * ").unwrap();
    let y = y.trim_start_matches("dL/").strip_prefix("dY").unwrap();
    [indices(y), indices(weight.strip_prefix('w').unwrap())]
}

/// `22` or `[2i + 1, 3]`
fn indices(text: &str) -> [String; 2] {
    let text = text.trim();
    match text.strip_prefix('[') {
        Some(text) => {
            let (row, col) = text.trim_end_matches(']').split_once(", ").unwrap();
            [row.to_owned(), col.to_owned()]
        }
        None => [text[..1].to_owned(), text[1..].to_owned()],
    }
}

/// Of a sum like `2i + 1` or `j - 3`.
fn value(text: &str, i: i64, j: i64) -> i64 {
    let text = text.replace(" - ", " + -");
    let part = |part: &str| {
        let (number, letter) = match part.strip_suffix(['i', 'j']) {
            Some(number) => (number, if part.ends_with('i') { i } else { j }),
            None => (part, 1),
        };
        match number {
            "" => letter,
            "-" => -letter,
            number => number.parse::<i64>().unwrap() * letter,
        }
    };
    text.split(" + ").map(part).sum()
}

#[test]
fn the_rule_for_patterns_is_by_pixels_and_products() {
    let square =
        |size, kernel| layer_of([size, kernel, 1, 1, 4, 4], [size, kernel, 1, 1, 4, 4]).unwrap();
    assert!(lists_every_pixel(&square(10, 3)));
    assert!(!lists_every_pixel(&square(11, 1)));
    assert!(lists_every_pixel(&square(8, 4)));
    assert!(!lists_every_pixel(&square(8, 5)));
}

#[test]
fn channels_are_told_once_and_in_words() {
    let text = |name: &str| {
        let text = page(&example(name), None, Format::Text).print();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let begin = text.find("Each equation").unwrap();
        let end = text.find(" The forward").unwrap();
        text[begin..end].to_owned()
    };
    insta::assert_snapshot!(["strided", "grouped", "depthwise"].map(text).join("\n"), @r"
    Each equation is of one channel c of x and one channel k of Y, with the weights weight[k, c]; grad_input[c] is the sum over the 8 channels k.
    Each equation is of one channel c of x and one channel k of Y, with the weights weight[k, c mod 4]; grad_input[c] is the sum over the 6 channels k of its group: k = 6g to 6g + 5 with g = floor(c / 4).
    Each equation is of one channel c of x and one channel k of Y, with the weights weight[k, 0]; grad_input[c] is the sum over the 2 channels k of its group: k = 2c to 2c + 1.
    ");
}

#[test]
fn many_terms_are_a_sum_with_letters() {
    let line = |text: &str, begin: &str| {
        text.lines()
            .find(|line| line.trim().starts_with(begin))
            .unwrap()
            .trim()
            .to_owned()
    };
    let wide = layer_of([400, 20, 1, 1, 0, 0], [400, 16, 3, 2, 0, 0]).unwrap();
    let text = page(&wide, Some((200, 201)), Format::Text).print();
    insta::assert_snapshot!(line(&text, "dL/dx[200, 201]"), @"dL/dx[200, 201] = sum over a = 0 to 19, b = 0 to 5 of dL/dY[a + 181, 2b + 57] * w[19 - a, 15 - 3b]");
    let latex = page(&wide, Some((200, 201)), Format::Latex).print();
    insta::assert_snapshot!(line(&latex, r"\frac{\partial L}{\partial x_{200, 201}}"), @r"\frac{\partial L}{\partial x_{200, 201}} &= \sum_{a=0}^{19} \sum_{b=0}^{5} \frac{\partial L}{\partial Y_{a + 181, 2b + 57}} * w_{19 - a, 15 - 3b}");
}

#[test]
fn a_layer_that_no_tap_reaches_has_no_gradient() {
    // All taps meet the padding.
    let layer = layer_of([3, 1, 7, 1, 4, 4], [300, 1, 1, 1, 0, 0]).unwrap();
    let text = page(&layer, None, Format::Text).print();
    assert!(text.contains("No tap reaches any pixel"), "{text}");
    assert!(page(&layer, Some((2, 0)), Format::Text)
        .print()
        .contains("dL/dx[2, 0] = 0\n"));
}

/// However large a layer is, it is explained at once, and never by more than some pages.
#[test]
fn extremes_are_explained() {
    for (rows, cols) in [
        ([1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0]),
        ([1, 1, 4095, 4095, 4095, 4095], [65_535, 1, 1, 1, 0, 0]),
        ([65_535, 4095, 1, 1, 0, 0], [30_000, 1, 4095, 1, 4095, 4095]),
        (
            [32_000, 4095, 4095, 7, 4095, 4095],
            [32_000, 4095, 4094, 1, 0, 0],
        ),
        ([1, 4095, 1, 1, 4095, 4095], [1, 200, 1, 1, 4095, 4095]),
        ([65_535, 2, 4095, 4095, 0, 0], [1, 1, 1, 1, 4095, 0]),
    ] {
        let layer = layer_of(rows, cols).unwrap();
        let last = (layer.rows().in_size - 1, layer.cols().in_size - 1);
        for pixel in [None, Some((0, 0)), Some(last)] {
            for format in [Format::Text, Format::Latex, Format::Markdown] {
                let text = page(&layer, pixel, format).print();
                assert!(text.len() < 100_000, "{} bytes", text.len());
            }
        }
    }
}
