//! What a witness answers to a checkpoint that is handed to it, as C2SP tlog-witness says, and nothing of how it comes.

use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_seal::{Checkpoint, ConsistencyProof, Cosigner, NoteVerifier, SignedNote};

use crate::ledger::proof::{decimal, hash};
use crate::ledger::trust::TrustedLog;

/// The answer to a request `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The status of the answer, in HTTP's numbers.
    pub status: u16,
    /// The type of its body.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
    /// What the witness must keep as the last it saw, durably, before it sends the answer.
    pub keep: Option<SignedNote>,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The proof begins at another size than was last seen.
    OtherOldSize,
    /// As many entries were seen with another root.
    OtherRoot,
    /// The proof does not hold.
    Inconsistent,
}

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";
const PATH_MAX: usize = 63;

/// Answers a request to cosign a checkpoint: the size last seen, a proof of consistency with it, and the checkpoint.
///
/// `logs` are the keys that are witnessed, and `seen` gives the checkpoint that was last cosigned for an origin. Between
/// that look and the keeping of [`AddCheckpoint::keep`], nothing else may be answered for the same origin.
#[must_use]
pub fn add_checkpoint(
    body: &[u8],
    logs: &[NoteVerifier],
    seen: impl FnOnce(&str) -> Option<Checkpoint>,
    cosigner: &Cosigner<'_>,
    now: Timestamp,
) -> AddCheckpoint {
    let Some((old_size, path, note)) = parse(body) else {
        return answer(400, "the request is not one of tlog-witness");
    };
    let Ok(claimed) = Checkpoint::parse(note.unverified_text()) else {
        return answer(400, "the note is not a checkpoint");
    };
    let mut known = logs.iter().filter(|key| key.name() == claimed.origin).peekable();
    if known.peek().is_none() {
        return answer(404, "this log is not witnessed here");
    }
    let bytes = note.to_string();
    let read = |key: &NoteVerifier| TrustedLog::new(key.clone()).read(bytes.as_bytes()).ok();
    let Some(head) = known.find_map(read) else {
        return answer(403, "no key of this log signed the checkpoint");
    };
    if old_size > head.checkpoint.size {
        return answer(400, "the old size is larger than the checkpoint's");
    }
    let seen = seen(&head.checkpoint.origin);
    match judge(&head.checkpoint, old_size, path, seen.as_ref()) {
        Ok(()) => {}
        Err(Refusal::OtherOldSize | Refusal::OtherRoot) => {
            let size = seen.map_or(0, |seen| seen.size);
            return AddCheckpoint { content_type: SIZE, ..answer(409, &size.to_string()) };
        }
        Err(Refusal::Inconsistent) => return answer(422, "the proof of consistency does not hold"),
    }
    let mut keep = head.note;
    let Ok(cosignature) = cosign(&mut keep, cosigner, now) else {
        return answer(500, "the witness's clock cannot be right");
    };
    AddCheckpoint { keep: Some(keep), ..answer(200, &cosignature) }
}

/// Decides whether a checkpoint continues the one last seen.
pub(super) fn judge(
    checkpoint: &Checkpoint,
    old_size: u64,
    path: Vec<Digest>,
    seen: Option<&Checkpoint>,
) -> Result<(), Refusal> {
    if old_size != seen.map_or(0, |seen| seen.size) {
        return Err(Refusal::OtherOldSize);
    }
    let Some(seen) = seen else {
        return if path.is_empty() { Ok(()) } else { Err(Refusal::Inconsistent) };
    };
    if seen.size == checkpoint.size && seen.root != checkpoint.root {
        return Err(Refusal::OtherRoot);
    }
    let proof = ConsistencyProof { old_size, new_size: checkpoint.size, path };
    proof.verify(&seen.root, &checkpoint.root).ok().ok_or(Refusal::Inconsistent)
}

/// Adds the witness's cosignature, and returns its line.
pub(super) fn cosign(
    note: &mut SignedNote,
    cosigner: &Cosigner<'_>,
    now: Timestamp,
) -> Result<String, lazaret_seal::NoteError> {
    note.cosign(cosigner, now)?;
    // The last line is the one that was just added.
    Ok(note.signature_lines().last().unwrap_or_default())
}

fn parse(body: &[u8]) -> Option<(u64, Vec<Digest>, SignedNote)> {
    let (head, note) = std::str::from_utf8(body).ok()?.split_once("\n\n")?;
    let mut lines = head.split('\n');
    let old_size = decimal(lines.next()?.strip_prefix("old ")?)?;
    let path: Vec<Digest> = lines.take(PATH_MAX + 1).map(hash).collect::<Option<_>>()?;
    let note = SignedNote::parse(note.as_bytes()).ok()?;
    (path.len() <= PATH_MAX).then_some((old_size, path, note))
}

fn answer(status: u16, line: &str) -> AddCheckpoint {
    AddCheckpoint { status, content_type: TEXT, body: format!("{line}\n"), keep: None }
}
