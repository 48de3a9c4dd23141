//! Promise: the accumulator is wide enough for the worst case of the layer, so that no overflow is possible, and the
//! result is sign-extended as its stream says.

use bpa_engine::layer::Layer;
use bpa_engine::plan::Plan;
use bpa_engine::reference::StageArrays;
use bpa_engine::run::Arrays;
use bpa_engine::vectors::{random_moving, random_stationary};
use ndarray::Array4;

use crate::common::{exact, example, expected, layer, simulator, stalled};

/// Each product at an end of its range: all sums are as large as they get, in both directions.
fn check(layer: &Layer) {
    let plan = Plan::new(layer);
    let simulator = simulator(&plan);
    let (grad, weight) = (layer.grad_type(), layer.weight_type());
    let grad_shape = random_moving(layer, 2, 0).raw_dim();
    let weight_shape = random_stationary(layer, 0).raw_dim();
    let mut greatest = 0;
    for grad in [grad.min(), grad.max()] {
        for weight in [weight.min(), weight.max()] {
            let arrays = Arrays {
                moving: Array4::from_elem(grad_shape, grad),
                stationary: Array4::from_elem(weight_shape, weight),
                stages: StageArrays::default(),
            };
            let expected = expected(layer, &arrays);
            greatest = greatest.max(*expected.iter().max().unwrap());
            exact(&simulator, &plan, &arrays, &expected, &stalled(0.1, 0.1, 1))
                .unwrap_or_else(|fault| panic!("{} {grad} * {weight}: {fault}", layer.name()));
        }
    }
    // The case is the worst: with one bit less it would not fit.
    let bits = plan.lanes().acc_bits;
    assert!(
        greatest >> (bits - 2) == 1,
        "{greatest} needs fewer than {bits} bits"
    );
}

#[test]
fn the_worst_case_of_bytes_fits() {
    check(&example("strided"));
    check(&example("depthwise"));
}

/// Types at both ends of what is possible; seven lanes and channels, so that the adder tree is uneven.
#[test]
fn the_worst_case_of_other_types_fits() {
    for (grad_type, weight_type) in [
        ("int16", "int16"),
        ("int2", "int2"),
        ("int2", "int16"),
        ("int11", "int5"),
    ] {
        check(&layer(&format!(
            "name = \"worst_{grad_type}_{weight_type}\"
            [layer]
            in_channels = 2
            out_channels = 7
            in_size = 5
            kernel = 3
            padding = 1
            [engine]
            simd = 7
            pe = 2
            grad_type = \"{grad_type}\"
            weight_type = \"{weight_type}\""
        )));
    }
}

/// Two products in a multiplier, of bytes and of the widest types that fit.
#[test]
fn the_worst_case_of_packed_multipliers_fits() {
    for (grad_type, weight_type) in [("int8", "int8"), ("int12", "int6"), ("int2", "int11")] {
        check(&layer(&format!(
            "name = \"packed_{grad_type}_{weight_type}\"
            [layer]
            in_channels = 8
            out_channels = 6
            groups = 2
            in_size = 5
            kernel = 3
            padding = 1
            [engine]
            simd = 3
            pe = 4
            packed_multipliers = true
            grad_type = \"{grad_type}\"
            weight_type = \"{weight_type}\""
        )));
    }
}

/// One tap of one channel: the accumulator is as wide as a product, and the adder tree may be wider than it.
#[test]
fn the_worst_case_of_a_single_product_fits() {
    check(&layer(
        "name = \"product\"
        [layer]
        in_channels = 1
        out_channels = 1
        in_size = 3
        kernel = 1",
    ));
    check(&layer(
        "name = \"three_products\"
        [layer]
        in_channels = 1
        out_channels = 3
        in_size = 3
        kernel = 1
        [engine]
        simd = 3",
    ));
}
