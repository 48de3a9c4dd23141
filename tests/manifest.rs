//! The manifest says the truth: the streams' layout, evaluated as it is written there, gives the beats that the engine
//! takes and gives; its ports are those of the Verilog; and its bytes are always the same.

use std::collections::HashMap;

use bpa_engine::emit;
use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::manifest;
use bpa_engine::plan::Plan;
use bpa_engine::vectors::{
    pack_grad_input, pack_grad_output, pack_weight, random_grad_output, random_weight,
};
use ndarray::{Array3, Axis};
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

fn parsed(plan: &Plan) -> Value {
    serde_json::from_str(&manifest::json(plan)).unwrap()
}

type Indices<'a> = HashMap<&'a str, i64>;

/// An expression of the manifest: integers, names, `( ) * / % + >=`, with the usual precedence.
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
        while self.take(&["+"]).is_some() {
            value += self.product();
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

/// The beats of a packet as the manifest describes them; `element` looks up a value by name of index.
fn described(stream: &Value, element: &dyn Fn(&Indices) -> i64) -> Vec<u8> {
    let order = stream["order"].as_array().unwrap();
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let counts: Vec<usize> = order.iter().map(|each| number(&each["count"])).collect();
    let beat = &stream["beat"];
    let value_bits = number(&beat["value_bits"]);
    let bytes = number(&beat["tdata_bits"]) / 8;
    let beats: usize = counts.iter().product();
    assert_eq!(beats, number(&stream["beats_per_packet"]));
    let mut packet = vec![0_u8; beats * bytes];
    for (index, tdata) in packet.chunks_mut(bytes).enumerate() {
        let mut indices = Indices::new();
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
            for channel in ["k", "c"] {
                if let Some(text) = values[channel].as_str() {
                    at.insert(channel, evaluate(text, &indices));
                }
            }
            let value = element(&at);
            for bit in 0..value_bits {
                let place = e * value_bits + bit;
                tdata[place / 8] |= ((value >> bit & 1) as u8) << (place % 8);
            }
        }
    }
    packet
}

#[test]
fn the_streams_are_laid_out_as_described() {
    for layer in layers() {
        let plan = Plan::new(&layer);
        let manifest = parsed(&plan);
        let streams = manifest["streams"].as_array().unwrap();

        let grads = random_grad_output(&layer, 1, 1);
        let frame = grads.index_axis(Axis(0), 0);
        let element = |at: &Indices| frame[["k", "p", "q"].map(|i| at[i] as usize)].into();
        assert_eq!(
            described(&streams[0], &element),
            pack_grad_output(&layer, frame)
        );

        let weight = random_weight(&layer, 2);
        let element = |at: &Indices| weight[["k", "c", "r", "s"].map(|i| at[i] as usize)].into();
        assert_eq!(
            described(&streams[1], &element),
            pack_weight(&layer, &weight)
        );

        let (rows, cols) = (layer.rows(), layer.cols());
        let shape = [layer.in_channels(), rows.in_size, cols.in_size].map(|size| size as usize);
        let result = Array3::from_shape_fn(shape, |(c, h, w)| (c * 100 + h * 10 + w) as i64 - 250);
        let element = |at: &Indices| result[["c", "h", "w"].map(|i| at[i] as usize)];
        assert_eq!(
            described(&streams[2], &element),
            pack_grad_input(&layer, result.view(), plan.lanes().out_bits() as u32)
        );
    }
}

/// Every port of the Verilog's top module, and no other, in its order.
#[test]
fn the_ports_are_those_of_the_verilog() {
    for layer in layers() {
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
    for layer in layers() {
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
    for layer in layers() {
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
