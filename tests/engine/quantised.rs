//! Promise: a quantised layer of ONNX is computed bit for bit as its runtime computes it. The numbers are those of
//! onnxruntime: `scripts/quantised/onnx_vectors.py` made them and says how an operator becomes a layer.

use bpa_engine::layer::LayerFile;
use bpa_engine::operands::{moving_of, result_of, stationary_of};
use bpa_engine::plan::Plan;
use bpa_engine::reference::{reference, StageArrays};
use bpa_engine::run::Arrays;
use ndarray::{Array4, ArrayD, Ix4};
use serde_json::Value;

use crate::common::{exact, simulator, stalled};

/// An operator, and what the runtime made of its arrays.
struct Case {
    name: String,
    file: LayerFile,
    arrays: Arrays,
    output: Array4<i64>,
}

fn numbers(array: &Value) -> Option<ArrayD<i64>> {
    let list = |key: &str| -> Option<Vec<i64>> {
        let list = array.get(key)?.as_array()?;
        list.iter().map(Value::as_i64).collect()
    };
    let shape: Vec<usize> = list("shape")?
        .into_iter()
        .map(|size| size as usize)
        .collect();
    Some(ArrayD::from_shape_vec(shape, list("values")?).unwrap())
}

fn case(case: &Value) -> Case {
    let file: LayerFile = serde_json::from_value(case["file"].clone()).unwrap();
    let layer = file.validate().unwrap();
    let wide = |name: &str| numbers(&case[name]);
    let of_four = |name: &str| wide(name).unwrap().into_dimensionality::<Ix4>().unwrap();
    let narrow = |name: &str| of_four(name).mapv(|value| value as i32);
    Case {
        name: case["name"].as_str().unwrap().to_owned(),
        file,
        arrays: Arrays {
            moving: moving_of(&layer, narrow("input")),
            stationary: stationary_of(&layer, narrow("weight")),
            stages: StageArrays {
                bias: wide("bias").map(|it| it.into_iter().collect()),
                scale: wide("scale").map(|it| it.into_iter().map(|it| it as i32).collect()),
                ..StageArrays::default()
            },
        },
        output: result_of(&layer, of_four("output")),
    }
}

fn cases() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../data/onnx.json")).unwrap();
    file["cases"].as_array().unwrap().iter().map(case).collect()
}

#[test]
fn the_reference_gives_what_onnxruntime_gives() {
    let cases = cases();
    assert!(cases.len() >= 10);
    for case in cases {
        let layer = case.file.validate().unwrap();
        let found = reference(&layer, &case.arrays).result;
        assert_eq!(found, case.output, "{}", case.name);
    }
}

/// Layers that have between them what there is: depthwise, groups, gaps, sums as they are, every activation.
#[test]
fn engines_give_what_onnxruntime_gives() {
    let chosen = [
        "linear_grouped_dilated",
        "integer_weights_from_a_zero_point",
        "relu6_depthwise",
        "transposed_with_gaps",
    ];
    for case in cases() {
        if !chosen.contains(&case.name.as_str()) {
            continue;
        }
        let plan = Plan::new(&case.file.validate().unwrap());
        let simulator = simulator(&plan);
        for traffic in [stalled(0.0, 0.0, 1), stalled(0.4, 0.4, 2)] {
            let found = exact(&simulator, &plan, &case.arrays, &case.output, &traffic);
            found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        }
    }
}
