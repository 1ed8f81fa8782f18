//! The names of a record's bytes, and whether they are those that the record claims to bear.

use encoding_rs::{Encoding, UTF_8};
use lazaret_core::{Digest, ObjectId};
use lazaret_shard::Record;
use sha2::{Digest as _, Sha256};

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How a record's bytes stand to the names it claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// It claims none.
    Unclaimed,
    /// Every claimed name is that of its bytes.
    Confirmed,
    /// Every claimed name is that of its bytes before a change that touches no line: its encoding, line ends, a byte
    /// order mark or the end of its last line.
    Normalised,
    /// A claimed name is that of other bytes.
    Altered,
    /// Its bytes were made to collide with others under SHA-1.
    Colliding,
}

impl Identity {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unclaimed => "unclaimed",
            Self::Confirmed => "confirmed",
            Self::Normalised => "normalised",
            Self::Altered => "altered",
            Self::Colliding => "colliding",
        }
    }
}

/// The names of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// The SHA-256 of its bytes: the name by which it is admitted.
    pub sha256: Digest,
    /// The name that git gives it.
    pub git_blob: ObjectId,
}

/// Returns the Software Heritage identifier of the content that git gives a name (SWHID 1.2, core identifiers).
pub(crate) fn swhid(git_blob: &ObjectId) -> String {
    format!("swh:1:cnt:{git_blob}")
}

/// What was found out about a record's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Identified {
    pub(crate) names: Names,
    pub(crate) identity: Identity,
    /// Further names under which history may know these lines.
    pub(crate) other_names: Vec<ObjectId>,
}

/// Names a record's bytes and holds them against its claims.
pub(crate) fn identify(text: &[u8], record: &Record<'_>, with_sha256_blobs: bool) -> Identified {
    let (git_blob, collides) = git_sha1(text);
    let names = Names { sha256: Digest::of(text), git_blob };
    let mut identified = Identified { names, identity: Identity::Unclaimed, other_names: Vec::new() };
    if with_sha256_blobs {
        identified.other_names.push(git_sha256(text));
    }
    let claims = Claims::of(record);
    let original = reencoded(text, record.encoding);
    if collides {
        identified.identity = Identity::Colliding;
    } else if claims.is_empty() {
        let original = original.map(|original| git_sha1(&original).0);
        identified.other_names.extend(original.filter(|name| *name != git_blob));
    } else if claims.hold_for(text, &names) {
        identified.identity = Identity::Confirmed;
    } else {
        let before = original.into_iter().chain(normal_forms(text));
        let found = before.into_iter().find_map(|form| {
            let (git_blob, collides) = git_sha1(&form);
            let names = Names { sha256: Digest::of(&form), git_blob };
            (!collides && claims.hold_for(&form, &names)).then_some(git_blob)
        });
        identified.identity = if found.is_some() { Identity::Normalised } else { Identity::Altered };
        identified.other_names.extend(found);
    }
    identified
}

/// Returns the names that a text may have had before tools that keep its lines rewrote it.
pub(crate) fn rewritten_names(text: &[u8]) -> impl Iterator<Item = ObjectId> {
    normal_forms(text).into_iter().map(|form| git_sha1(&form).0)
}

/// Returns the name of a text's lines, which tools that keep them do not change: the SHA-256 of the text without a byte
/// order mark, with line feeds for line ends, and without the white space at its end.
pub(crate) fn name_of_lines(text: &[u8]) -> Digest {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_end();
    match memchr::memchr(b'\r', text) {
        None => Digest::of(text),
        Some(_) => Digest::of(&replaced(text, b"\r\n", b"\n")),
    }
}

/// The names that a record claims, in lower case.
struct Claims {
    git_blob: Option<String>,
    sha1: Option<String>,
    sha256: Option<String>,
}

impl Claims {
    fn of(record: &Record<'_>) -> Self {
        // `swh:1:cnt:` and `sha256:` are ways to write the same names.
        let bare = |name: &str| name.trim().rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        Self {
            git_blob: record.git_blob.map(bare),
            sha1: record.sha1.map(bare),
            sha256: record.sha256.map(bare),
        }
    }

    fn is_empty(&self) -> bool {
        self.git_blob.is_none() && self.sha1.is_none() && self.sha256.is_none()
    }

    fn hold_for(&self, bytes: &[u8], names: &Names) -> bool {
        let git_blob = self.git_blob.as_ref().is_none_or(|claimed| {
            *claimed == names.git_blob.to_string()
                || (claimed.len() == 64 && *claimed == git_sha256(bytes).to_string())
        });
        let sha256 = || {
            let names = names.sha256.to_string();
            self.sha256.as_ref().is_none_or(|claimed| names.ends_with(claimed) && claimed.len() == 64)
        };
        let sha1 = || self.sha1.as_ref().is_none_or(|claimed| *claimed == hex(&sha1_of(&[bytes]).0));
        git_blob && sha256() && sha1()
    }
}

/// Returns git's name of a blob in a repository of SHA-1, and whether the bytes were made to collide.
pub(crate) fn git_sha1(bytes: &[u8]) -> (ObjectId, bool) {
    let header = format!("blob {}\0", bytes.len());
    let (digest, collides) = sha1_of(&[header.as_bytes(), bytes]);
    (ObjectId::Sha1(digest), collides)
}

/// Returns git's name of a blob in a repository of SHA-256.
fn git_sha256(bytes: &[u8]) -> ObjectId {
    let mut hasher = Sha256::new();
    hasher.update(format!("blob {}\0", bytes.len()));
    hasher.update(bytes);
    ObjectId::Sha256(hasher.finalize().into())
}

