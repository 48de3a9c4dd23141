//! Arrays from NumPy files: every integer type, byte order and memory order, and what a user is told otherwise.

use std::path::Path;

use bpa_engine::layer::{Layer, LayerFile, PerItem};
use bpa_engine::npy::{
    read_accumulate, read_bias, read_mask, read_moving, read_scale, read_stationary, write,
    NpyError,
};
use bpa_engine::plan::Plan;
use insta::assert_snapshot;
use ndarray::Array4;

/// grad_output (N, 2, 2, 3) of int4, weight (2, 1, 1, 1) of int16.
fn layer() -> Layer {
    let mut file = LayerFile::default();
    file.layer.in_channels = Some(1);
    file.layer.out_channels = Some(2);
    file.layer.in_size = Some(PerItem([2, 3]));
    file.layer.kernel = Some(PerItem([1, 1]));
    file.engine.grad_type = "int4".to_owned();
    file.engine.weight_type = "int16".to_owned();
    file.validate().unwrap()
}

/// A file as NumPy writes it, version 1.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// grad_output of one frame, in C order.
const VALUES: [i8; 12] = [-8, 7, 0, 1, 2, 3, 4, 5, 6, -1, -2, -3];
const SHAPE: &str = "(1, 2, 2, 3)";

/// The message, without the folder.
fn error(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dy.npy");
    std::fs::write(&path, bytes).unwrap();
    let message = read_moving(&path, &layer()).unwrap_err().to_string();
    message.replace(&format!("{}/", folder.path().display()), "")
}

fn read(bytes: &[u8]) -> Array4<i32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dy.npy");
    std::fs::write(&path, bytes).unwrap();
    read_moving(&path, &layer()).unwrap()
}

#[test]
fn every_integer_type_and_order_reads_the_same() {
    let expected = Array4::from_shape_vec((1, 2, 2, 3), VALUES.map(i32::from).to_vec()).unwrap();
    for fortran in [false, true] {
        let values: Vec<i8> = match fortran {
            true => expected.t().iter().map(|&value| value as i8).collect(),
            false => VALUES.to_vec(),
        };
        for (letter, size) in [('i', 1), ('i', 2), ('i', 4), ('i', 8)] {
            for order in ['<', '>'] {
                let mut data = Vec::new();
                for &value in &values {
                    let bytes = i64::from(value).to_be_bytes();
                    let mut bytes = bytes[8 - size..].to_vec();
                    if order == '<' {
                        bytes.reverse();
                    }
                    data.extend(bytes);
                }
                let descr = format!("'{order}{letter}{size}'");
                let array = read(&npy(&descr, fortran, SHAPE, &data));
                assert_eq!(array, expected, "{descr}, Fortran order {fortran}");
                assert!(array.is_standard_layout());
            }
        }
    }
}

#[test]
fn unsigned_types_read_where_their_values_fit() {
    for size in [1, 2, 4, 8] {
        let data: Vec<u8> = (0..8_u64)
            .chain(0..4)
            .flat_map(|value| value.to_le_bytes()[..size].to_vec())
            .collect();
        let array = read(&npy(&format!("'<u{size}'"), false, SHAPE, &data));
        assert_eq!(
            array.iter().copied().collect::<Vec<_>>(),
            [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]
        );
    }
}

#[test]
fn values_out_of_range_name_the_first_in_the_order_of_the_indices() {
    let mut data = VALUES.map(|value| value as u8);
    data[4] = 8;
    data[9] = -9_i8 as u8;
    assert_snapshot!(error(&npy("'|i1'", false, SHAPE, &data)), @"dy.npy: grad_output[0, 0, 1, 1] is 8, but int4 holds -8 to 7");
    // In Fortran order these places are (0, 0, 0, 1) and (0, 1, 0, 2).
    assert_snapshot!(error(&npy("'|i1'", true, SHAPE, &data)), @"dy.npy: grad_output[0, 0, 0, 1] is 8, but int4 holds -8 to 7");
    let huge = [u8::MAX; 96];
    assert_snapshot!(error(&npy("'<u8'", false, SHAPE, &huge)), @"dy.npy: grad_output[0, 0, 0, 0] is 18446744073709551615, but int4 holds -8 to 7");
}

