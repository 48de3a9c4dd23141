//! What the parser says in a user's words: no types of this program, and what would be right.

/// Keys that people know from elsewhere, and what does here as they do there.
const ELSEWHERE: [(&str, &str); 2] = [
    ("kernel_size", "the size of the kernel is `kernel`"),
    ("lanes", "here they are `simd` and `pe` in [engine]"),
];

/// A parser's message about the value of `key`, where it is about a value.
pub(super) fn in_plain_words(message: &str, key: Option<&str>) -> String {
    let message = message.trim_end();
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (name, known) = rest.split_once(", expected ").unwrap_or((rest, "none"));
        let elsewhere = ELSEWHERE.iter().find(|(key, _)| name == format!("`{key}`"));
        return match elsewhere {
            Some((_, hint)) => format!("unknown key {name}: {hint}"),
            None => format!("unknown key {name}: expected {known}"),
        };
    }
    if let Some(name) = message.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    for (start, verb) in [
        ("invalid type: ", "is"),
        ("invalid value: ", "is"),
        ("invalid length ", "has"),
    ] {
        let rest = message.strip_prefix(start);
        // The last one: the value may be a text with these words.
        if let Some((value, right)) = rest.and_then(|rest| rest.rsplit_once(", expected ")) {
            let value = match verb {
                "has" => format!("{value} {}", if value == "1" { "item" } else { "items" }),
                _ => value_in_words(value),
            };
            let right = type_in_words(right);
            return format!("{} {verb} {value}: it must be {right}", subject(key));
        }
    }
    message.replace('\n', " ")
}

/// `layer.kernel`; of a list of layers the key alone, as the line says which.
fn subject(key: Option<&str>) -> String {
    let Some(key) = key else {
        return "this".to_owned();
    };
    let key = match key.strip_suffix(']') {
        // An item is called by its list.
        Some(item) => item.rsplit_once('[').map_or(item, |(list, _)| list),
        None => key,
    };
    let key = key.rsplit_once("].").map_or(key, |(_, key)| key);
    format!("`{key}`")
}

fn value_in_words(value: &str) -> String {
    match value {
        "map" => return "a table".to_owned(),
        "sequence" => return "a list".to_owned(),
        _ => {}
    }
    for kind in ["integer ", "floating point ", "boolean ", "string "] {
        if let Some(value) = value.strip_prefix(kind) {
            // A number may be followed by the type that holds it.
            let number = value
                .strip_prefix('`')
                .and_then(|value| value.split('`').next());
            return number.unwrap_or(value).to_owned();
        }
    }
    value.to_owned()
}

fn type_in_words(right: &str) -> &str {
    match right {
        "i64" => "an integer",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text in quotes",
        "a sequence" => "a list",
        "an array of length 2" => "a list of 2",
        _ if right.starts_with("struct ") => "a table",
        _ => right,
    }
}
