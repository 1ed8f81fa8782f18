//! Packages that a release of Debian has among its backports alone, installed without touching the machine's sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::chore;
use crate::prerequisites::apt_get;

/// By which archives of Debian are signed.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Installs packages from the backports of the archive that the machine is set up with.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let format = "$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)";
    let targets = chore::output("apt-get", &["indextargets", "--format", format, "Created-By: Packages"])?;
    let known: BTreeSet<(&str, &str)> = targets.lines().filter_map(archive).collect();
    let (uri, release) = known
        .iter()
        .find(|(_, release)| !release.contains('-'))
        .context("the machine knows no archive of Debian")?;
    let signed = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
    let backports = format!("{release}-backports");
    let mut sources: String =
        known.iter().map(|(uri, release)| format!("deb {signed}{uri} {release} main\n")).collect();
    sources.push_str(&format!("deb {signed}{uri} {backports} main\n"));
    let folder = chore::root().join("target/components/apt");
    fs::create_dir_all(folder.join("lists/partial"))?;
    let list = folder.join("sources.list");
    fs::write(&list, sources)?;
    let options = [
        format!("Dir::Etc::SourceList={}", list.display()),
        "Dir::Etc::SourceParts=/dev/null".to_owned(),
        format!("Dir::State::Lists={}", folder.join("lists").display()),
    ];
    let options: Vec<&str> = options.iter().flat_map(|option| ["-o", option.as_str()]).collect();
    apt_get(&[options.as_slice(), &["update", "--quiet"]].concat())?;
    let install = ["install", "--quiet", "--yes", "--no-install-recommends", "--target-release", &backports];
    apt_get(&[options.as_slice(), &install, packages].concat())
}

/// Reads where an archive of Debian lies, and which release it is of.
fn archive(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split('|');
    let is_debian = fields.next() == Some("Debian") && fields.next() == Some("main");
    Some((fields.next()?, fields.next()?)).filter(|_| is_debian)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_of_debian_are_told_from_others() {
        for (line, expected) in [
            (
                "Debian|main|http://mirror.example/debian/|bookworm",
                Some(("http://mirror.example/debian/", "bookworm")),
            ),
            ("Debian|contrib|http://mirror.example/debian/|bookworm", None),
            ("Somebody|main|http://packages.example/apt|bookworm", None),
            ("Debian|main|http://mirror.example/debian/", None),
            ("", None),
        ] {
            assert_eq!(archive(line), expected, "{line}");
        }
    }
}
