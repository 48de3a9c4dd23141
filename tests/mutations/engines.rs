//! The engines that are mutated: small, so that a frame is short, and with all that a core can have between them.

use bpa_engine::layer::{Layer, LayerFile};

/// An engine by its layer.
#[derive(Clone, Copy)]
pub struct Engine {
    pub name: &'static str,
    keys: &'static str,
}

impl Engine {
    pub fn layer(&self) -> Layer {
        let text = format!("name = \"{}\"\n{}", self.name, self.keys);
        let file = LayerFile::parse(&text, self.name).unwrap();
        file.validate().unwrap()
    }
}

/// Every one of them.
pub fn all() -> [Engine; 4] {
    [
        // Stride and dilation at once, pixels without a tap on all sides and between, blocks and idle lanes of K and C. Issues
        // of a sum are odd in number where it has one tap: what is inverted twice as often as not is what it was.
        Engine {
            name: "strided_dilated",
            keys: "[layer]
                in_channels = 3
                out_channels = 9
                in_size = [7, 8]
                kernel = [3, 2]
                stride = [2, 3]
                dilation = [3, 2]
                padding = [3, 1, 0, 2]
                [engine]
                simd = 4
                pe = 2
                grad_type = \"int4\"
                weight_type = \"int3\"",
        },
        // Every stage of a gradient, and two sets of weights.
        Engine {
            name: "staged",
            keys: "[layer]
                in_channels = 3
                out_channels = 4
                in_size = [5, 6]
                kernel = [3, 2]
                stride = [2, 3]
                dilation = [1, 2]
                padding = [2, 1, 0, 2]
                [engine]
                simd = 2
                pe = 2
                grad_type = \"int3\"
                weight_type = \"int3\"
                weight_sets = 2
                accumulate = true
                mask = true
                out_type = \"int3\"
                scale_per = \"channel\"
                shift = 4
                scale_bits = 4
                rounding = \"stochastic\"",
        },
        // Every stage of a quantised forward convolution. Here, too, issues of some sums are odd in number.
        Engine {
            name: "quantised",
            keys: "[layer]
                pass = \"forward\"
                in_channels = 5
                out_channels = 3
                in_size = [5, 4]
                kernel = [2, 3]
                stride = [1, 2]
                padding = [1, 0, 2, 1]
                [engine]
                simd = 2
                pe = 2
                input_type = \"int4\"
                weight_type = \"int3\"
                zero_point = -3
                bias = true
                out_type = \"int4\"
                scale_per = \"channel\"
                shift = 5
                scale_bits = 4
                out_zero_point = 2
                activation = \"clamp\"
                out_min = -5
                out_max = 6",
        },
        // Groups side by side, and the gradient of the weights, whose kernel is the image.
        Engine {
            name: "grouped",
            keys: "[layer]
                pass = \"grad_weight\"
                batch = 2
                in_channels = 6
                out_channels = 6
                groups = 3
                in_size = [4, 5]
                kernel = [2, 2]
                stride = [1, 2]
                padding = 1
                [engine]
                simd = 2
                pe = 2
                input_type = \"int3\"
                grad_type = \"int4\"
                out_type = \"int6\"
                shift = 3
                scale_bits = 5
                rounding = \"floor\"",
        },
    ]
}
