//! A report as one page that needs no network: data, style and script in a single file.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_core::Digest;
use lazaret_pipeline::{Report, write_json};

use self::data::PageData;

mod data;

/// The page around its data; `{{name}}` marks what is filled in.
const PAGE: &str = include_str!("html/page.html");
/// The style.
const STYLE: &str = concat!(include_str!("html/page.css"), include_str!("html/parts.css"));
/// The script: one scope, in the order that its parts build upon each other.
const SCRIPT: &str = concat!(
    "'use strict';(() => {\n",
    include_str!("html/data.js"),
    include_str!("html/elements.js"),
    include_str!("html/squarify.js"),
    include_str!("html/treemap.js"),
    include_str!("html/timeline.js"),
    include_str!("html/file-table.js"),
    include_str!("html/file-view.js"),
    include_str!("html/page.js"),
    "})();\n",
);

/// Writes the page. Everything that comes from the repository is in the data element, as JSON without markup; the
/// script puts it into the page as text only, and the page's own rules let no other script run.
pub(crate) fn write(report: &Report, policy_name: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        out.write_all(before.as_bytes())?;
        match name {
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "style-hash" => out.write_all(content_hash(STYLE).as_bytes())?,
            "script-hash" => out.write_all(content_hash(SCRIPT).as_bytes())?,
            "data" => write_json(&PageData::of(report, policy_name), out)?,
            unknown => return Err(io::Error::other(format!("the page names the unknown part `{unknown}`"))),
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Returns the name of an inline style or script in a content security policy (W3C CSP 3, section 2.3.1).
fn content_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Digest::of(text.as_bytes()).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn page(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, "</script><b>acme", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The text of the data element.
    fn data_of(page: &str) -> &str {
        let (_, rest) = page.split_once(r#"type="application/json">"#).unwrap();
        rest.split_once("</script>").unwrap().0
    }

    #[test]
    fn hostile_text_stays_data() {
        let page = page(&sample::small());
        let data = data_of(&page);
        assert!(!data.contains(['<', '>', '&', '\u{1b}', '\u{9b}', '\u{202e}']), "{data}");
        assert_eq!(page.matches("<script").count(), 2, "the data and the program");
        assert_eq!(page.matches("</script>").count(), 2);
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert!(read.to_string().contains("onerror"), "nothing is lost either");
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        let page = page(&sample::small());
        assert!(page.contains("default-src 'none'"));
        for part in [PAGE, STYLE, SCRIPT] {
            for forbidden in
                ["http:", "https:", "//cdn", "@import", "fetch(", "XMLHttpRequest", "src=", "url("]
            {
                let allowed = part.replace("http://www.w3.org/2000/svg", "");
                assert!(!allowed.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_script_writes_text_and_never_markup() {
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
        {
            assert!(!SCRIPT.contains(forbidden), "{forbidden}");
        }
        assert!(!SCRIPT.contains("</script"));
    }

    /// Writes pages for people to look at into the folder that `LAZARET_SAMPLES` names.
    #[test]
    #[ignore = "writes files for people to look at"]
    #[expect(clippy::disallowed_methods, reason = "started by hand")]
    fn samples_for_looking_at() {
        let folder = std::path::PathBuf::from(std::env::var_os("LAZARET_SAMPLES").unwrap());
        let samples = [
            ("small", sample::small()),
            ("medium", sample::large(600)),
            ("large", sample::large(20_000)),
            ("huge", sample::large(100_000)),
        ];
        for (name, report) in samples {
            let mut file = std::fs::File::create(folder.join(format!("{name}.html"))).unwrap();
            write(&report, "acme-training", &mut file).unwrap();
            let mut file = std::fs::File::create(folder.join(format!("{name}.txt"))).unwrap();
            let findings = crate::report::Findings {
                reports: std::slice::from_ref(&report),
                policy_name: "acme-training",
            };
            let mut screen = crate::screen::Screen::file();
            crate::report::write_human(findings, &screen, &mut file).unwrap();
            screen.width = 110;
            screen.color = true;
            crate::report::write_human(findings, &screen, &mut file).unwrap();
        }
    }
}
