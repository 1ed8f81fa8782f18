//! Proofs that people bring: whose word, which tool's record and which set of hashes the policy accepts.

use lazaret_core::{Coverage, Digest, KeyName, ModelId, Origin, Taint, ToolId};
use lazaret_core::{Directness, Role, Strength};

use super::Rules;
use crate::file::{AttestationRule, DatedSetRule, ToolReceiptRule};
use crate::reason::Reason;
use crate::rules::Answer;

/// An attestation as the judge sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attested<'a> {
    pub(crate) key: &'a KeyName,
    pub(crate) signers: Option<Digest>,
    pub(crate) trailer: Option<&'a str>,
    pub(crate) covers: &'a Coverage,
}

impl Rules {
    /// Returns the `[[attestation]]` entries for an origin, in the order of the file.
    pub fn attestations(&self, origin: &Origin) -> impl Iterator<Item = &AttestationRule> {
        let rules = &self.policy.sections().attestation;
        let matching =
            if rules.is_empty() { Vec::new() } else { self.attestations.matches(origin.match_text()) };
        matching.into_iter().filter_map(|index| rules.get(index))
    }

    /// Whether the policy may accept commits of an origin that say by a trailer how they were written.
    #[must_use]
    pub fn accepts_commits(&self, origin: &Origin) -> bool {
        self.attestations(origin).any(|rule| rule.trailer.is_some())
    }

    /// Returns the `[[attestation]]` entries of an origin that take the word of a key.
    pub(crate) fn attesters(
        &self,
        origin: &Origin,
        key: &KeyName,
        signers: Option<Digest>,
    ) -> impl Iterator<Item = &AttestationRule> {
        self.attestations(origin).filter(move |rule| rule.takes(key, signers))
    }

    /// Returns [`Reason::Attested`] where the policy takes the word, or why it does not.
    pub(crate) fn attested(&self, origin: &Origin, word: Attested<'_>) -> Reason {
        let mut is_known = false;
        let is_said = self.attesters(origin, word.key, word.signers).any(|rule| {
            is_known = true;
            word.trailer.is_none() || word.trailer == rule.trailer.as_deref()
        });
        match (is_known, is_said) {
            (false, _) => Reason::SignerNotAccepted,
            (true, false) => Reason::TrailerNotAccepted,
            (true, true) if self.bans.is_covered(word.covers) => Reason::Attested,
            (true, true) => Reason::AttestedOfFewer,
        }
    }

    /// Returns the `[[tool-receipt]]` entries of an origin that accept records of a tool under a key.
    pub(crate) fn recorders(
        &self,
        origin: &Origin,
        tool: &ToolId,
        key: &KeyName,
    ) -> impl Iterator<Item = &ToolReceiptRule> {
        let rules = &self.policy.sections().tool_receipt;
        let matching =
            if rules.is_empty() { Vec::new() } else { self.tool_receipts.matches(origin.match_text()) };
        let matching = matching.into_iter().filter_map(|index| rules.get(index));
        matching.filter(move |rule| {
            rule.tool.get_ref() == tool && rule.keys.iter().any(|listed| listed.get_ref() == key)
        })
    }

    /// Returns [`Reason::ToolReceipt`] where the policy accepts the record of a tool, or why it does not.
    pub(crate) fn recorded(
        &self,
        origin: &Origin,
        tool: &ToolId,
        model: Option<&ModelId>,
        key: Option<&KeyName>,
    ) -> Reason {
        let taint = Taint {
            tool: Some(tool.clone()),
            provider: None,
            model: model.cloned(),
            model_provider: None,
            role: Role::Author,
            strength: Strength::Recorded,
            directness: Directness::Direct,
        };
        match (self.answer(&taint), key) {
            (Answer::Banned(_), _) => Reason::ReceiptOfBanned,
            (Answer::Free(_), Some(key)) if self.recorders(origin, tool, key).next().is_some() => {
                Reason::ToolReceipt
            }
            (Answer::Free(_), _) => Reason::ToolKeyNotAccepted,
        }
    }

    /// Returns the entry that accepts a set of dated hashes.
    #[must_use]
    pub fn dated_set(&self, set: Digest) -> Option<&DatedSetRule> {
        self.policy.sections().dated_set.iter().find(|rule| *rule.set.get_ref() == set)
    }
}

impl AttestationRule {
    /// Whether the entry takes the word of a key, by its name or by the list that says whose it is.
    #[must_use]
    pub fn takes(&self, key: &KeyName, signers: Option<Digest>) -> bool {
        let listed = self.signers.as_ref().map(|listed| *listed.get_ref());
        self.keys.iter().any(|listed| listed.get_ref() == key) || (listed.is_some() && listed == signers)
    }

    /// Whether the entry names an address of the person's, whatever its capitals.
    #[must_use]
    pub fn names_email(&self, email: &str) -> bool {
        self.emails.iter().any(|listed| listed.eq_ignore_ascii_case(email))
    }
}
