//! The manifest says the truth: the streams' layout, evaluated as it is written there, gives the beats that the engine
//! takes and gives; its ports are those of the Verilog; and its bytes are always the same.

use std::collections::HashMap;

use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::manifest;
use bpa_engine::operands::{moving_as_array, result_of, stationary_as_array};
use bpa_engine::plan::Plan;
use bpa_engine::run::{frame_beats, stationary_set, Arrays};
use bpa_engine::vectors::{
    pack_moving, pack_result, pack_stationary, random_moving, random_stage_arrays,
    random_stationary,
};
use ndarray::{Array1, Array3, Array4, Axis};
use serde_json::Value;

/// Dense, grouped and depthwise, with lanes that do not divide the channels and values that do not fill bytes.
fn layers() -> Vec<Layer> {
    [(1, 5, 7), (2, 6, 10), (5, 5, 15)]
        .map(|(groups, in_channels, out_channels)| {
            let mut file = LayerFile::default();
            file.layer.in_channels = Some(in_channels);
            file.layer.out_channels = Some(out_channels);
            file.layer.in_size = Some(PerItem([4, 5]));
            file.layer.kernel = Some(PerItem([2, 3]));
            file.layer.stride = PerItem([2, 1]);
            file.layer.padding = PerItem([1, 0, 2, 1]);
            file.layer.groups = groups;
            file.engine.simd = 2;
            file.engine.pe = 2;
            file.engine.grad_type = "int5".to_owned();
            file.engine.weight_type = "int3".to_owned();
            file.validate().unwrap()
        })
        .into()
}

/// One, and others that fill a row's last beat and do not.
fn with_lanes_over_pixels(layer: &Layer) -> [Layer; 3] {
    [1, 2, 5].map(|pixels| {
        let mut file = layer.to_file();
        file.engine.pixels = pixels;
        file.validate().unwrap()
    })
}

fn parsed(plan: &Plan) -> Value {
    serde_json::from_str(&manifest::json(plan)).unwrap()
}

type Indices<'a> = HashMap<&'a str, i64>;

/// An expression of the manifest: integers, names, `( ) * / % + - >=`, with the usual precedence.
struct Parser<'a> {
    words: Vec<&'a str>,
    indices: &'a Indices<'a>,
}

fn evaluate(text: &str, indices: &Indices) -> i64 {
    let spaced = text.replace('(', "( ").replace(')', " )");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    words.reverse();
    let mut parser = Parser { words, indices };
    let value = parser.comparison();
    assert_eq!(parser.words, [""; 0], "{text}");
    value
}

impl Parser<'_> {
    fn comparison(&mut self) -> i64 {
        let left = self.sum();
        match self.take(&[">="]) {
            Some(_) => i64::from(left >= self.sum()),
            None => left,
        }
    }

    fn sum(&mut self) -> i64 {
        let mut value = self.product();
        while let Some(operator) = self.take(&["+", "-"]) {
            let other = self.product();
            match operator {
                "+" => value += other,
                _ => value -= other,
            }
        }
        value
    }

    fn product(&mut self) -> i64 {
        let mut value = self.atom();
        while let Some(operator) = self.take(&["*", "/", "%"]) {
            let right = self.atom();
            value = match operator {
                "*" => value * right,
                "/" => value / right,
                _ => value % right,
            };
        }
        value
    }

    fn atom(&mut self) -> i64 {
        match self.words.pop().unwrap() {
            "(" => {
                let value = self.sum();
                self.take(&[")"]).unwrap();
                value
            }
            word => word
                .parse()
                .unwrap_or_else(|_| *self.indices.get(word).unwrap()),
        }
    }

    fn take(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let next = self.words.last()?;
        let found = operators.iter().find(|operator| *operator == next)?;
        self.words.pop();
        Some(found)
    }
}

/// The frame that is looked at, where a set's frames are other channels.
const FRAME: i64 = 1;

