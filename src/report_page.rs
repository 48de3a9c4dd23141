//! A page about a layer's engine: what it is, what it did in a simulated frame, and each issue of that frame.
//!
//! The page is one file of HTML with its style, its script and its data in it, and asks for nothing else. What it shows of
//! the frame is what [`events::record`](crate::events::record) saw in the simulated Verilog; [`Steps`] holds that against
//! the equation of a tap.

mod data;
mod network;
mod steps;
mod words;

pub use data::{page_data, PageData, Synthesised};
pub use network::network_page;
pub use steps::{Parting, Step, Steps};

/// Cycles of the run that the page holds at most: its text stays far below 2 MB.
pub const MOST_CYCLES: u64 = 20_000;

const PAGE: &str = include_str!("report_page/page.html");
const STYLE: &str = include_str!("report_page/page.css");
const SCRIPT: &str = include_str!("report_page/page.js");

/// The page's text.
pub fn page(data: &PageData) -> String {
    filled(PAGE, &data.title, STYLE, SCRIPT, &data.to_json())
}

/// A page of these parts. Nothing in the data can end the element that it is in, or begin another.
fn filled(page: &str, title: &str, style: &str, script: &str, json: &str) -> String {
    let json = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    // One pass, so that what is put in is not looked at again.
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").expect("a name ends");
        text.push_str(before);
        match name {
            "title" => text.push_str(&escaped(title)),
            "style" => text.push_str(style),
            "script" => text.push_str(script),
            "data" => text.push_str(&json),
            other => unreachable!("the page has no part {other}"),
        }
        rest = behind;
    }
    text.push_str(rest);
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_stays_in_its_element() {
        let page = "<title>{{title}}</title><style>{{style}}</style><script type=x>{{data}}</script><script>{{script}}</script>";
        let hostile = "\"</script><script>alert(1)</script>{{style}}&amp;\"";
        let text = filled(page, "<b>\"&", "s", "j", hostile);
        assert_eq!(
            text,
            "<title>&lt;b&gt;&quot;&amp;</title><style>s</style><script type=x>\"\\u003c/script\\u003e\\u003cscript\\u003e\
             alert(1)\\u003c/script\\u003e{{style}}\\u0026amp;\"</script><script>j</script>"
        );
    }
}
