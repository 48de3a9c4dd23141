//! The header of a NumPy file, looked at before it is parsed: the parser's time and stack grow without end with what is
//! nested.

use std::io::ErrorKind;

use npyz::NpyHeader;

/// Bytes of a header, as many as NumPy itself reads where it is not told otherwise.
const MOST_BYTES: usize = 10_000;
/// Brackets within one another: the dictionary, and the fields of a type that is made of others.
const MOST_DEPTH: usize = 8;

/// Takes the header off the data.
///
/// # Errors
/// Why it is none.
pub(super) fn read(data: &mut &[u8]) -> Result<NpyHeader, String> {
    if let Some(text) = text_of(data) {
        check(text)?;
    }
    NpyHeader::from_reader(data).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => "its header is truncated".to_owned(),
        // What the parser draws of the place.
        _ if error.to_string().contains('\n') => {
            "its header is no dictionary as NumPy writes it".to_owned()
        }
        _ => error.to_string(),
    })
}

/// The dictionary, or as much of it as there is; `None` where the file is none, which the parser tells.
fn text_of(data: &[u8]) -> Option<&[u8]> {
    let version_and_on = data.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match *version_and_on {
        [1, _, low, high, ref rest @ ..] => (u16::from_le_bytes([low, high]).into(), rest),
        [_, _, a, b, c, d, ref rest @ ..] => (u32::from_le_bytes([a, b, c, d]), rest),
        _ => return None,
    };
    Some(&rest[..rest.len().min(length as usize)])
}

fn check(text: &[u8]) -> Result<(), String> {
    if text.len() > MOST_BYTES {
        return Err(format!(
            "its header has {} bytes, and the most that is read are {MOST_BYTES}",
            text.len()
        ));
    }
    let mut depth = 0_usize;
    for byte in text {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => (),
            0..b' ' | 0x7f => return Err("its header holds bytes that are no text".to_owned()),
            _ => (),
        }
        if depth > MOST_DEPTH {
            return Err(format!(
                "its header nests brackets more than {MOST_DEPTH} deep"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(version: u8, text: &str) -> String {
        let mut bytes = vec![0x93, b'N', b'U', b'M', b'P', b'Y', version, 0];
        match version {
            1 => bytes.extend((text.len() as u16).to_le_bytes()),
            _ => bytes.extend((text.len() as u32).to_le_bytes()),
        }
        bytes.extend(text.bytes());
        read(&mut &bytes[..]).map(|_| ()).unwrap_err()
    }

    /// Found by `tests/hostile`: the parser tries each bracket in two ways.
    #[test]
    fn brackets_without_end_are_refused_at_once() {
        for version in [1, 2, 3] {
            for bracket in ["(", "[", "{"] {
                let message = reason(version, &bracket.repeat(40));
                assert_eq!(message, "its header nests brackets more than 8 deep");
            }
        }
    }

    #[test]
    fn headers_have_an_end() {
        let message = reason(2, &" ".repeat(1 << 17));
        assert_eq!(
            message,
            "its header has 131072 bytes, and the most that is read are 10000"
        );
    }

    /// Found by `tests/hostile`: the message would hold them.
    #[test]
    fn what_is_no_text_is_not_repeated() {
        assert_eq!(
            reason(1, "{'descr': \u{1b}[2J"),
            "its header holds bytes that are no text"
        );
        assert_eq!(
            reason(1, "{'descr': x}"),
            "its header is no dictionary as NumPy writes it"
        );
    }
}
