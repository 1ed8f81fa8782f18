//! Lists of allowed signers: whose SSH key is whose, in the format that `ssh-keygen(1)` calls `ALLOWED SIGNERS`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lazaret_core::{Digest, KeyName};
use ssh_key::PublicKey;

use super::ssh::name_of;

/// A list cannot be used: whoever it meant would be refused, and nobody would know why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of allowed signers {why}")]
pub struct AllowedSignersError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Who may sign, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedSigners {
    digest: Digest,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    principals: Vec<String>,
    key: KeyName,
    after: Option<i64>,
    before: Option<i64>,
    signs_commits: bool,
}

impl AllowedSigners {
    /// Reads a list.
    ///
    /// # Errors
    /// [`AllowedSignersError`] for the first line that is not understood.
    pub fn parse(text: &str) -> Result<Self, AllowedSignersError> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_text = line.trim();
            if line_text.is_empty() || line_text.starts_with('#') {
                continue;
            }
            entries.push(entry(line_text).map_err(|why| AllowedSignersError { line: index + 1, why })?);
        }
        Ok(Self { digest: Digest::of(text.as_bytes()), entries })
    }

    /// Returns the SHA-256 of the list, by which a policy names it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether the list says that a key is that of an address, for commits and at a moment.
    #[must_use]
    pub fn names(&self, email: &str, key: &KeyName, seconds: i64) -> bool {
        self.entries.iter().any(|entry| {
            entry.key == *key
                && entry.signs_commits
                && entry.after.is_none_or(|after| seconds >= after)
                && entry.before.is_none_or(|before| seconds < before)
                && is_among(email, &entry.principals)
        })
    }

    /// Whether the list names a key at all.
    #[must_use]
    pub fn has(&self, key: &KeyName) -> bool {
        self.entries.iter().any(|entry| entry.key == *key)
    }
}

/// Whether an address matches a pattern and none that is negated.
fn is_among(email: &str, patterns: &[String]) -> bool {
    let negated = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
    let mut plain = patterns.iter().filter(|pattern| !pattern.starts_with('!'));
    !negated.into_iter().any(|pattern| matches(pattern.as_bytes(), email.as_bytes()))
        && plain.any(|pattern| matches(pattern.as_bytes(), email.as_bytes()))
}

/// Whether a text matches a pattern in which `*` stands for any run of characters and `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(in_text) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(&one) if one == b'?' || one.eq_ignore_ascii_case(&byte) => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                None => return false,
                Some((star_at, taken)) => {
                    *taken += 1;
                    (at, in_text) = (*star_at + 1, *taken);
                }
            },
        }
    }
    pattern.iter().skip(at).all(|&byte| byte == b'*')
}

fn entry(line: &str) -> Result<Entry, &'static str> {
    let (principals, mut rest) = word(line).ok_or("names no signer")?;
    let mut entry = Entry {
        principals: principals.trim_matches('"').split(',').map(str::to_owned).collect(),
        key: PLACEHOLDER.parse().map_err(|_never| "cannot be read")?,
        after: None,
        before: None,
        signs_commits: true,
    };
    let is_key_type = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|prefix| word.starts_with(prefix));
    while let Some((options, after)) = word(rest).filter(|(first, _)| !is_key_type(first)) {
        for option in split_options(options) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = value.trim_matches('"');
            match name.to_ascii_lowercase().as_str() {
                "namespaces" => {
                    let patterns: Vec<String> = value.split(',').map(str::to_owned).collect();
                    entry.signs_commits = is_among("git", &patterns);
                }
                "valid-after" => {
                    entry.after = Some(moment(value).ok_or("has a `valid-after` that is no time")?);
                }
                "valid-before" => {
                    entry.before = Some(moment(value).ok_or("has a `valid-before` that is no time")?);
                }
                "cert-authority" => {
                    return Err(
                        "names a certificate authority, whose certificates are not read: list the keys themselves",
                    );
                }
                _ => return Err("has an option that is not known"),
            }
        }
        rest = after;
    }
    let key = PublicKey::from_openssh(rest.trim()).map_err(|_no_key| "ends in no SSH public key")?;
    entry.key = name_of(&key).ok_or("ends in no SSH public key")?;
    Ok(entry)
}

const PLACEHOLDER: &str = "SHA256:0000000000000000000000000000000000000000000";

/// Takes the first word, in which quotes hold blanks together.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut is_quoted = false;
    let end = text.find(|character: char| {
        is_quoted ^= character == '"';
        character.is_whitespace() && !is_quoted
    });
    let (first, rest) = text.split_at(end.unwrap_or(text.len()));
    (!first.is_empty()).then_some((first, rest))
}

/// Cuts options at the commas that no quotes hold.
fn split_options(options: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let cut = |character: char| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    };
    options.split(cut).filter(|option| !option.is_empty()).collect()
}

/// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with or without `Z`: in UTC, since the clock of no machine is
/// asked.
fn moment(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').unwrap_or(text);
    let format = match digits.len() {
        8 => "%Y%m%d",
        12 => "%Y%m%d%H%M",
        14 => "%Y%m%d%H%M%S",
        _ => return None,
    };
    let broken = jiff::fmt::strtime::parse(format, digits).ok()?;
    let time = match digits.len() {
        8 => broken.to_date().ok()?.to_datetime(jiff::civil::Time::midnight()),
        _ => broken.to_datetime().ok()?,
    };
    seconds(time)
}

fn seconds(time: DateTime) -> Option<i64> {
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn listed(principals_and_options: &str) -> AllowedSigners {
        AllowedSigners::parse(&format!("# people\n\n{principals_and_options} {KEY} a comment\n")).unwrap()
    }

    #[test]
    fn a_key_is_that_of_the_addresses_before_it() {
        let key = name_of(&PublicKey::from_openssh(KEY).unwrap()).unwrap();
        for (entry, email, seconds, expected) in [
            ("ada@acme.example", "ada@acme.example", 0, true),
            ("ada@acme.example", "Ada@Acme.example", 0, true),
            ("ada@acme.example", "bob@acme.example", 0, false),
            ("*@acme.example,!eve@*", "bob@acme.example", 0, true),
            ("*@acme.example,!eve@*", "eve@acme.example", 0, false),
            ("a?a@acme.example", "ada@acme.example", 0, true),
            ("* namespaces=\"git,file\"", "ada@acme.example", 0, true),
            ("* namespaces=\"file\"", "ada@acme.example", 0, false),
            ("* valid-after=\"19700102\"", "ada@acme.example", 86_399, false),
            ("* valid-after=\"19700102Z\"", "ada@acme.example", 86_400, true),
            ("* valid-before=\"197001020000\",namespaces=\"git\"", "ada@acme.example", 86_400, false),
            ("* valid-before=\"19700102000001\"", "ada@acme.example", 86_400, true),
        ] {
            assert_eq!(listed(entry).names(email, &key, seconds), expected, "{entry} {email} {seconds}");
        }
        assert!(listed("ada@acme.example").has(&key));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, why) in [
            (
                format!("\n* cert-authority {KEY}"),
                "line 2 of the list of allowed signers names a certificate authority",
            ),
            (format!("* valid-after=\"soon\" {KEY}"), "`valid-after`"),
            (format!("* shiny {KEY}"), "not known"),
            ("ada@acme.example".to_owned(), "no SSH public key"),
            ("ada@acme.example ssh-ed25519 AAAA".to_owned(), "no SSH public key"),
        ] {
            let error = AllowedSigners::parse(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
