//! Single values of the policy file: their forms, limits, and the words that refuse the others.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use globset::{Glob, GlobBuilder};
use jiff::civil::Date;
use lazaret_core::{AddressRange, Digest, OriginKind, ParseIdError, Verdict};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::read::refusal;

/// The longest pattern, in bytes. Patterns name places; a longer one is a mistake, and compiling it could be dear.
const PATTERN_BYTES_MAX: usize = 500;

/// Which origins a rule is about: `<kind>:<glob>`, held against the origin's [match text].
///
/// `*` stands for any run of characters, `/` included; `?` for one character; `[ab]` and `{a,b}` for alternatives;
/// a backslash takes the next character as it is. Capitals matter. The kind is written out.
///
/// [match text]: lazaret_core::Origin::match_text
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(Glob);

impl Pattern {
    /// Returns the pattern as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.glob()
    }

    pub(crate) fn glob(&self) -> &Glob {
        &self.0
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let kinds = [OriginKind::Git, OriginKind::Directory, OriginKind::Dataset].map(OriginKind::as_str);
        let place = text.split_once(':').filter(|(kind, _)| kinds.contains(kind)).map(|(_, place)| place);
        if place.is_none_or(str::is_empty) {
            let message = format!("pattern `{text}` does not say which kind of origin it is for");
            return Err(refusal(
                message,
                "begin with `git:`, `directory:` or `dataset:`, as in `git:*/acme/*`",
            ));
        }
        if text.len() > PATTERN_BYTES_MAX {
            let message = format!("pattern has {} bytes", text.len());
            return Err(refusal(message, format!("write at most {PATTERN_BYTES_MAX} bytes")));
        }
        GlobBuilder::new(&text).literal_separator(false).backslash_escape(true).build().map(Self).map_err(
            |error| refusal(format!("pattern `{text}` is not a glob: {}", error.kind()), "mend the glob"),
        )
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Which origins a rule is about: `<kind>:<glob>`. `*` stands for any run of characters, `/` included.",
            "type": "string",
            "pattern": "^(git|directory|dataset):.+$",
            "maxLength": PATTERN_BYTES_MAX,
        })
    }
}

/// Reads a list of ids, each with its place.
pub(super) fn ids<'de, D: Deserializer<'de>, T: FromStr<Err = ParseIdError>>(
    deserializer: D,
) -> Result<Vec<Spanned<T>>, D::Error> {
    let ids = Vec::<Spanned<Id<T>>>::deserialize(deserializer)?;
    Ok(ids.into_iter().map(|id| Spanned::new(id.span(), id.into_inner().0)).collect())
}

/// Reads one id with its place.
pub(super) fn id<'de, D: Deserializer<'de>, T: FromStr<Err = ParseIdError>>(
    deserializer: D,
) -> Result<Spanned<T>, D::Error> {
    let id = Spanned::<Id<T>>::deserialize(deserializer)?;
    Ok(Spanned::new(id.span(), id.into_inner().0))
}

/// Reads a digest, with its place.
pub(super) fn digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<Digest>, D::Error> {
    let text = Spanned::<String>::deserialize(deserializer)?;
    let digest = text.get_ref().parse().map_err(|error| {
        refusal(error, "write `sha256:` and the 64 digits that `sha256sum` prints for the file")
    })?;
    Ok(Spanned::new(text.span(), digest))
}

/// Reads a digest that may be absent.
pub(super) fn some_digest<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<Digest>>, D::Error> {
    digest(deserializer).map(Some)
}

/// An id that is checked while its text is visited: the TOML reader knows the place of an error then, and only that
/// of the whole list afterwards.
struct Id<T>(T);

impl<'de, T: FromStr<Err = ParseIdError>> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(IdVisitor(PhantomData))
    }
}

struct IdVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = ParseIdError>> Visitor<'_> for IdVisitor<T> {
    type Value = Id<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id<T>, E> {
        text.parse().map(Id).map_err(|error: ParseIdError| {
            let help = if error.to_string().ends_with("name of a key") {
                "write `SHA256:…` as `ssh-keygen -l` prints it, `openpgp:` and the fingerprint, or `ed25519:` and what `lazaret key show` prints"
            } else {
                "an id has lower-case letters, digits, `-`, `.` and `_`; see `lazaret catalog list`"
            };
            refusal(error, help)
        })
    }
}

