//! Hints at the licence of a file: the licence files near it and what it says of itself. None of them is a finding.

use std::collections::BTreeMap;

/// In how many first lines of a file a licence is looked for.
const HEAD_LINES: usize = 40;

/// What stands before a licence's name (SPDX specification 2.3, annex E).
const SPDX_TAG: &str = "SPDX-License-Identifier:";

/// The licence files of a revision, by folder.
#[derive(Debug, Default)]
pub(super) struct LicenseFiles {
    by_folder: BTreeMap<String, Vec<String>>,
}

impl LicenseFiles {
    /// Finds the licence files among paths.
    pub(super) fn among<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut found = Self::default();
        for path in paths {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if is_license_file(name) {
                found.by_folder.entry(folder.to_owned()).or_default().push(path.to_owned());
            }
        }
        found.by_folder.values_mut().for_each(|files| files.sort_unstable());
        found
    }

    /// Returns those of the nearest folder that has any, from the file's own upwards.
    pub(super) fn nearest(&self, path: &str) -> &[String] {
        let mut folder = path;
        while let Some((above, _)) = folder.rsplit_once('/') {
            if let Some(files) = self.by_folder.get(above) {
                return files;
            }
            folder = above;
        }
        self.by_folder.get("").map_or(&[], Vec::as_slice)
    }
}

/// Whether a file bears one of the names that licences have: `LICENSE`, `LICENCE.md`, `COPYING.LESSER`, `LICENSE-MIT`.
fn is_license_file(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|known| {
        name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    })
}

/// Returns what the head of a file says of its licence, one expression a line; `None` where it says nothing.
pub(super) fn spdx(text: &str) -> Option<String> {
    let mut found: Vec<&str> = Vec::new();
    for line in text.lines().take(HEAD_LINES) {
        let Some((_, said)) = line.split_once(SPDX_TAG) else { continue };
        let said = said.split("*/").next().and_then(|said| said.split("-->").next()).unwrap_or_default();
        let said = said.trim().trim_end_matches(['"', '\'', ';']).trim();
        if !said.is_empty() && !found.contains(&said) {
            found.push(said);
        }
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_licence_files_are_named() {
        let files =
            LicenseFiles::among(["LICENSE-MIT", "LICENSE-APACHE", "a/b.c", "lib/COPYING", "licensed.rs"]);
        let top = ["LICENSE-APACHE", "LICENSE-MIT"].map(str::to_owned);
        assert_eq!(files.nearest("a/b.c"), top);
        assert_eq!(files.nearest("b.c"), top);
        assert_eq!(files.nearest("library/b.c"), top);
        assert_eq!(files.nearest("lib/deep/down/b.c"), ["lib/COPYING".to_owned()]);
        assert!(LicenseFiles::among(["licensed.rs", "NOTICES"]).nearest("x").is_empty());
    }

    #[test]
    fn a_file_says_its_licence_in_its_head() {
        let said = |text: &str| spdx(text);
        assert_eq!(said("// SPDX-License-Identifier: MIT\n"), Some("MIT".to_owned()));
        assert_eq!(
            said("/* SPDX-License-Identifier: (MIT OR Apache-2.0) */\n"),
            Some("(MIT OR Apache-2.0)".to_owned())
        );
        assert_eq!(said("<!-- SPDX-License-Identifier: CC0-1.0 -->"), Some("CC0-1.0".to_owned()));
        let two = "# SPDX-License-Identifier: MIT\r\n# SPDX-License-Identifier: ISC\r\n";
        assert_eq!(said(two), Some("MIT\nISC".to_owned()));
        assert_eq!(said("no licence here\n"), None);
        assert_eq!(said(&format!("{}// SPDX-License-Identifier: MIT\n", "\n".repeat(HEAD_LINES))), None);
    }
}