fn sha1_of(parts: &[&[u8]]) -> ([u8; 20], bool) {
    let mut hasher = sha1dc::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    match hasher.finalize() {
        Ok(digest) => (digest.into(), false),
        Err(collision) => (collision.digest().into(), true),
    }
}

fn hex(bytes: &[u8; 20]) -> String {
    ObjectId::Sha1(*bytes).to_string()
}

/// Returns the bytes in the encoding they are said to have had; `None` where that is UTF-8 or unknown, or cannot hold
/// them.
fn reencoded(text: &[u8], encoding: Option<&str>) -> Option<Vec<u8>> {
    let encoding = Encoding::for_label(encoding?.trim().as_bytes())?;
    // Encoding to UTF-16 is not what `encoding_rs` does; it would answer in UTF-8.
    if encoding == UTF_8 || encoding.output_encoding() != encoding {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let (bytes, _, unmappable) = encoding.encode(text);
    (!unmappable).then(|| bytes.into_owned())
}

/// Returns the forms a text may have had before tools that keep its lines rewrote it.
fn normal_forms(text: &[u8]) -> Vec<Vec<u8>> {
    let with_mark = [BYTE_ORDER_MARK, text].concat();
    let without_mark = text.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec);
    let trimmed = text.trim_ascii_end();
    let ended = [trimmed, b"\n"].concat();
    let ended_twice = [trimmed, b"\n\n"].concat();
    let carriage = replaced(text, b"\n", b"\r\n");
    let plain = replaced(text, b"\r\n", b"\n");
    let ended_carriage = [carriage.as_slice(), b"\r\n"].concat();
    let marked_carriage = [BYTE_ORDER_MARK, &carriage].concat();
    let forms =
        [with_mark, ended, ended_twice, carriage, plain, ended_carriage, marked_carriage, trimmed.to_vec()];
    let more = [text.strip_suffix(b"\n").map(<[u8]>::to_vec), Some([text, b"\n"].concat()), without_mark];
    let forms = forms.into_iter().chain(more.into_iter().flatten());
    forms.filter(|form| form != text).collect()
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut start = 0;
    for at in memchr::memmem::find_iter(text, from) {
        out.extend_from_slice(text.get(start..at).unwrap_or_default());
        out.extend_from_slice(to);
        start = at + from.len();
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(text: &[u8], record: &Record<'_>) -> (Identity, usize) {
        let identified = identify(text, record, false);
        (identified.identity, identified.other_names.len())
    }

    #[test]
    fn names_are_those_that_git_and_sha256sum_give() {
        let names = identify(b"hello\n", &Record::default(), true);
        assert_eq!(names.names.git_blob.to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(
            names.names.sha256.to_string(),
            "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
        let sha256_blob = "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4";
        assert_eq!(names.other_names.first().unwrap().to_string(), sha256_blob);
    }

    #[test]
    fn claims_are_held_against_the_bytes() {
        let blob = "ce013625030ba8dba906f756967f9e9ca394464a";
        let claim = |git_blob| Record { git_blob: Some(git_blob), ..Record::default() };
        assert_eq!(identity(b"hello\n", &claim(blob)), (Identity::Confirmed, 0));
        let swhid = format!("swh:1:cnt:{}", blob.to_uppercase());
        assert_eq!(identity(b"hello\n", &claim(&swhid)), (Identity::Confirmed, 0));
        assert_eq!(identity(b"hello!\n", &claim(blob)), (Identity::Altered, 0));
        assert_eq!(identity(b"hello\n", &claim("")), (Identity::Altered, 0));
        let sha1 = Record { sha1: Some("f572d396fae9206628714fb2ce00f72e94f2258f"), ..Record::default() };
        assert_eq!(identity(b"hello\n", &sha1), (Identity::Confirmed, 0));
        let both = Record { git_blob: Some(blob), ..sha1 };
        assert_eq!(identity(b"hello\n", &both), (Identity::Confirmed, 0));
        let one_wrong = Record { git_blob: sha1.sha1, ..sha1 };
        assert_eq!(identity(b"hello\n", &one_wrong), (Identity::Altered, 0));
    }

    #[test]
    fn all_forms_of_a_text_name_its_lines_alike() {
        for text in ["", "a", "a\nb", "a\n\nb \n", "a\rb\n"] {
            for form in normal_forms(text.as_bytes()) {
                assert_eq!(name_of_lines(&form), name_of_lines(text.as_bytes()), "{text:?} {form:?}");
            }
        }
        assert_eq!(name_of_lines("\u{feff}a\r\nb\r\n".as_bytes()), name_of_lines(b"a\nb"));
        assert_ne!(name_of_lines(b"a\n b"), name_of_lines(b"a\nb"));
    }

    #[test]
    fn forms_that_keep_every_line_are_the_same_lines() {
        let blob = |bytes: &[u8]| git_sha1(bytes).0.to_string();
        for (before, after) in [
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\nb\n", "a\nb"),
            ("a\nb", "a\nb\n"),
            ("\u{feff}a\nb\n", "a\nb\n"),
            ("a\nb\n", "a\r\nb\r\n"),
        ] {
            let name = blob(before.as_bytes());
            let record = Record { git_blob: Some(&name), ..Record::default() };
            assert_eq!(identity(after.as_bytes(), &record), (Identity::Normalised, 1), "{before:?}");
        }
        let latin = blob(b"caf\xe9\n");
        let record = Record { git_blob: Some(&latin), encoding: Some("ISO-8859-1"), ..Record::default() };
        assert_eq!(identity("café\n".as_bytes(), &record), (Identity::Normalised, 1));
    }
}