/// Reads a whole number between two limits, both included.
pub(super) fn within<'de, D: Deserializer<'de>, const MIN: u32, const MAX: u32>(
    deserializer: D,
) -> Result<u32, D::Error> {
    let number = i64::deserialize(deserializer)?;
    match u32::try_from(number) {
        Ok(number) if (MIN..=MAX).contains(&number) => Ok(number),
        Ok(_) | Err(_) if MIN == MAX => {
            Err(refusal(format!("`{number}` is not known here"), format!("write {MIN}")))
        }
        Ok(_) | Err(_) => {
            Err(refusal(format!("`{number}` is out of range"), format!("write a number from {MIN} to {MAX}")))
        }
    }
}

/// Reads a text that must say something.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    said(deserializer, "this text is empty", "write a few words")
}

/// Reads a reason, which must say something.
pub(super) fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    said(
        deserializer,
        "the reason is empty",
        "say what the trust rests on, for the person who must defend it later",
    )
}

/// Reads a reason that may be absent, but not empty.
pub(super) fn some_reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    reason(deserializer).map(Some)
}

/// Reads a text that may be absent, but not empty.
pub(super) fn some_words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    words(deserializer).map(Some)
}

/// Reads a trailer, `Key: value`, as git knows it.
pub(super) fn some_trailer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_trailer = text.split_once(": ").is_some_and(|(key, value)| {
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_key && !value.is_empty() && value.trim() == value && !value.contains(char::is_control)
    });
    if is_trailer {
        Ok(Some(text))
    } else {
        Err(refusal(
            format!("`{text}` is not a trailer"),
            "write one line, `Key: value`, as in `Written-Without: any AI tool`",
        ))
    }
}

fn said<'de, D: Deserializer<'de>>(deserializer: D, message: &str, help: &str) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(refusal(message, help)) } else { Ok(text) }
}

/// Reads a TOML date without a time.
pub(crate) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    const HELP: &str = "write a day without quotes and without a time, as in 2021-06-01";
    let Ok(datetime) = toml::value::Datetime::deserialize(deserializer) else {
        return Err(refusal("this is not a day", HELP));
    };
    let (Some(date), None, None) = (datetime.date, datetime.time, datetime.offset) else {
        return Err(refusal(format!("`{datetime}` is not a day"), HELP));
    };
    let Ok(day) = date.to_string().parse() else {
        return Err(refusal(format!("`{date}` is not a day of any calendar"), HELP));
    };
    Ok(day)
}

/// Reads the name of a class of data sets.
pub(super) fn class<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<String>, D::Error> {
    let class = Spanned::<String>::deserialize(deserializer)?;
    if is_kebab(class.get_ref()) {
        return Ok(class);
    }
    Err(no_name(class.get_ref(), "class"))
}

fn is_kebab(text: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(ok)
        && text.bytes().all(|byte| ok(byte) || matches!(byte, b'-' | b'.' | b'_'))
}

fn no_name<E: Error>(text: &str, what: &str) -> E {
    refusal(
        format!("`{text}` is not the name of a {what}"),
        "use lower-case letters, digits, `-`, `.` and `_`",
    )
}

/// Reads the name of a group of the network.
pub(super) fn group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Spanned<String>, D::Error> {
    let group = Spanned::<Text<IsGroup>>::deserialize(deserializer)?;
    Ok(Spanned::new(group.span(), group.into_inner().text))
}

/// Reads a list of names of groups, each with its place.
pub(super) fn groups<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<String>>, D::Error> {
    texts::<IsGroup, D>(deserializer)
}

/// Reads a list of logins, each with its place: at least one.
pub(super) fn logins<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<String>>, D::Error> {
    let logins = texts::<IsLogin, D>(deserializer)?;
    if logins.is_empty() {
        return Err(refusal("a subject without a login is never met", "write at least one login"));
    }
    Ok(logins)
}

/// Reads a list of ranges of addresses: at least one.
pub(super) fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AddressRange>, D::Error> {
    let ranges = Vec::<Range>::deserialize(deserializer)?;
    if ranges.is_empty() {
        return Err(refusal(
            "a group of the network without addresses is never met",
            "write at least one range, as in `10.20.0.0/16`",
        ));
    }
    Ok(ranges.into_iter().map(|range| range.0).collect())
}

/// Reads a list of ranges of addresses that may be empty.
pub(super) fn some_ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AddressRange>, D::Error> {
    let ranges = Vec::<Range>::deserialize(deserializer)?;
    Ok(ranges.into_iter().map(|range| range.0).collect())
}

