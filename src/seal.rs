//! Text files that show whether anybody has changed them since the program wrote them.
//!
//! One line holds the SHA-256 of all others, so `grep -v 'bpa-engine sha256' FILE | sha256sum` finds it again. What was
//! edited is thus told from what may be written anew, on any machine.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

/// What stands before the digest.
const MARK: &str = "bpa-engine sha256 ";
/// The seal lies within so many bytes from the end of a file.
const END: u64 = 256;

/// The text of a file with this extension, sealed.
///
/// # Panics
/// If there is no place for a seal in such a file.
pub fn sealed(text: &str, extension: &str) -> String {
    let (text, end, open, close) = match extension {
        "v" | "sv" | "hex" | "rdl" => (text.to_owned(), "", "// ", ""),
        "toml" | "py" | "core" | "tcl" | "xdc" | "sdc" | "pcf" | "lpf" => {
            (text.to_owned(), "", "# ", "")
        }
        "c" | "h" => (text.to_owned(), "", "/* ", " */"),
        "md" | "svg" | "html" => (text.to_owned(), "", "<!-- ", " -->"),
        "json" => {
            let open = text.strip_suffix("\n}\n").expect("an object in lines");
            (format!("{open},\n"), "}\n", "  \"seal\": \"", "\"")
        }
        _ => panic!("no comment is known for files called *.{extension}"),
    };
    let text = match text.ends_with('\n') {
        true => text,
        false => text + "\n",
    };
    let mut hasher = Sha256::new();
    hasher.update(&text);
    hasher.update(end);
    let digest = hex(hasher);
    format!("{text}{open}{MARK}{digest}{close}\n{end}")
}

/// Whether the file's bytes are those that [`sealed`] made. Of a file without a seal at its end, no more is read.
///
/// # Errors
/// The file cannot be read.
pub fn has_seal(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len().min(END);
    file.seek(SeekFrom::End(-(end as i64)))?;
    let mut tail = Vec::new();
    file.take(end).read_to_end(&mut tail)?;
    Ok(position_of_mark(&tail).is_some() && is_sealed(&fs::read(path)?))
}

fn is_sealed(bytes: &[u8]) -> bool {
    let mut hasher = Sha256::new();
    let mut seals = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match digest_in(line) {
            Some(digest) => seals.push(digest),
            None => hasher.update(line),
        }
    }
    matches!(&seals[..], [digest] if *digest == hex(hasher).as_bytes())
}

/// The digest of a line that is a seal.
fn digest_in(line: &[u8]) -> Option<&[u8]> {
    let at = position_of_mark(line)?;
    line.get(at + MARK.len()..)?.get(..64)
}

fn position_of_mark(bytes: &[u8]) -> Option<usize> {
    let mut parts = bytes.windows(MARK.len());
    parts.position(|part| part == MARK.as_bytes())
}

/// The digest in hexadecimal.
pub(crate) fn hex(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_until_anything_is_changed() {
        for (extension, text) in [
            ("v", "module a;\nendmodule\n"),
            ("h", "#define A 1\n"),
            ("svg", "<svg></svg>"),
            ("toml", "[layer]\nkernel = 3\n"),
            ("json", "{\n  \"a\": 1\n}\n"),
        ] {
            let sealed = sealed(text, extension);
            assert!(is_sealed(sealed.as_bytes()), "{sealed}");
            assert!(!is_sealed(text.as_bytes()));
            for at in 0..sealed.len() {
                let mut edited = sealed.clone().into_bytes();
                edited[at] ^= 1;
                // What stands beside the digest in its own line is not looked at.
                let line = sealed[..at].matches('\n').count();
                if !sealed.lines().nth(line).unwrap().contains(MARK) {
                    assert!(!is_sealed(&edited), "{at}: {sealed}");
                }
            }
            assert!(!is_sealed(format!("{sealed}more\n").as_bytes()));
            assert!(!is_sealed(format!("{sealed}{sealed}").as_bytes()));
        }
    }

    #[test]
    fn a_seal_is_found_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (text, has) in [
            (sealed("module a;\nendmodule\n", "v"), true),
            (sealed("{\n  \"a\": 1\n}\n", "json"), true),
            ("module a;\nendmodule\n".repeat(100), false),
            (String::new(), false),
        ] {
            fs::write(&path, &text).unwrap();
            assert_eq!(has_seal(&path).unwrap(), has, "{text}");
        }
    }

    #[test]
    fn a_sealed_manifest_is_json() {
        let text = sealed("{\n  \"a\": 1\n}\n", "json");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["a"], 1);
        assert!(json["seal"].as_str().unwrap().starts_with(MARK));
    }
}