#[test]
fn wrong_shapes_and_ranks() {
    let data = [0; 64];
    let shapes = [
        "(2, 2, 3)",
        "(1, 1, 2, 2, 3)",
        "()",
        "(1, 2, 3, 2)",
        "(1, 1, 2, 3)",
        "(0, 2, 2, 3)",
        // Products that overflow 64 bits.
        "(4294967296, 4294967296, 2, 3)",
        "(18446744073709551615, 2, 2, 3)",
    ];
    assert_snapshot!(shapes.map(|shape| error(&npy("'|i1'", false, shape, &data))).join("\n"), @r"
    dy.npy: grad_output must have 4 axes (N, K, P, Q), but its shape is [2, 2, 3]
    dy.npy: grad_output must have 4 axes (N, K, P, Q), but its shape is [1, 1, 2, 2, 3]
    dy.npy: grad_output must have 4 axes (N, K, P, Q), but its shape is []
    dy.npy: grad_output (N, K, P, Q) must have the shape [N, 2, 2, 3] of the layer, but its shape is [1, 2, 3, 2]
    dy.npy: grad_output (N, K, P, Q) must have the shape [N, 2, 2, 3] of the layer, but its shape is [1, 1, 2, 3]
    dy.npy: grad_output holds no frame: its shape is [0, 2, 2, 3], and N must be at least 1
    dy.npy: grad_output (N, K, P, Q) must have the shape [N, 2, 2, 3] of the layer, but its shape is [4294967296, 4294967296, 2, 3]
    dy.npy: truncated: the shape [18446744073709551615, 2, 2, 3] of grad_output needs 221360928884514619380 bytes of data, but there are 64
    ");
}

#[test]
fn types_that_are_no_integers() {
    let data = [0; 256];
    let descrs = ["'<f4'", "'|b1'", "'<c8'", "'|O'", "[('a', '<i4')]"];
    assert_snapshot!(descrs.map(|descr| error(&npy(descr, false, SHAPE, &data))).join("\n"), @r"
    dy.npy: grad_output must be an array of integers, but its type is '<f4'
    dy.npy: grad_output must be an array of integers, but its type is '|b1'
    dy.npy: grad_output must be an array of integers, but its type is '<c8'
    dy.npy: grad_output must be an array of integers, but its type is '|O'
    dy.npy: grad_output must be an array of integers, but its type is [('a', '<i4'), ]
    ");
}

#[test]
fn files_that_are_cut_or_something_else() {
    let whole = npy("'<i4'", false, SHAPE, &[0; 48]);
    let cut = [0, 3, 8, 20, whole.len() - 48, whole.len() - 1];
    let mut all: Vec<String> = cut.map(|length| error(&whole[..length])).into();
    all.push(error(b"PK\x03\x04 and so on, as a zip archive"));
    all.push(error(&npy("'<i4'", false, "(1, 'x')", &[])));
    all.push(error(&npy("'<i3'", false, SHAPE, &[])));
    assert_snapshot!(all.join("\n"), @r"
    dy.npy: not an .npy file: magic not found for NPY file
    dy.npy: not an .npy file: magic not found for NPY file
    dy.npy: not an .npy file: its header is truncated
    dy.npy: not an .npy file: its header is truncated
    dy.npy: truncated: the shape [1, 2, 2, 3] of grad_output needs 48 bytes of data, but there are 0
    dy.npy: truncated: the shape [1, 2, 2, 3] of grad_output needs 48 bytes of data, but there are 47
    dy.npy: not an .npy file: magic not found for NPY file
    dy.npy: not an .npy file: dimension must be an integer
    dy.npy: not an .npy file: invalid type string: Type string '<i3' has invalid size. Valid sizes are: [1, 2, 4, 8]
    ");
}

#[test]
fn a_file_that_is_not_there() {
    let error = read_stationary(Path::new("no/such/w.npy"), &layer()).unwrap_err();
    assert_snapshot!(error, @"no/such/w.npy: cannot read: No such file or directory (os error 2)");
}

#[test]
fn results_are_int32_or_int64_in_c_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.npy");
    let weight = Array4::from_shape_vec((2, 1, 1, 1), vec![-32768_i64, 32767]).unwrap();
    for (value_bits, descr) in [(32, "<i4"), (33, "<i8")] {
        write(&path, &weight, value_bits).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..128]).contains(descr));
        assert_eq!(
            read_stationary(&path, &layer()).unwrap(),
            weight.mapv(|value| value as i32)
        );
    }
    let missing = folder.path().join("missing/w.npy");
    assert!(write(&missing, &weight, 32)
        .unwrap_err()
        .to_string()
        .contains("missing/w.npy: cannot write"));
}

/// Arrays of the output stages: C = 3, H, W = 2, 1.
fn staged_layer(engine: &str) -> Layer {
    let text = format!(
        "[layer]\nin_channels = 3\nout_channels = 1\nin_size = [2, 1]\nkernel = 1\n[engine]\n{engine}"
    );
    let file: LayerFile = toml::from_str(&text).unwrap();
    file.validate().unwrap()
}

fn in_folder<T>(
    bytes: &[u8],
    read: impl FnOnce(&Path) -> Result<T, NpyError>,
) -> Result<T, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    std::fs::write(&path, bytes).unwrap();
    let place = format!("{}/", folder.path().display());
    read(&path).map_err(|error| error.to_string().replace(&place, ""))
}