/// Reads a list of addresses of authors, each with its place.
pub(super) fn identities<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Spanned<String>>, D::Error> {
    texts::<IsIdentity, D>(deserializer)
}

/// Reads a list of names of hosts: lower case, ASCII, without port and final dot.
pub(super) fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = texts::<IsHost, D>(deserializer)?;
    Ok(hosts.into_iter().map(Spanned::into_inner).collect())
}

/// Reads a line for people that may be absent, but neither empty nor of several lines: proxies show it.
pub(super) fn some_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    const BYTES_MAX: usize = 400;
    let text = words(deserializer)?;
    if text.len() > BYTES_MAX || text.chars().any(char::is_control) {
        return Err(refusal(
            "this is not one short line",
            format!("write at most {BYTES_MAX} bytes without line breaks"),
        ));
    }
    Ok(Some(text))
}

/// A text that is checked while it is visited, for the same reason as an id.
struct Text<K> {
    text: String,
    kind: PhantomData<K>,
}

/// What a text must be.
trait Kind {
    /// Returns what is wrong with a text.
    fn check<E: Error>(text: &str) -> Result<(), E>;
}

struct IsGroup;

impl Kind for IsGroup {
    fn check<E: Error>(text: &str) -> Result<(), E> {
        if is_kebab(text) { Ok(()) } else { Err(no_name(text, "group")) }
    }
}

struct IsLogin;

impl Kind for IsLogin {
    fn check<E: Error>(text: &str) -> Result<(), E> {
        if !text.trim().is_empty() && text.trim() == text && !text.chars().any(char::is_control) {
            return Ok(());
        }
        Err(refusal("this is not a login", "write it as the proxy does, without blanks around it"))
    }
}

struct IsIdentity;

impl Kind for IsIdentity {
    fn check<E: Error>(text: &str) -> Result<(), E> {
        let is_plain = |part: &str| {
            !part.is_empty()
                && !part
                    .chars()
                    .any(|sign| sign.is_whitespace() || sign.is_control() || matches!(sign, '<' | '>' | '@'))
        };
        if text.rsplit_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host)) {
            return Ok(());
        }
        let help = "write the address alone, as commits bear it: `ada@acme.example`";
        Err(refusal(format!("`{text}` is not the address of an author"), help))
    }
}

struct IsHost;

impl Kind for IsHost {
    fn check<E: Error>(text: &str) -> Result<(), E> {
        let is_label = |label: &str| {
            let ok = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(ok)
        };
        if text.len() <= 253 && text.split('.').all(is_label) {
            return Ok(());
        }
        let help = "write it in lower case, as in `models.acme.example`, without port and final dot";
        Err(refusal(format!("`{text}` is not the name of a host"), help))
    }
}

impl<'de, K: Kind> Deserialize<'de> for Text<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<K>(PhantomData<K>);

impl<K: Kind> Visitor<'_> for TextVisitor<K> {
    type Value = Text<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<K>, E> {
        K::check(text)?;
        Ok(Text { text: text.to_owned(), kind: PhantomData })
    }
}

fn texts<'de, K: Kind, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Spanned<String>>, D::Error> {
    let texts = Vec::<Spanned<Text<K>>>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|text| Spanned::new(text.span(), text.into_inner().text)).collect())
}

/// A range of addresses that is checked while it is visited.
struct Range(AddressRange);

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(RangeVisitor)
    }
}

struct RangeVisitor;

impl Visitor<'_> for RangeVisitor {
    type Value = Range;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a range of addresses in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Range, E> {
        let help = "write it as `10.20.0.0/16`, with zeros after the prefix";
        text.parse().map(Range).map_err(|error| refusal(error, help))
    }
}

/// Reads a list of verdicts: at least one, none twice.
pub(super) fn verdicts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Verdict>, D::Error> {
    let mut verdicts = Vec::<Verdict>::deserialize(deserializer)?;
    let given = verdicts.len();
    verdicts.sort_unstable();
    verdicts.dedup();
    if given == 0 {
        return Err(refusal(
            "no verdict is admitted",
            "write at least `[\"clean\"]`, or leave the class out",
        ));
    }
    if verdicts.len() < given {
        return Err(refusal("a verdict is listed twice", "list each verdict once"));
    }
    Ok(verdicts)
}
