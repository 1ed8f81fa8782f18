//! Reasons for a verdict: a code for machines, a meaning and a way out for people.

use std::fmt;

use lazaret_core::GapKind;
use serde::{Serialize, Serializer};

use crate::file::SourceKind;

/// Declares the reasons in the order in which they are told; the code is stable.
macro_rules! reasons {
    ($($name:ident, $code:literal, $meaning:literal, $help:literal;)*) => {
        /// Why a verdict is what it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)*
        }

        impl Reason {
            /// All reasons, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the code, in kebab-case; stable.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Returns what the reason means, as the rest of a sentence that begins with "because".
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// Returns what would make the content pass, or what to keep in mind where nothing stands in its way.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

reasons! {
    BannedTool, "banned-tool", "the policy bans the tool that had a part in it",
        "have people rewrite it without the tool, remove it, or ask the policy's owner about `ban` and `approve.tools`";
    BannedProvider, "banned-provider", "the policy bans the provider that runs the tool",
        "have people rewrite it without the tool, remove it, or ask the policy's owner about `ban.providers`";
    BannedModel, "banned-model", "the policy bans the model that had a part in it, whichever tool called it",
        "have people rewrite it without the model, remove it, or ask the policy's owner about `ban` and `approve.models`";
    BannedModelProvider, "banned-model-provider", "the policy bans the provider that makes the model",
        "have people rewrite it without the model, remove it, or ask the policy's owner about `ban.providers`";
    UnlistedTool, "unlisted-tool", "the mark names a tool that the catalog does not list, so it is not approved",
        "list the tool under `catalog` and, if it is your own, under `approve.tools`";
    UnlistedModel, "unlisted-model", "the mark names a model that the catalog does not list, so it is not approved",
        "list the model under `catalog` and, if it is your own, under `approve.models`";
    UnknownTool, "unknown-tool", "the mark names neither tool nor model, so neither is shown to be approved",
        "ask the author which tool it was, and have the record say so";
    Derived, "derived", "a later edit replaced lines that the tool had written",
        "have two people review whether the tool's work is still in it; `verdict.derived` says how such lines count";
    Circumstantial, "circumstantial", "only what stood around the content points to the tool",
        "ask the author whether the tool had a part in it; a review by two people settles it";
    Inferred, "inferred", "only its style points to the tool",
        "ask the author whether the tool had a part in it; a review by two people settles it";
    Conflict, "conflict", "an accepted proof of clean origin stands against it",
        "a proof does not outvote a taint: find out which is wrong, and have two people review it and refute each taint";
    RoleDoesNotWrite, "role-does-not-write", "a tool had a part in it, but did not write it",
        "nothing to do: reading, finding faults and writing messages do not taint";
    ApprovedTool, "approved-tool", "an approved tool wrote it, which does not taint and is no proof either",
        "give another proof, such as the tool's signed record where a `tool-receipt` entry accepts it";
    ApprovedModel, "approved-model", "an approved model wrote it, which does not taint and is no proof either",
        "give another proof, such as the tool's signed record where a `tool-receipt` entry accepts it";
    NotBanned, "not-banned", "a tool wrote it that the policy does not ban",
        "nothing to do; to ban everything that is not approved, set `ban.rivals`";
    NoProof, "no-proof", "nothing accepted shows that it is of clean origin",
        "ask the policy's owner to name a record that makes the origin's dates trusted (`origin`), or the origin itself (`source`)";
    MissingObject, "missing-object", "an object that the history names is not in the repository",
        "fetch the missing objects (a partial clone lacks some on purpose) and examine it again";
    CorruptObject, "corrupt-object", "an object of the repository cannot be decoded",
        "repair the repository from another copy and examine it again";
    ShallowBoundary, "shallow-boundary", "the history is cut off before its origin",
        "fetch the whole history (`git fetch --unshallow`) and examine it again";
    UntrustedDate, "untrusted-date", "a date in its history contradicts the others or cannot be read",
        "mend the date's record, or give content whose dates can be read";
    OverLimit, "over-limit", "it is larger than the published limits of the examination",
        "split the content, or leave it out";
    Submodule, "submodule", "its content lies in another repository",
        "examine the submodule's own repository";
    Binary, "binary", "it is not text, so there were no lines or marks to read",
        "leave it out, or train on the text it was made from";
    UnreadableFile, "unreadable-file", "it could not be read",
        "make the file readable and examine it again";
    NoHistory, "no-history", "it lies in a folder without history",
        "examine the repository it came from";
    Altered, "altered", "its bytes are not those that its claimed name speaks of, so what is known of the name proves nothing",
        "give the bytes as they stood, or correct the name";
    SpanBeyondEnd, "span-beyond-end", "a claim speaks of lines beyond its end, so claim and content do not belong together",
        "examine it again at the revision the record was made for";
    Predates, "predates", "trusted dates place it before every banned tool",
        "nothing to do";
    FirstParty, "first-party", "the policy lists its origin as a first-party source",
        "nothing to do";
    Curated, "curated", "the policy lists its origin as a curated source",
        "nothing to do";
    Trivial, "trivial", "it is too small to carry anybody's expression",
        "nothing to do";
    OriginNotTrusted, "origin-not-trusted", "its dates are old enough to matter, but the policy trusts no dates of this origin",
        "if a record outside the history shows its age, add an `origin` entry with `dates-trusted-until` and the reason";
    AfterTrustedDay, "after-trusted-day", "its dates are later than the day up to which the policy trusts them",
        "give another proof, or ask the policy's owner whether the record reaches further than `dates-trusted-until`";
    AfterFirstAvailability, "after-first-availability", "by its dates it is no older than the first banned tool",
        "its age cannot clear it: give another proof";
    DateInFuture, "date-in-future", "its dates lie in the future",
        "mend the clock that wrote them, or give another proof";
    TooManyTokens, "too-many-tokens", "it has more tokens than the policy calls trivial",
        "its size cannot clear it: give another proof";
    TrivialOfPart, "trivial-of-part", "only a part is small, and a part of a work can carry its expression",
        "give a proof for the whole content";
    SourceNotListed, "source-not-listed", "it is said to be curated, but the policy does not list its origin",
        "if the claim is right, add a `source` entry with its kind and the reason";
    Attested, "attested", "a person whose word the policy takes attested to writing it without any banned tool",
        "nothing to do";
    SignerNotAccepted, "signer-not-accepted", "a person attested to writing it, under a key whose word the policy does not take here",
        "if you know whose key it is, add an `attestation` entry with the person and the reason";
    TrailerNotAccepted, "trailer-not-accepted", "its commit says how it was written by another trailer than the policy asks for",
        "have the author sign a statement about it (`lazaret attest`), or name the trailer in the `attestation` entry";
    AttestedOfFewer, "attested-of-fewer", "a person attested to writing it, but not without every banned tool",
        "have the author attest to writing it without any AI tool";
    ToolReceipt, "tool-receipt", "a signed record that the policy accepts shows that an approved tool wrote it",
        "nothing to do";
    ToolKeyNotAccepted, "tool-key-not-accepted", "a record says that an approved tool wrote it, under a key that the policy does not accept for it here",
        "if the key is the tool's, add a `tool-receipt` entry with the tool, the key and the reason";
    ReceiptOfBanned, "receipt-of-banned", "a signed record shows that a banned tool or model wrote it",
        "have people rewrite it, or remove it";
    DatedSet, "dated-set", "a set of dated hashes that the policy names holds it, from before every banned tool",
        "nothing to do";
    SetNotListed, "set-not-listed", "a set of dated hashes holds it, but the policy does not name the set",
        "if the set can be believed, add a `dated-set` entry with its digest and the reason";
    Reviewed, "reviewed", "people reviewed it, refuted each taint by name and cleared it under this policy",
        "nothing to do";
    Refuted, "refuted", "a review by people refuted a taint by name",
        "nothing to do";
    ReviewNotAccepted, "review-not-accepted", "the policy does not accept the review, or demands more people",
        "see `review.clears` and `review.people`, or give another proof";
    ReviewOutdated, "review-outdated", "it was reviewed under another policy or with another catalog",
        "have its case decided anew: `lazaret hold` tells the case what has changed";
    DeltaNotAccepted, "delta-not-accepted", "people read only what changed since a cleared version, and the policy does not accept that, or not so many lines",
        "see `review.delta-lines`, or have two people review the whole content";
    ReviewIncomplete, "review-incomplete", "a taint stands against it that its review does not name",
        "have its case decided anew: `lazaret hold` tells the case of the new taint";
}

impl Reason {
    /// Whether the reason speaks for the content, or says of a claim that it does no harm.
    #[must_use]
    pub fn is_harmless(self) -> bool {
        self.help().starts_with("nothing to do")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl From<GapKind> for Reason {
    fn from(kind: GapKind) -> Self {
        match kind {
            GapKind::MissingObject => Self::MissingObject,
            GapKind::CorruptObject => Self::CorruptObject,
            GapKind::ShallowBoundary => Self::ShallowBoundary,
            GapKind::UntrustedDate => Self::UntrustedDate,
            GapKind::OverLimit => Self::OverLimit,
            GapKind::Submodule => Self::Submodule,
            GapKind::Binary => Self::Binary,
            GapKind::UnreadableFile => Self::UnreadableFile,
            GapKind::NoHistory => Self::NoHistory,
            GapKind::Altered => Self::Altered,
        }
    }
}

impl From<SourceKind> for Reason {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::FirstParty => Self::FirstParty,
            SourceKind::Curated => Self::Curated,
        }
    }
}

/// A set of reasons, each at most once, in the order in which they are told. Small enough to copy: the judge makes
/// one for every part.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Reasons(u64);

// INVARIANT: every reason has a bit.
const _: () = assert!(Reason::ALL.len() <= 64);

impl Reasons {
    /// No reasons.
    pub const NONE: Self = Self(0);

    /// Adds a reason.
    pub fn insert(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u8;
    }

    /// Returns these reasons and one more.
    #[must_use]
    pub fn with(mut self, reason: Reason) -> Self {
        self.insert(reason);
        self
    }

    /// Returns the reasons of both sets.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether the reason is among them.
    #[must_use]
    pub fn contains(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u8) != 0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the reasons in order.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.iter().copied().filter(move |reason| self.contains(*reason))
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self::NONE.with(reason)
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Reason::code)).finish()
    }
}

impl Serialize for Reasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_kebab_case() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
        }
    }

    #[test]
    fn every_reason_says_what_it_means_and_what_to_do() {
        for reason in Reason::ALL {
            for text in [reason.meaning(), reason.help()] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{reason}");
                assert!(text.starts_with(|first: char| first.is_ascii_lowercase()), "{reason}");
            }
        }
    }

    #[test]
    fn a_set_tells_its_reasons_in_order_and_once() {
        let reasons: Reasons = [Reason::Trivial, Reason::Conflict, Reason::Trivial].into_iter().collect();
        assert_eq!(reasons.iter().collect::<Vec<_>>(), [Reason::Conflict, Reason::Trivial]);
        assert!(!reasons.contains(Reason::Derived));
    }
}