#[test]
fn scales_are_as_many_as_the_layer_has() {
    let tensor = staged_layer("out_type = \"int8\"\nshift = 1\nscale_bits = 4");
    let channel =
        staged_layer("out_type = \"int8\"\nshift = 1\nscale_bits = 4\nscale_per = \"channel\"");
    let read = |layer: &Layer, shape: &str, data: &[u8]| {
        in_folder(&npy("'|i1'", false, shape, data), |path| {
            read_scale(path, layer)
        })
    };
    assert_eq!(read(&tensor, "(1,)", &[7]).unwrap().to_vec(), [7]);
    assert_eq!(
        read(&channel, "(3,)", &[7, 0, 0xf8]).unwrap().to_vec(),
        [7, 0, -8]
    );
    let errors = [
        read(&channel, "(1,)", &[7]),
        read(&tensor, "()", &[7]),
        read(&channel, "(3,)", &[7, 8, 0]),
    ];
    assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r"
    x.npy: scale (C) must have the shape [3] of the layer, but its shape is [1]
    x.npy: scale must have 1 axis (1), but its shape is []
    x.npy: scale[1] is 8, but int4 holds -8 to 7
    ");
}

/// A bias is as wide as a sum can be.
#[test]
fn biases_are_as_many_as_channels_and_no_wider_than_sums() {
    let layer = staged_layer("bias = true\ngrad_type = \"int2\"\nweight_type = \"int2\"");
    let most = i64::MAX >> (64 - layer.bias_bits().unwrap());
    let read = |shape: &str, data: &[u8]| {
        in_folder(&npy("'|i1'", false, shape, data), |path| {
            read_bias(path, &layer)
        })
    };
    let at = |value: i64| value as u8;
    let read_back = read("(3,)", &[at(most), at(!most), 0]).unwrap();
    assert_eq!(read_back.to_vec(), [most, !most, 0]);
    let errors = [read("(1,)", &[7]), read("(3,)", &[0, 0, at(most + 1)])];
    assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r"
    x.npy: bias (C) must have the shape [3] of the layer, but its shape is [1]
    x.npy: bias[2] is 8, but with sums of 4 bits, which a wider `engine.weight_type` widens, a bias holds -8 to 7
    ");
}

#[test]
fn values_to_add_fit_their_stream() {
    let layer = staged_layer("accumulate = true\ngrad_type = \"int2\"\nweight_type = \"int2\"");
    let plan = Plan::new(&layer);
    let read = |shape: &str, data: &[u8]| {
        in_folder(&npy("'|i1'", false, shape, data), |path| {
            read_accumulate(path, &plan, 1)
        })
    };
    let values = read("(1, 3, 2, 1)", &[63, 0xc0, 0, 1, 2, 3]).unwrap();
    assert_eq!(values.as_slice().unwrap(), [63, -64, 0, 1, 2, 3]);
    let errors = [
        read("(1, 3, 2, 1)", &[0, 0, 64, 0, 0, 0]),
        read("(2, 3, 2, 1)", &[0; 12]),
        read("(3, 2)", &[0; 6]),
    ];
    assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r"
    x.npy: accumulate[0, 1, 0, 0] is 64, but the accumulate stream's int7 holds -64 to 63
    x.npy: accumulate (N, C, H, W) must have the shape [1, 3, 2, 1] of the layer, but its shape is [2, 3, 2, 1]
    x.npy: accumulate must have 4 axes (N, C, H, W), but its shape is [3, 2]
    ");
}

#[test]
fn masks_are_booleans_or_zero_and_one() {
    let layer = staged_layer("mask = true");
    let read = |descr: &str, data: &[u8]| {
        in_folder(&npy(descr, false, "(1, 3, 2, 1)", data), |path| {
            read_mask(path, &layer, 1)
        })
    };
    let expected = [true, false, false, true, true, false];
    for descr in ["'|b1'", "'|u1'", "'|i1'"] {
        let mask = read(descr, &[1, 0, 0, 1, 1, 0]).unwrap();
        assert_eq!(mask.as_slice().unwrap(), expected, "{descr}");
    }
    let errors = [read("'|u1'", &[1, 0, 2, 1, 1, 0]), read("'<f4'", &[0; 24])];
    assert_snapshot!(errors.map(Result::unwrap_err).join("\n"), @r"
    x.npy: mask[0, 1, 0, 0] is 2, but a mask holds 0 to 1
    x.npy: mask must be an array of booleans or integers, but its type is '<f4'
    ");
    // A boolean is no gradient.
    assert_snapshot!(error(&npy("'|b1'", false, SHAPE, &[0; 12])), @"dy.npy: grad_output must be an array of integers, but its type is '|b1'");
}