/// The beats of a packet as the manifest describes them; `element` looks up a value by name of index.
fn described(stream: &Value, element: &dyn Fn(&Indices) -> i64) -> Vec<u8> {
    let order = stream["order"].as_array().unwrap();
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let counts: Vec<usize> = order.iter().map(|each| number(&each["count"])).collect();
    let beat = &stream["beat"];
    let value_bits = number(&beat["value_bits"]);
    let first_bit = beat.get("first_bit").map_or(0, number);
    let bytes = number(&beat["tdata_bits"]) / 8;
    let beats: usize = counts.iter().product();
    assert_eq!(beats, number(&stream["beats_per_packet"]));
    let mut packet = vec![0_u8; beats * bytes];
    for (index, tdata) in packet.chunks_mut(bytes).enumerate() {
        let mut indices = Indices::from([("frame", FRAME)]);
        let mut rest = index;
        for (each, count) in order.iter().zip(&counts).rev() {
            indices.insert(each["index"].as_str().unwrap(), (rest % count) as i64);
            rest /= count;
        }
        for e in 0..number(&beat["values"]) {
            indices.insert("e", e as i64);
            let values = &stream["values"];
            let padding = values["padding_if"].as_array().unwrap();
            if padding
                .iter()
                .any(|condition| evaluate(condition.as_str().unwrap(), &indices) != 0)
            {
                continue;
            }
            let mut at = indices.clone();
            for axis in ["n", "k", "c", "r", "s", "p", "q", "w"] {
                if let Some(text) = values[axis].as_str() {
                    at.insert(axis, evaluate(text, &indices));
                }
            }
            let value = element(&at);
            for bit in 0..value_bits {
                let place = first_bit + e * value_bits + bit;
                tdata[place / 8] |= ((value >> bit & 1) as u8) << (place % 8);
            }
        }
    }
    packet
}

#[test]
fn the_streams_are_laid_out_as_described() {
    for layer in layers().iter().flat_map(with_lanes_over_pixels) {
        let plan = Plan::new(&layer);
        let manifest = parsed(&plan);
        let streams = manifest["streams"].as_array().unwrap();

        let grads = random_moving(&layer, 1, 1);
        let frame = grads.index_axis(Axis(0), 0);
        let element = |at: &Indices| frame[["k", "p", "q"].map(|i| at[i] as usize)].into();
        assert_eq!(described(&streams[0], &element), pack_moving(&layer, frame));

        let weight = random_stationary(&layer, 2);
        let element = |at: &Indices| weight[["k", "c", "r", "s"].map(|i| at[i] as usize)].into();
        assert_eq!(
            described(&streams[1], &element),
            pack_stationary(&layer, &weight)
        );

        let (rows, cols) = (layer.rows(), layer.cols());
        let shape = [layer.in_channels(), rows.in_size, cols.in_size].map(|size| size as usize);
        let result = Array3::from_shape_fn(shape, |(c, h, w)| (c * 100 + h * 10 + w) as i64 - 250);
        let element = |at: &Indices| result[["c", "h", "w"].map(|i| at[i] as usize)];
        assert_eq!(
            described(&streams[2], &element),
            pack_result(&layer, result.view(), plan.lanes().out_bits() as u32)
        );
    }
}

/// In the other passes, of PyTorch's arrays: groups with a channel of the result each, and others.
#[test]
fn the_streams_of_other_passes_are_laid_out_as_described() {
    let shapes = [(1, 5, 7), (2, 6, 10), (3, 6, 3)];
    for (pass, shape, pixels) in ["forward", "grad_weight"]
        .into_iter()
        .flat_map(|pass| shapes.map(|shape| (pass, shape)))
        .flat_map(|(pass, shape)| [1, 2].map(|pixels| (pass, shape, pixels)))
    {
        let (groups, in_channels, out_channels) = shape;
        let mut file = layers()[0].to_file();
        file.layer.pass = Some(pass.to_owned());
        file.layer.batch = Some(3);
        file.layer.groups = groups;
        file.layer.in_channels = Some(in_channels);
        file.layer.out_channels = Some(out_channels);
        file.engine.input_type = Some("int6".to_owned());
        file.engine.pixels = pixels;
        let layer = file.validate().unwrap();
        let plan = Plan::new(&layer);
        let manifest = parsed(&plan);
        let streams = manifest["streams"].as_array().unwrap();
        let index = |array: &Value, at: &Indices| {
            let text = array.as_str().unwrap();
            let axes = text[text.find('[').unwrap() + 1..].trim_end_matches(']');
            let mut axes = axes.split(", ").map(|axis| *at.get(axis).unwrap_or(&FRAME));
            [(); 4].map(|()| axes.next().unwrap() as usize)
        };

        let frames = match pass {
            "forward" => 2,
            _ => layer.in_per_group() as usize,
        };
        let moving = random_moving(&layer, frames, 1);
        let frame = moving.index_axis(Axis(0), FRAME as usize);
        let array = moving_as_array(&layer, moving.clone());
        let element = |at: &Indices| array[index(&streams[0]["array"], at)].into();
        assert_eq!(described(&streams[0], &element), pack_moving(&layer, frame));

        let stationary = random_stationary(&layer, 2);
        let array = stationary_as_array(&layer, &stationary);
        let element = |at: &Indices| array[index(&streams[1]["array"], at)].into();
        let found = described(&streams[1], &element);
        assert_eq!(found, pack_stationary(&layer, &stationary), "{pass}");

        let [channels, height, width] = layer.operation().result_shape();
        let results = Array4::from_shape_fn((frames, channels, height, width), |(n, k, p, q)| {
            (n * 200 + k * 20 + p * 5 + q) as i64 - 150
        });
        let frame = results.index_axis(Axis(0), FRAME as usize);
        let bits = plan.lanes().out_bits() as u32;
        let beats = pack_result(&layer, frame, bits);
        let array = result_of(&layer, results.clone());
        let element = |at: &Indices| array[index(&streams[2]["array"], at)];
        assert_eq!(described(&streams[2], &element), beats, "{pass}");
    }
}

