//! Renders the report of a scan for people and for programs.

use std::io::{self, Write};

use lazaret_pipeline::Report;

use crate::screen::Screen;

pub(crate) mod egress;
pub(crate) mod html;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod reconciliation;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod sarif;
mod summary;

/// Reports and what the reader wants to know beside them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Findings<'a> {
    /// One report for each origin.
    pub(crate) reports: &'a [Report],
    /// The name that the policy gives itself.
    pub(crate) policy_name: &'a str,
}

/// Writes the reports as a summary for a person.
pub(crate) fn write_human(findings: Findings<'_>, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    human::write(&summary::Summary::of(findings), screen, out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::plain;

    /// A report in which everything that a stranger may choose is the given text.
    fn report_by_a_stranger(text: &str) -> Report {
        let mut report = sample::small();
        report.origin.path = text.to_owned();
        for file in &mut report.files {
            text.clone_into(&mut file.path);
        }
        for entry in &mut report.evidence {
            text.clone_into(&mut entry.why);
        }
        for warning in &mut report.warnings {
            text.clone_into(&mut warning.example);
        }
        report
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_format_passes_on_what_a_stranger_wrote_as_it_is(text in any::<String>()) {
            let report = report_by_a_stranger(&format!("</script><b>{text}"));
            let reports = std::slice::from_ref(&report);
            let mut outputs: [Vec<u8>; 5] = Default::default();
            let [human, json, lines, sarif, page] = &mut outputs;
            write_human(Findings { reports, policy_name: &text }, &Screen::file(), human).unwrap();
            json::write_whole(reports, json).unwrap();
            json::write_lines(reports, lines).unwrap();
            sarif::write(reports, sarif).unwrap();
            html::write(&report, &text, page).unwrap();
            prop_assert_eq!(String::from_utf8_lossy(page).matches("</script").count(), 2);
            for output in outputs {
                let output = String::from_utf8(output).unwrap();
                let steers = output.split('\n').find(|line| matches!(plain(line), std::borrow::Cow::Owned(_)));
                prop_assert_eq!(steers, None);
            }
        }
    }
}
