//! in-toto statements, version 1: which files a signed document speaks of, and what kind of thing it says of them.

use std::collections::BTreeMap;

use lazaret_core::Digest;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json;

/// A payload is not a statement, or one of another kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not the JSON of such a statement.
    #[error("not an in-toto statement of the expected form")]
    Json {
        /// What is wrong, and where.
        #[source]
        source: serde_json::Error,
    },
    /// Another version of statements, whose fields may mean something else.
    #[error(
        "the statement is not of the version `{STATEMENT_TYPE}`; it was written by another program or a later version"
    )]
    Version,
    /// It says another kind of thing.
    #[error("the statement is not of the kind `{expected}`")]
    Predicate {
        /// What was asked for.
        expected: &'static str,
    },
    /// It speaks of nothing.
    #[error("the statement names no file")]
    NoSubject,
}

/// The kind of thing that a statement says.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The address that names the kind, its major version included.
    const TYPE: &'static str;
}

/// Says something of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<P> {
    /// The files, at least one.
    pub subject: Vec<Subject>,
    /// What is said of them.
    pub predicate: P,
}

/// One file that a statement speaks of, held to be the same wherever its digest is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The file's name, relative to the folder of the statement.
    pub name: String,
    /// The digest of its bytes.
    pub digest: DigestSet,
    /// What else is told of the file.
    #[serde(default, deserialize_with = "json::unique_map", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Annotation>,
}

/// A value of an annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Annotation {
    /// A count.
    Number(u64),
    /// A word.
    Text(String),
}

/// Digests of the same bytes by several algorithms, SHA-256 always among them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DigestSet {
    /// By SHA-256: the one that is relied on.
    pub sha256: Digest,
    /// By other algorithms (`gitBlob`, `sha512`), in hexadecimal; they are kept and prove nothing here.
    pub others: BTreeMap<String, String>,
}

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const SHA256: &str = "sha256";

/// The beginning of every statement, by which its kind is told before the rest is read.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    version: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    #[serde(rename = "predicate")]
    _predicate: IgnoredAny,
}

#[derive(Deserialize)]
struct Body<P> {
    subject: Vec<Subject>,
    predicate: P,
}

#[derive(Serialize)]
struct Whole<'a, P> {
    #[serde(rename = "_type")]
    version: &'static str,
    subject: &'a [Subject],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a P,
}

impl<P: Predicate> Statement<P> {
    /// Reads a statement of this kind.
    ///
    /// Fields that are not known are passed over, as the specification asks; other versions and other kinds are not.
    ///
    /// # Errors
    /// [`StatementError`] when the bytes are anything else, or any field that is known stands twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        let json = |source| StatementError::Json { source };
        let head: Head = serde_json::from_slice(bytes).map_err(json)?;
        if head.version != STATEMENT_TYPE {
            return Err(StatementError::Version);
        }
        if head.predicate_type != P::TYPE {
            return Err(StatementError::Predicate { expected: P::TYPE });
        }
        let Body { subject, predicate } = serde_json::from_slice(bytes).map_err(json)?;
        if subject.is_empty() { Err(StatementError::NoSubject) } else { Ok(Self { subject, predicate }) }
    }

    /// Writes the statement on one line: the same statement gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        json::to_line(self)
    }
}

impl<P: Predicate> Serialize for Statement<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = Whole {
            version: STATEMENT_TYPE,
            subject: &self.subject,
            predicate_type: P::TYPE,
            predicate: &self.predicate,
        };
        whole.serialize(serializer)
    }
}

impl From<Digest> for DigestSet {
    fn from(sha256: Digest) -> Self {
        Self { sha256, others: BTreeMap::new() }
    }
}

/// Returns a digest's hexadecimal digits, as other formats want them.
pub(crate) fn hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Serialize for DigestSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.others.len() + 1))?;
        map.serialize_entry(SHA256, &hex(&self.sha256))?;
        for (algorithm, digest) in self.others.iter().filter(|(algorithm, _)| *algorithm != SHA256) {
            map.serialize_entry(algorithm, digest)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for DigestSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut others: BTreeMap<String, String> = json::unique_map(deserializer)?;
        let sha256 = others.remove(SHA256).ok_or_else(|| D::Error::missing_field(SHA256))?;
        if sha256.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(D::Error::custom("`sha256` is not written in lower case"));
        }
        let sha256 = format!("sha256:{sha256}").parse().map_err(D::Error::custom)?;
        Ok(Self { sha256, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Colour {
        colour: String,
    }

    impl Predicate for Colour {
        const TYPE: &'static str = "https://colours.example/v1";
    }

    fn statement() -> Statement<Colour> {
        let mut digest = DigestSet::from(Digest::of(b"a"));
        digest.others.insert("gitBlob".to_owned(), "00".repeat(20));
        let annotations = BTreeMap::from([
            ("bytes".to_owned(), Annotation::Number(u64::MAX)),
            ("root".to_owned(), Annotation::Text("r".to_owned())),
        ]);
        let subject = Subject { name: "a.jsonl".to_owned(), digest, annotations };
        Statement { subject: vec![subject], predicate: Colour { colour: "red".to_owned() } }
    }

    #[test]
    fn statements_round_trip() {
        let json = statement().to_json();
        assert_eq!(Statement::parse(&json).unwrap(), statement());
        insta::assert_snapshot!(String::from_utf8(json).unwrap(), @r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a.jsonl","digest":{"sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","gitBlob":"0000000000000000000000000000000000000000"},"annotations":{"bytes":18446744073709551615,"root":"r"}}],"predicateType":"https://colours.example/v1","predicate":{"colour":"red"}}"#);
    }

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let json = String::from_utf8(statement().to_json()).unwrap();
        let changed = json.replacen(from, to, 1);
        assert_ne!(json, changed);
        let error = Statement::<Colour>::parse(changed.as_bytes()).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let error = format!("{error}: {source}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn only_what_is_understood_is_read() {
        check("Statement/v1", "Statement/v2", "not of the version");
        check("colours.example/v1", "colours.example/v2", "not of the kind `https://colours.example/v1`");
        check("\"sha256\":\"", "\"sha256\":\"0", "is not a valid digest");
        check("\"sha256\":\"c", "\"sha256\":\"C", "lower case");
        check("\"sha256\"", "\"sha512\"", "missing field `sha256`");
        check("\"bytes\":", "\"root\":", "stands twice");
        check("\"colour\":", "\"colour\":\"blue\",\"colour\":", "duplicate field");
        check("\"bytes\":18446744073709551615", "\"bytes\":1.5", "did not match any variant");
    }

    #[test]
    fn a_statement_of_nothing_is_refused() {
        let empty = Statement { subject: Vec::new(), ..statement() };
        assert!(matches!(Statement::<Colour>::parse(&empty.to_json()), Err(StatementError::NoSubject)));
    }

    #[test]
    fn unknown_fields_are_passed_over() {
        let json = String::from_utf8(statement().to_json()).unwrap();
        let more = json.replacen('{', "{\"later\":{\"a\":1.5},", 1);
        assert_eq!(Statement::parse(more.as_bytes()).unwrap(), statement());
    }
}