/// The same layers with every output stage, scales wider than the weights beside them; then with a bias, beside a scale
/// for each channel or one for all.
fn staged_layers() -> Vec<Layer> {
    let staged = |layer: Layer| {
        let mut file = layer.to_file();
        let engine = &mut file.engine;
        engine.accumulate = true;
        engine.mask = true;
        engine.out_type = "int3".to_owned();
        engine.scale_per = Some("channel".to_owned());
        engine.scale_bits = Some(13);
        engine.shift = Some(5);
        engine.rounding = Some("stochastic".to_owned());
        file.validate().unwrap()
    };
    let quantised = |(index, layer): (usize, Layer)| {
        let mut file = layer.to_file();
        let engine = &mut file.engine;
        engine.zero_point = 1;
        engine.bias = true;
        engine.out_zero_point = Some(-2);
        engine.activation = Some("relu".to_owned());
        if index % 2 == 1 {
            engine.scale_per = Some("tensor".to_owned());
        }
        file.validate().unwrap()
    };
    let staged: Vec<Layer> = layers().into_iter().map(staged).collect();
    let quantised: Vec<Layer> = staged.iter().cloned().enumerate().map(quantised).collect();
    [staged, quantised].concat()
}

/// The beats at the end of a set as they are described: scales, or biases with the scales above them.
fn described_channels(part: &Value, scales: &Array1<i32>, biases: Option<&Array1<i64>>) -> Vec<u8> {
    let of_part = |part: &Value, element: &dyn Fn(&Indices) -> i64| {
        let mut stream = part.clone();
        stream["beats_per_packet"] = part["beats"].clone();
        described(&stream, element)
    };
    let scale = |at: &Indices| scales[at["c"] as usize].into();
    let Some(biases) = biases else {
        assert_eq!(part["array"], "scale[c]");
        return of_part(part, &scale);
    };
    assert_eq!(part["array"], "bias[c]");
    let below = of_part(part, &|at: &Indices| biases[at["c"] as usize]);
    let above = of_part(&part["above"], &scale);
    below
        .iter()
        .zip(&above)
        .map(|(below, above)| below | above)
        .collect()
}

