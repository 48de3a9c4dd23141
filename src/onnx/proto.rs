//! Messages of ONNX with the fields that are read here, under the numbers of the public format (`onnx.proto`, version 3
//! of the protocol's syntax). Other fields are passed over.

use prost::Message;

/// `ModelProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Model {
    /// Version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// What is computed.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
}

/// `GraphProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Graph {
    /// Each after those whose outputs it takes.
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Node>,
    /// What it is called.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializers: Vec<TensorMessage>,
    /// Inputs; constants may be among them.
    #[prost(message, repeated, tag = "11")]
    pub inputs: Vec<ValueInfo>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub outputs: Vec<ValueInfo>,
    /// What lies between.
    #[prost(message, repeated, tag = "13")]
    pub values: Vec<ValueInfo>,
}

/// `NodeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of values; an empty one is an input that is not there.
    #[prost(string, repeated, tag = "1")]
    pub inputs: Vec<String>,
    /// Names of values.
    #[prost(string, repeated, tag = "2")]
    pub outputs: Vec<String>,
    /// What it is called, if anything.
    #[prost(string, tag = "3")]
    pub name: String,
    /// What it does.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// How.
    #[prost(message, repeated, tag = "5")]
    pub attributes: Vec<Attribute>,
    /// Whose operator it is; empty for those of ONNX itself.
    #[prost(string, tag = "7")]
    pub domain: String,
}

/// `AttributeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// What it is called.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A number.
    #[prost(float, tag = "2")]
    pub float: f32,
    /// An integer.
    #[prost(int64, tag = "3")]
    pub int: i64,
    /// A text.
    #[prost(bytes = "vec", tag = "4")]
    pub text: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub tensor: Option<TensorMessage>,
    /// A body, of a loop or a branch.
    #[prost(message, optional, boxed, tag = "6")]
    pub graph: Option<Box<Graph>>,
    /// Integers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Bodies.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<Graph>,
}

/// `TensorProto`.
#[derive(Clone, PartialEq, Message)]
pub struct TensorMessage {
    /// Its shape.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// `TensorProto.DataType`.
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Values of float.
    #[prost(float, repeated, tag = "4")]
    pub floats: Vec<f32>,
    /// Values of the integers up to 32 bits, and bits of the narrow floats.
    #[prost(int32, repeated, tag = "5")]
    pub int32s: Vec<i32>,
    /// Values of int64.
    #[prost(int64, repeated, tag = "7")]
    pub int64s: Vec<i64>,
    /// What it is called.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Values of any type, the least byte first, in place of the lists.
    #[prost(bytes = "vec", tag = "9")]
    pub raw: Vec<u8>,
    /// Values of double.
    #[prost(double, repeated, tag = "10")]
    pub doubles: Vec<f64>,
    /// Where values in another file are: `location`, `offset`, `length`.
    #[prost(message, repeated, tag = "13")]
    pub external: Vec<Entry>,
    /// 1 where they are in another file.
    #[prost(int32, tag = "14")]
    pub location: i32,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// What it is of.
    #[prost(string, tag = "1")]
    pub key: String,
    /// What it is.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `ValueInfoProto`.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfo {
    /// Of the value.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<ValueType>,
}

/// `TypeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct ValueType {
    /// That of a tensor; `None` of other things.
    #[prost(message, optional, tag = "1")]
    pub tensor: Option<TensorType>,
}

/// `TypeProto.Tensor`.
#[derive(Clone, PartialEq, Message)]
pub struct TensorType {
    /// Its shape, where it is known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    /// Axis by axis.
    #[prost(message, repeated, tag = "1")]
    pub dims: Vec<Dimension>,
}

/// `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// How long it is; `None` where it has a name, or nothing.
    #[prost(int64, optional, tag = "1")]
    pub value: Option<i64>,
}
