//! Finds machine identities by their whole address, their account or an anchored name, and never by a bare name.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::catalog::{Catalog, LinePattern, Mark, MarkKind, Pattern, Place};

/// What follows the account in GitHub's private addresses.
pub(crate) const GITHUB_DOMAIN: &str = "@users.noreply.github.com";

/// A name and an address, as a signature or a trailer's value gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person<'a> {
    /// The name, without blanks around it.
    pub(crate) name: &'a [u8],
    /// What stands between the angle brackets.
    pub(crate) address: Option<&'a [u8]>,
}

impl<'a> Person<'a> {
    /// Reads `Name <address>`, also with HTML's `&lt;` and `&gt;`, or a lone address.
    pub(crate) fn read(value: &'a [u8]) -> Self {
        let open = memchr::memchr(b'<', value).map(|at| (at, 1));
        let escaped = || memchr::memmem::find(value, b"&lt;").map(|at| (at, 4));
        if let Some((at, width)) = open.or_else(escaped) {
            let rest = value.get(at + width..).unwrap_or_default();
            let end = memchr::memchr2(b'>', b'&', rest).unwrap_or(rest.len());
            let address = rest.get(..end).map(<[u8]>::trim_ascii).filter(|address| !address.is_empty());
            return Self { name: value.get(..at).unwrap_or_default().trim_ascii(), address };
        }
        let value = value.trim_ascii();
        let is_address = value.contains(&b'@') && !value.contains(&b' ');
        if is_address {
            Self { name: b"", address: Some(value) }
        } else {
            Self { name: value, address: None }
        }
    }
}

/// All identity marks of a catalog, indexed.
#[derive(Debug, Clone)]
pub(crate) struct Identities {
    marks: Vec<(Mark, Vec<Place>)>,
    by_address: FxHashMap<String, usize>,
    by_account: FxHashMap<String, usize>,
    by_tag: FxHashMap<String, usize>,
    by_name: Vec<(LinePattern, usize)>,
}

impl Identities {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let mut all = Self {
            marks: Vec::new(),
            by_address: FxHashMap::default(),
            by_account: FxHashMap::default(),
            by_tag: FxHashMap::default(),
            by_name: Vec::new(),
        };
        for mark in catalog.marks().iter().filter(|mark| mark.kind == MarkKind::Identity) {
            let Pattern::Identity(pattern) = &mark.pattern else { continue };
            let at = all.marks.len();
            all.marks.push((mark.clone(), pattern.places.clone()));
            all.by_address.extend(pattern.addresses.iter().map(|address| (address.clone(), at)));
            all.by_account.extend(pattern.accounts.iter().map(|account| (account.clone(), at)));
            all.by_tag.extend(pattern.tags.iter().map(|tag| (tag.clone(), at)));
            all.by_name.extend(pattern.name.iter().map(|name| (name.clone(), at)));
        }
        all
    }

    /// Returns the marks that the person bears in this place.
    pub(crate) fn find(&self, person: Person<'_>, place: Place) -> impl Iterator<Item = &Mark> {
        let address = person.address.and_then(lower);
        let by_address = address.as_deref().and_then(|address| self.by_address.get(address).copied());
        let by_account = address
            .as_deref()
            .filter(|_| by_address.is_none())
            .and_then(|address| self.by_account.get(account(address)?).copied());
        let by_tag = address.as_deref().and_then(|address| self.by_tag.get(tag(address)?).copied());
        let by_name =
            self.by_name.iter().filter(move |(name, _)| name.matches(person.name)).map(|(_, at)| *at);
        let found = by_address.into_iter().chain(by_account).chain(by_tag).chain(by_name);
        found
            .filter_map(|at| self.marks.get(at))
            .filter(move |(_, places)| places.contains(&place))
            .map(|(mark, _)| mark)
    }
}

fn lower(address: &[u8]) -> Option<Cow<'_, str>> {
    let address = std::str::from_utf8(address).ok()?.trim();
    let address = if address.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(address.to_ascii_lowercase())
    } else {
        Cow::Borrowed(address)
    };
    Some(address)
}

/// Returns the account of one of GitHub's private addresses, without its number.
fn account(address: &str) -> Option<&str> {
    let local = address.strip_suffix(GITHUB_DOMAIN)?;
    match local.split_once('+') {
        Some((number, account)) if number.bytes().all(|byte| byte.is_ascii_digit()) => Some(account),
        _ => Some(local),
    }
}

/// Returns what somebody put behind a `+` in their own address; GitHub's private addresses have a number before it.
fn tag(address: &str) -> Option<&str> {
    let (local, _) = address.split_once('@').filter(|_| !address.ends_with(GITHUB_DOMAIN))?;
    local.rsplit_once('+').map(|(_, tag)| tag)
}