#[test]
fn the_streams_of_output_stages_are_laid_out_as_described() {
    for layer in staged_layers() {
        let plan = Plan::new(&layer);
        let manifest = parsed(&plan);
        let streams = manifest["streams"].as_array().unwrap();
        let names: Vec<&str> = streams
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "s_axis_grad_output",
                "s_axis_weight",
                "s_axis_accumulate",
                "s_axis_mask",
                "m_axis_grad_input"
            ]
        );
        let arrays = Arrays {
            moving: random_moving(&layer, 1, 1),
            stationary: random_stationary(&layer, 2),
            stages: random_stage_arrays(&plan, 1, 3),
        };

        // A set is its weights and then its scales.
        let weight =
            |at: &Indices| arrays.stationary[["k", "c", "r", "s"].map(|i| at[i] as usize)].into();
        let followed_by = &streams[1]["followed_by"];
        let mut weights = streams[1].clone();
        let beats = |value: &Value| value.as_u64().unwrap();
        weights["beats_per_packet"] =
            (beats(&weights["beats_per_packet"]) - beats(&followed_by["beats"])).into();
        let stages = &arrays.stages;
        let (scales, biases) = (stages.scale.as_ref().unwrap(), stages.bias.as_ref());
        assert_eq!(biases.is_some(), layer.bias());
        let set = [
            described(&weights, &weight),
            described_channels(followed_by, scales, biases),
        ];
        assert_eq!(set.concat(), stationary_set(&plan, &arrays));

        let accumulate = arrays.stages.accumulate.as_ref().unwrap();
        let mask = arrays.stages.mask.as_ref().unwrap();
        let index = |at: &Indices| {
            let [c, h, w] = ["c", "h", "w"].map(|i| at[i] as usize);
            [0, c, h, w]
        };
        for (stream, element) in [
            (
                2,
                &(|at: &Indices| accumulate[index(at)]) as &dyn Fn(&Indices) -> i64,
            ),
            (3, &|at: &Indices| i64::from(mask[index(at)])),
        ] {
            let name = names[stream];
            assert_eq!(
                described(&streams[stream], element),
                frame_beats(&plan, &arrays, name, 0),
                "{name}"
            );
        }
        let results = Array3::from_shape_fn(
            [
                layer.in_channels(),
                layer.rows().in_size,
                layer.cols().in_size,
            ]
            .map(|n| n as usize),
            |(c, h, w)| (c + h + w) as i64 % 8 - 4,
        );
        let element = |at: &Indices| results[["c", "h", "w"].map(|i| at[i] as usize)];
        assert_eq!(
            described(&streams[4], &element),
            pack_result(&layer, results.view(), 3)
        );

        let stages = manifest["output_stages"].as_array().unwrap().iter();
        let stages: Vec<&str> = stages.map(|it| it["stage"].as_str().unwrap()).collect();
        let plain = ["accumulate", "mask", "scale", "round", "saturate"];
        let quantised = [
            "bias",
            "accumulate",
            "mask",
            "scale",
            "round",
            "zero_point",
            "saturate",
            "activation",
        ];
        match layer.bias() {
            false => assert_eq!(stages, plain),
            true => assert_eq!(stages, quantised),
        }
    }
}

/// Every port of the Verilog's top module, and no other, in its order.
#[test]
fn the_ports_are_those_of_the_verilog() {
    for layer in layers().into_iter().chain(staged_layers()) {
        let plan = Plan::new(&layer);
        let verilog = emit::verilog(&plan);
        let header = format!("\nmodule {} (\n", layer.name());
        let (_, ports) = verilog.split_once(&header).unwrap();
        let (ports, _) = ports.split_once("\n);").unwrap();
        let found: Vec<(String, String, u64)> = ports.lines().map(port_of_line).collect();
        let manifest = parsed(&plan);
        let listed = manifest["ports"].as_array().unwrap().iter().map(|port| {
            let text = |key: &str| port[key].as_str().unwrap().to_owned();
            (
                text("name"),
                text("direction"),
                port["width"].as_u64().unwrap(),
            )
        });
        assert_eq!(found, listed.collect::<Vec<_>>());
    }
}

/// Of a line like `  input  wire [15:0] name,  // comment`: name, direction, bits.
fn port_of_line(line: &str) -> (String, String, u64) {
    let line = line.split("//").next().unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let width = match words[2].strip_prefix('[') {
        Some(range) => range.split(':').next().unwrap().parse::<u64>().unwrap() + 1,
        None => 1,
    };
    let name = words.last().unwrap().trim_end_matches(',').to_owned();
    (name, words[0].to_owned(), width)
}

#[test]
fn the_same_layer_gives_the_same_bytes() {
    for layer in layers().into_iter().chain(staged_layers()) {
        let plans = [Plan::new(&layer), Plan::new(&layer)];
        let [first, second] = plans.each_ref().map(manifest::json);
        assert_eq!(first, second);
        let [first, second] = plans.each_ref().map(emit::verilog);
        assert_eq!(first, second);
    }
}

/// The layer in the manifest is a whole layer file.
#[test]
fn the_layer_reads_back() {
    for layer in layers().into_iter().chain(staged_layers()) {
        let mut manifest = parsed(&Plan::new(&layer));
        let mut take = |key: &str| manifest.as_object_mut().unwrap().remove(key).unwrap();
        let mut keys = serde_json::Map::new();
        for key in ["name", "layer", "engine"] {
            keys.insert(key.to_owned(), take(key));
        }
        let file: LayerFile = serde_json::from_value(Value::Object(keys)).unwrap();
        assert_eq!(file.validate().unwrap(), layer);
    }
}
