//! What records are judged by: policy, catalog, bundles, known text, declarations. Nothing in it changes during a run.

use std::borrow::Cow;

use lazaret_core::{Digest, Evidence, Origin, OriginKind, Verdict};
use lazaret_policy::Partial;

use super::bundles::Bundles;
use crate::brought::Brought;
use crate::holdings::Holdings;
use crate::known::KnownText;
use crate::scan::Measure;

/// Everything that a record is judged by. Two runs with the same digests give the same answers.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// Policy, detectors and the time of the judgement.
    pub measure: Measure<'a>,
    /// The class of data set that admitted records are for: which rule of the policy admits.
    pub class: &'a str,
    /// The data set's name, as the policy's patterns match it: `dataset:NAME/SHARD`.
    pub dataset: &'a str,
    /// What earlier scans know.
    pub bundles: &'a Bundles,
    /// Known text, where records are held against it.
    pub known: Option<&'a KnownText>,
    /// What the data set's card declares: claims about every record.
    pub declared: &'a [Evidence],
    /// Whether the text of a record is one column, so that a part of it can be taken out.
    pub text_is_whole: bool,
    /// Whether to count what each way of cutting keeps of the records that are admitted in part.
    pub counts_retention: bool,
    /// Kinds of evidence that are not looked for. Then only what is clean is admitted, whatever the policy admits: it
    /// rests on proof, and what is merely unproven was not looked at for what speaks against it.
    pub left_out: &'a [LeftOut],
}

/// A kind of evidence that a run may be told not to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// Marks in the text of records and in their other strings. Names, declarations, paths and known text stay.
    Marks,
}

impl LeftOut {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marks => "marks",
        }
    }
}

impl Snapshot<'_> {
    /// Returns the digests of everything that evidence comes from, by name.
    #[must_use]
    pub fn evidence(&self) -> Vec<(String, Digest)> {
        let bundles = self.bundles.sources().iter().map(|source| {
            let rev = source.origin.rev.as_deref().map_or(Cow::Borrowed(""), |rev| format!("@{rev}").into());
            (format!("bundle:{}{rev}", source.origin.match_text()), source.digest)
        });
        let known = self.known.into_iter().flat_map(KnownText::digests);
        let known = known.map(|digest| ("known-text".to_owned(), digest));
        let declared =
            (!self.declared.is_empty()).then(|| ("declared".to_owned(), declared_digest(self.declared)));
        let ledger = self.measure.holdings.map(Holdings::named);
        let brought = self.measure.brought.into_iter().flat_map(Brought::digests);
        bundles.chain(known).chain(declared).chain(brought).chain(ledger).collect()
    }

    /// Returns the origin of a shard's records.
    #[must_use]
    pub fn origin(&self, shard: &str) -> Origin {
        Origin { kind: OriginKind::Dataset, path: format!("{}/{shard}", self.dataset), rev: None }
    }

    /// Whether the policy admits content of the verdict, which may rest on less than all that there is to look for.
    pub(crate) fn admits(&self, verdict: Verdict) -> bool {
        let was_looked_at = self.left_out.is_empty() || verdict == Verdict::Clean;
        was_looked_at && self.measure.rules.policy().admits(self.class, verdict)
    }

    /// Whether marks in texts are looked for.
    pub(crate) fn looks_for_marks(&self) -> bool {
        !self.left_out.contains(&LeftOut::Marks)
    }

    /// Returns the words of what is not looked for.
    pub(crate) fn left_out_words(&self) -> Vec<String> {
        self.left_out.iter().map(|kind| kind.as_str().to_owned()).collect()
    }

    /// What becomes of a record of which only some lines are admitted.
    pub(crate) fn partial(&self) -> Partial {
        if self.text_is_whole { self.measure.rules.policy().partial(self.class) } else { Partial::Hold }
    }
}

/// Returns the digest of what a card declares, claim by claim.
fn declared_digest(declared: &[Evidence]) -> Digest {
    let claims: Vec<Vec<u8>> =
        declared.iter().map(|claim| serde_json::to_vec(claim).unwrap_or_default()).collect();
    Digest::of_parts(claims.iter().map(Vec::as_slice))
}
