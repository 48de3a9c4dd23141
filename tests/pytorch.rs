//! The references against numbers that PyTorch gave: `tests/data/pytorch.py` says how they were made.

use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::reference::{forward, gather, grad_weight, scatter};
use ndarray::Array4;
use serde_json::Value;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("data/pytorch.json")).unwrap()
}

fn layer(conv: &Value) -> Layer {
    let number = |key: &str| conv[key].as_i64();
    let pair = |key: &str| PerItem([0, 1].map(|axis| conv[key][axis].as_i64().unwrap()));
    let PerItem([rows, cols]) = pair("padding");
    let mut file = LayerFile::default();
    let geometry = &mut file.layer;
    if conv.get("output_padding").is_some() {
        geometry.op = Some("conv_transpose".to_owned());
        geometry.output_padding = Some(pair("output_padding"));
    }
    geometry.in_channels = number("in_channels");
    geometry.out_channels = number("out_channels");
    geometry.groups = number("groups").unwrap();
    geometry.batch = number("batch");
    geometry.in_size = Some(pair("in_size"));
    geometry.kernel = Some(pair("kernel"));
    geometry.stride = pair("stride");
    geometry.dilation = pair("dilation");
    geometry.padding = PerItem([rows, rows, cols, cols]);
    file.validate().unwrap()
}

fn array(case: &Value, name: &str) -> Array4<i64> {
    let numbers = |key: &str| -> Vec<i64> {
        let list = case[name][key].as_array().unwrap();
        list.iter().map(|number| number.as_i64().unwrap()).collect()
    };
    let shape: Vec<usize> = numbers("shape").iter().map(|&size| size as usize).collect();
    let shape: [usize; 4] = shape.try_into().unwrap();
    Array4::from_shape_vec(shape, numbers("values")).unwrap()
}

#[test]
fn each_pass_gives_what_pytorch_gives() {
    let cases = cases();
    let convolutions = cases.iter().filter(|case| case.get("conv").is_some());
    let mut seen = 0;
    for case in convolutions {
        let name = &case["name"];
        let layer = layer(&case["conv"]);
        let narrow = |name: &str| array(case, name).mapv(|value| value as i32);
        let (input, weight) = (narrow("input"), narrow("weight"));
        let grad_output = narrow("grad_output");
        let output = forward(&layer, &input, &weight);
        assert_eq!(output, array(case, "output"), "{name}");
        for form in [gather, scatter] {
            let found = form(&layer, &grad_output, &weight);
            assert_eq!(found, array(case, "grad_input"), "{name}");
        }
        let found = grad_weight(&layer, &input, &grad_output);
        assert_eq!(found, array(case, "grad_weight"), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}

/// A transposed convolution's arrays are those of the data gradient that it is, as they lie.
#[test]
fn a_transposed_convolution_is_a_data_gradient() {
    let cases = cases();
    let transposed: Vec<&Value> = cases
        .iter()
        .filter(|case| case.get("conv_transpose").is_some())
        .collect();
    assert_eq!(transposed.len(), 2);
    for case in transposed {
        let layer = layer(&case["conv_transpose"]);
        let narrow = |name: &str| array(case, name).mapv(|value| value as i32);
        let found = gather(&layer, &narrow("input"), &narrow("weight"));
        assert_eq!(found, array(case, "output"), "{}", case["name"]);
    }
}
