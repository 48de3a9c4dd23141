//! The figures are XML, and their colours are the terms.

use std::collections::BTreeSet;

use bpa_engine::explain::{figures, Figure, PixelTerms};
use bpa_engine::layer::Layer;
use bpa_engine::reference::Term;
use proptest::prelude::*;
use roxmltree::{Document, Node};

use crate::layers::{example, layer, layer_of, pixels, terms_of};

type Place = (u32, u32);

/// The values of an array that are drawn, and those of them that are a part of a term.
fn drawn(figure: &Figure, array: &str) -> (BTreeSet<Place>, BTreeSet<Place>) {
    let document = Document::parse(&figure.svg).expect("well-formed XML");
    let number = |node: Node, name: &str| node.attribute(name).unwrap().parse().unwrap();
    let cells = document
        .descendants()
        .filter(|node| node.attribute("data-array") == Some(array));
    let mut found = (BTreeSet::new(), BTreeSet::new());
    for cell in cells {
        let place = (number(cell, "data-row"), number(cell, "data-col"));
        assert!(found.0.insert(place), "{array} {place:?} is drawn twice");
        if cell.attribute("class").unwrap().contains("term") {
            found.1.insert(place);
        }
    }
    found
}

/// In both figures, the coloured values and weights are those of the pixel's terms, as far as they are drawn.
fn compare(layer: &Layer, pixel: Option<Place>) -> [(BTreeSet<Place>, BTreeSet<Place>); 4] {
    let (h, w) = pixel.unwrap_or(PixelTerms::inner(layer).pixel());
    let terms = terms_of(layer, h, w);
    let places = |of: fn(&Term) -> Place| terms.iter().map(of).collect::<BTreeSet<_>>();
    let outputs = places(|term| (term.p, term.q));
    let taps = places(|term| (term.r, term.s));
    let [forward, gradient] = figures(layer, pixel);
    assert_eq!((forward.name, gradient.name), ("forward", "gradient"));
    [
        (&forward, "Y"),
        (&forward, "w"),
        (&gradient, "Y"),
        (&gradient, "w"),
    ]
    .map(|(figure, array)| {
        let (all, coloured) = drawn(figure, array);
        let expected = if array == "Y" { &outputs } else { &taps };
        let seen: BTreeSet<Place> = expected.intersection(&all).copied().collect();
        assert_eq!(coloured, seen, "{array} of {}", figure.name);
        (coloured, expected.clone())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_coloured_are_the_terms(layer in layer(20), at: prop::sample::Index) {
        let pixels: Vec<_> = pixels(&layer).collect();
        compare(&layer, Some(*at.get(&pixels)));
        compare(&layer, None);
    }
}

/// Of a small layer all terms are seen, and each has its own colour.
#[test]
fn the_articles_figures_show_every_term() {
    for (name, count) in [("strided", 4), ("dilated", 4)] {
        let layer = example(name);
        for (coloured, expected) in compare(&layer, None) {
            assert_eq!(coloured, expected);
            assert_eq!(coloured.len(), count);
        }
        let [_, gradient] = figures(&layer, None);
        let document = Document::parse(&gradient.svg).unwrap();
        let title = document
            .descendants()
            .find(|node| node.has_tag_name("title"));
        assert!(title.unwrap().text().unwrap().contains(name));
        assert!(gradient.svg.contains("prefers-color-scheme"));
        for colour in 0..count {
            let class = format!("cell term c{colour}");
            assert_eq!(
                gradient.svg.matches(&class).count(),
                2,
                "a value and its weight"
            );
        }
    }
}

/// The windows on the gradient and on the kernel show the same products.
#[test]
fn a_large_kernel_lies_on_what_it_meets() {
    let layer = layer_of([300, 20, 2, 3, 5, 5], [300, 30, 1, 1, 7, 7]).unwrap();
    let (h, w) = PixelTerms::inner(&layer).pixel();
    let [_, _, (outputs, _), (taps, _)] = compare(&layer, None);
    assert!(!taps.is_empty());
    let terms = terms_of(&layer, h, w);
    let met: BTreeSet<Place> = terms
        .iter()
        .filter(|term| taps.contains(&(term.r, term.s)))
        .map(|term| (term.p, term.q))
        .collect();
    assert_eq!(met, outputs);
}

#[test]
fn extremes_are_drawn() {
    for (rows, cols) in [
        ([1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0]),
        ([1, 1, 4095, 4095, 4095, 4095], [65_535, 1, 1, 1, 0, 0]),
        (
            [32_000, 4095, 4095, 7, 4095, 4095],
            [32_000, 4095, 4094, 1, 0, 0],
        ),
        ([1, 4095, 1, 1, 4095, 4095], [1, 200, 1, 1, 4095, 4095]),
        ([3, 1, 7, 1, 4, 4], [300, 1, 1, 1, 0, 0]),
    ] {
        let layer = layer_of(rows, cols).unwrap();
        let last = (layer.rows().in_size - 1, layer.cols().in_size - 1);
        for pixel in [None, Some((0, 0)), Some(last)] {
            for figure in figures(&layer, pixel) {
                Document::parse(&figure.svg).unwrap();
                assert!(figure.svg.len() < 100_000, "{} bytes", figure.svg.len());
            }
        }
    }
}
