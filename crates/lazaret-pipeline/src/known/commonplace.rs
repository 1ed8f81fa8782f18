//! Text that everybody has: licences, and files that programs make.

use lazaret_fingerprint::{BuildError, Class, Entry, Except, SegmentBuilder, Written};

/// Licences whose texts are held to be everybody's, by their SPDX ids.
const LICENCES: [&str; 30] = [
    "0BSD",
    "AFL-3.0",
    "AGPL-3.0-only",
    "Apache-1.1",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "BSD-4-Clause",
    "BSL-1.0",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "CDDL-1.0",
    "EPL-2.0",
    "EUPL-1.2",
    "GPL-2.0-only",
    "GPL-3.0-only",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-3.0-only",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "MS-PL",
    "OFL-1.1",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

/// Names of files that programs make: what stands in them, everybody gets who runs the program.
const GENERATED: [&str; 16] = [
    "Cargo.lock",
    "Gemfile.lock",
    "Package.resolved",
    "Pipfile.lock",
    "bun.lock",
    "bun.lockb",
    "composer.lock",
    "flake.lock",
    "go.sum",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "packages.lock.json",
    "pnpm-lock.yaml",
    "poetry.lock",
    "uv.lock",
];

/// The same by their ending.
const GENERATED_ENDINGS: [&str; 5] = [".lock", ".min.css", ".min.js", ".sln", ".snap"];

/// How names of files begin that hold licences, which are wrapped in many ways, with other people's names in them.
const LICENCE_FILES: [&str; 5] = ["copying", "licence", "license", "notice", "unlicense"];

/// Whether a file of that path holds what everybody has: a licence, or what a program makes, whoever runs it.
pub(crate) fn is_commonplace(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/' || byte == b'\\').next().unwrap_or(path);
    let name = String::from_utf8_lossy(name);
    let lower = name.to_lowercase();
    let is_licence = LICENCE_FILES.iter().any(|beginning| {
        lower.strip_prefix(beginning).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
    });
    is_licence || GENERATED.contains(&&*name) || GENERATED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Adds the texts of licences as what they are.
///
/// # Errors
/// [`BuildError`] when there are too many entries.
pub(crate) fn add_licences(builder: &mut SegmentBuilder) -> Result<(), BuildError> {
    for id in LICENCES {
        let Some(licence) = spdx::license_id(id) else { continue };
        let entry = Entry {
            class: Class::Commonplace,
            name: id.to_owned(),
            origin: format!("the licence {id}"),
            tool: String::new(),
            model: String::new(),
            recorded_at: 0,
        };
        builder.add(&entry, &Written::whole(licence.text().as_bytes()), &Except::new())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_licence_has_a_text() {
        for id in LICENCES {
            assert!(spdx::license_id(id).unwrap().text().len() > 100, "{id}");
        }
    }

    #[test]
    fn files_that_everybody_has_are_known_by_name() {
        for path in [
            "Cargo.lock",
            "a/b/package-lock.json",
            "web/app.min.js",
            "C:\\work\\go.sum",
            "LICENSE-MIT",
            "Copying.txt",
        ] {
            assert!(is_commonplace(path.as_bytes()), "{path}");
        }
        for path in ["src/lock.rs", "Cargo.lock.md", "package-lock.json/readme", "licensed.rs", "licenses.py"]
        {
            assert!(!is_commonplace(path.as_bytes()), "{path}");
        }
    }
}
