//! What signed commits say of how they were written: by a trailer that the policy names, signed by their author.

use std::collections::BTreeSet;

use lazaret_core::{CommitIx, Evidence, KeyName, ObjectId, Origin};
use lazaret_evidence::attribution::LineOrigin;
use lazaret_evidence::brought::signed_commit;
use lazaret_evidence::message::{Message, Standing};
use lazaret_intake::git::{ObjectKind, ObjectReader, RawCommit};
use lazaret_policy::AttestationRule;
use lazaret_seal::{AllowedSigners, CommitSigner, Keyring, verify_commit};
use rustc_hash::FxHashMap;

use crate::report::RefusedAttestation;
use crate::scan::reading::Reading;
use crate::scan::{Measure, RECENT_BYTES};

/// What the commits say whose lines stand at the revision.
#[derive(Debug, Default)]
pub(crate) struct CommitWords {
    /// The claims, by commit.
    pub(crate) said: FxHashMap<CommitIx, Evidence>,
    /// Commits that bear the trailer and prove nothing, and why.
    pub(crate) refused: Vec<RefusedAttestation>,
}

/// Reads the commits that lines come from, where the policy takes the word of any.
pub(crate) fn gather(
    reading: &Reading<'_>,
    origins: Option<&Vec<Vec<LineOrigin>>>,
    measure: &Measure<'_>,
) -> CommitWords {
    let mut words = CommitWords::default();
    if !measure.rules.accepts_commits(&reading.origin) {
        return words;
    }
    let commits = origins.into_iter().flatten().flatten().filter_map(|lines| lines.commit);
    let commits: BTreeSet<(ObjectId, CommitIx)> =
        commits.map(|commit| (reading.graph.id(commit), commit)).collect();
    let mut reader = ObjectReader::new(reading.repository.objects(), RECENT_BYTES);
    for (id, commit) in commits {
        // One that cannot be read is a gap of the history.
        let Ok(raw) = reader.read_as(&id, ObjectKind::Commit) else { continue };
        match word_of(&raw, &reading.origin, measure) {
            None => {}
            Some(Ok(evidence)) => drop(words.said.insert(commit, evidence)),
            Some(Err(why)) => words.refused.push(RefusedAttestation { commit: id, why }),
        }
    }
    words
}

/// Returns what a commit says of itself by a trailer that the policy names, or why that proves nothing.
fn word_of(raw: &[u8], origin: &Origin, measure: &Measure<'_>) -> Option<Result<Evidence, String>> {
    let commit = RawCommit::parse(raw)?;
    let message = Message::read(commit.message, &|_| false);
    let rules: Vec<&AttestationRule> = measure.rules.attestations(origin).collect();
    let trailer = rules
        .iter()
        .filter_map(|rule| rule.trailer.as_deref())
        .find(|trailer| ends_with(&message, trailer))?;
    let email = String::from_utf8_lossy(commit.author.email).into_owned();
    Some(signer(raw, &message, measure).and_then(|signer| {
        let listed = signers(measure)
            .filter(|signers| signers.names(&email, &signer.key, commit.committer.seconds))
            .map(AllowedSigners::digest);
        let mut takers = rules.iter().filter(|rule| {
            rule.trailer.as_deref() == Some(trailer)
                && (rule.takes(&signer.key, None) || is_named(rule, &signer.key, measure))
        });
        let mut is_known = false;
        let is_author = takers.any(|rule| {
            is_known = true;
            if rule.signers.is_some() { listed.is_some() } else { rule.names_email(&email) }
        });
        if is_known && !is_author {
            return Err(format!("it was signed by {}, which is not its author's key", signer.key));
        }
        Ok(signed_commit(signer.key, listed, trailer.to_owned()))
    }))
}

/// Whether an entry names the list of signers that was brought, and the list the key.
fn is_named(rule: &AttestationRule, key: &KeyName, measure: &Measure<'_>) -> bool {
    let named = rule.signers.as_ref().map(|digest| *digest.get_ref());
    signers(measure).is_some_and(|signers| named == Some(signers.digest()) && signers.has(key))
}

fn signers<'a>(measure: &Measure<'a>) -> Option<&'a AllowedSigners> {
    measure.brought?.signers.as_ref()
}

fn signer(raw: &[u8], message: &Message<'_>, measure: &Measure<'_>) -> Result<CommitSigner, String> {
    let co_author = |key: &[u8]| key.eq_ignore_ascii_case(b"co-authored-by");
    if message.trailers.iter().any(|trailer| trailer.standing != Standing::Quoted && co_author(trailer.key)) {
        return Err("it names a co-author, of whose part its signature says nothing".to_owned());
    }
    let no_keys = Keyring::default();
    let keyring = measure.brought.map_or(&no_keys, |brought| &brought.keyring);
    verify_commit(raw, keyring).map_err(|error| error.to_string())
}

/// Whether the last paragraph of a message bears the trailer. Squashed messages stand above it, and are others' words.
fn ends_with(message: &Message<'_>, trailer: &str) -> bool {
    let Some(last) = message.lines.last() else { return false };
    let Some((key, value)) = trailer.split_once(": ") else { return false };
    message.lines.iter().any(|line| {
        let found = line.text.split_at_checked(key.len());
        let is_key = found.is_some_and(|(found, rest)| {
            found.eq_ignore_ascii_case(key.as_bytes())
                && rest.strip_prefix(b":").is_some_and(|rest| rest.trim_ascii() == value.as_bytes())
        });
        line.paragraph == last.paragraph && line.standing == Standing::Stands && is_key
    })
}
