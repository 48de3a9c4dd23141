//! Which elements of its array the values of a beat are, as integer expressions.

use serde::Serialize;

use crate::layer::{Layer, Pass};

/// What the loops over a pass's streams are called: after the array's axes.
pub(super) struct Letters {
    /// Rows and columns of what moves.
    pub(super) moving: [&'static str; 2],
    /// Rows and columns of taps; of a kernel that is turned, others than the array's.
    pub(super) taps: [&'static str; 2],
    /// Rows and columns of the result.
    pub(super) result: [&'static str; 2],
    /// Blocks of moving channels, and of the result's.
    pub(super) moving_block: &'static str,
    pub(super) result_block: &'static str,
}

impl Letters {
    pub(super) fn of(pass: Pass) -> Self {
        match pass {
            Pass::GradInput => Letters {
                moving: ["p", "q"],
                taps: ["r", "s"],
                result: ["h", "w"],
                moving_block: "k_block",
                result_block: "c_block",
            },
            Pass::Forward => Letters {
                moving: ["h", "w"],
                taps: ["r_turned", "s_turned"],
                result: ["p", "q"],
                moving_block: "c_block",
                result_block: "k_block",
            },
            Pass::GradWeight => Letters {
                moving: ["h", "w"],
                taps: ["p_turned", "q_turned"],
                result: ["r", "s"],
                moving_block: "n_block",
                result_block: "k_block",
            },
        }
    }
}

/// Indices of value e of a beat, as integer expressions in e, the loops' indices and `frame`, which counts the frames of a
/// set; the array's other indices are those of the loops.
#[derive(Default, Serialize)]
pub(super) struct Values {
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    k: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    w: Option<String>,
    /// Where one of these holds there is no such channel: zero goes in, and what comes out has no meaning.
    padding_if: Vec<String>,
}

impl Values {
    /// Scales or biases, whose array has no other index than the channel of the result.
    fn of_scale(pass: Pass, channel: String, padding_if: Vec<String>) -> Self {
        let (c, k) = match pass {
            Pass::GradInput => (Some(channel), None),
            Pass::Forward | Pass::GradWeight => (None, Some(channel)),
        };
        Values {
            c,
            k,
            padding_if,
            ..Values::default()
        }
    }
}

/// Which value of its pixel value e of a beat is, where a pixel has so many.
fn of_pixel(layer: &Layer, values: u32) -> String {
    match layer.pixels() {
        1 => "e".to_owned(),
        _ => format!("(e % {values})"),
    }
}

/// With lanes over pixels, the column of value e and where a row has none; the loop's index counts the row's beats.
fn column(layer: &Layer, letter: &str, values: u32, columns: u64) -> Option<(String, String)> {
    let pixels = layer.pixels();
    let block = column_block(letter);
    let column = format!("{block} * {pixels} + e / {values}");
    let beyond = format!("{column} >= {columns}");
    (pixels > 1).then_some((column, beyond))
}

/// The index of a row's beats, where each has several columns.
pub(super) fn column_block(letter: &str) -> &'static str {
    match letter {
        "q" => "q_block",
        "s" => "s_block",
        _ => "w_block",
    }
}

/// Lanes as expressions: the group of value e, a channel within it, and where these do not exist.
struct Lane {
    group: String,
    channel: String,
    padding_if: Vec<String>,
}

impl Lane {
    /// The channel among all groups, of which each has so many.
    fn among_all(&self, per_group: u32) -> String {
        format!("{} * {per_group} + {}", self.group, self.channel)
    }
}

/// Those of what moves, in beats with a value for each SIMD lane, or `with_pe` for each PE lane of it.
fn moving_lane(layer: &Layer, with_pe: bool, e: &str) -> Lane {
    let op = layer.operation();
    let block = Letters::of(layer.pass()).moving_block;
    let (simd, pe) = (op.simd, op.pe);
    let channel = match with_pe {
        true => format!("{block} * {simd} + {e} / {pe}"),
        false => format!("{block} * {simd} + {e}"),
    };
    let mut padding_if = vec![format!("{channel} >= {}", op.moving_per_group)];
    let group = match op.depthwise {
        true => {
            let group = format!("group_block * {pe} + {e} % {pe}");
            padding_if.push(format!("{group} >= {}", op.groups));
            format!("({group})")
        }
        false => "group".to_owned(),
    };
    Lane {
        group,
        channel,
        padding_if,
    }
}

/// Values of a beat of what moves.
pub(super) fn moving(layer: &Layer) -> Values {
    let op = layer.operation();
    let values = match op.depthwise {
        true => op.simd * op.pe,
        false => op.simd,
    };
    let lane = moving_lane(layer, op.depthwise, &of_pixel(layer, values));
    let all = Some(lane.among_all(op.moving_per_group));
    let mut padding_if = lane.padding_if;
    let letter = Letters::of(layer.pass()).moving[1];
    let (column, beyond) = column(layer, letter, values, op.cols.sources).unzip();
    padding_if.extend(beyond);
    match layer.pass() {
        Pass::GradInput => Values {
            k: all,
            q: column,
            padding_if,
            ..Values::default()
        },
        Pass::Forward => Values {
            c: all,
            w: column,
            padding_if,
            ..Values::default()
        },
        Pass::GradWeight => Values {
            n: Some(lane.channel),
            c: Some(format!("{} * {} + frame", lane.group, layer.in_per_group())),
            w: column,
            padding_if,
            ..Values::default()
        },
    }
}

/// Values of a beat of what is stationary.
pub(super) fn stationary(layer: &Layer) -> Values {
    let op = layer.operation();
    let letters = Letters::of(layer.pass());
    let lane = moving_lane(layer, true, "e");
    let mut padding_if = lane.padding_if.clone();
    let result = match op.depthwise {
        true => "0".to_owned(),
        false => {
            let result = format!("{} * {} + e % {}", letters.result_block, op.pe, op.pe);
            padding_if.push(format!("{result} >= {}", op.result_per_group));
            result
        }
    };
    let result_among_all = match op.depthwise {
        true => lane.group.clone(),
        false => format!("group * {} + {result}", op.result_per_group),
    };
    let [rows, cols] = letters.taps;
    let turned = |size: u64, index: &str| Some(format!("{} - {index}", size - 1));
    let (row, col) = (turned(op.rows.kernel, rows), turned(op.cols.kernel, cols));
    match layer.pass() {
        Pass::GradInput => Values {
            k: Some(lane.among_all(op.moving_per_group)),
            c: Some(result),
            padding_if,
            ..Values::default()
        },
        Pass::Forward => Values {
            k: Some(result_among_all),
            c: Some(lane.channel),
            r: row,
            s: col,
            padding_if,
            ..Values::default()
        },
        Pass::GradWeight => Values {
            n: Some(lane.channel),
            k: Some(result_among_all),
            p: row,
            q: col,
            padding_if,
            ..Values::default()
        },
    }
}

/// The channel of value e of a beat of the result, and where there is none.
fn result_channel(layer: &Layer, e: &str) -> (String, Vec<String>) {
    let op = layer.operation();
    let (lane, of) = match op.depthwise {
        true => (format!("group_block * {} + {e}", op.pe), op.groups),
        false => {
            let block = Letters::of(layer.pass()).result_block;
            (format!("{block} * {} + {e}", op.pe), op.result_per_group)
        }
    };
    let padding_if = vec![format!("{lane} >= {of}")];
    let channel = match op.depthwise {
        true => lane,
        false => format!("group * {} + {lane}", op.result_per_group),
    };
    (channel, padding_if)
}

/// Values of a beat of the result.
pub(super) fn result(layer: &Layer) -> Values {
    let op = layer.operation();
    let (channel, mut padding_if) = result_channel(layer, &of_pixel(layer, op.pe));
    let channel = Some(channel);
    let letter = Letters::of(layer.pass()).result[1];
    let (column, beyond) = column(layer, letter, op.pe, op.cols.positions).unzip();
    padding_if.extend(beyond);
    match layer.pass() {
        Pass::GradInput => Values {
            c: channel,
            w: column,
            padding_if,
            ..Values::default()
        },
        Pass::Forward => Values {
            k: channel,
            q: column,
            padding_if,
            ..Values::default()
        },
        Pass::GradWeight => Values {
            k: channel,
            c: Some("frame".to_owned()),
            s: column,
            padding_if,
            ..Values::default()
        },
    }
}

/// Values of a beat of scales or biases, one for each channel of the result.
pub(super) fn of_channels(layer: &Layer) -> Values {
    let (channel, padding_if) = result_channel(layer, "e");
    Values::of_scale(layer.pass(), channel, padding_if)
}

/// The one scale of all channels.
pub(super) fn one_scale(pass: Pass) -> Values {
    Values::of_scale(pass, "0".to_owned(), vec![])
}
