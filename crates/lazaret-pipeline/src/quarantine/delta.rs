//! What changed in a held content since a version that was cleared: counted from the bytes themselves, by each of those
//! who answer for it.

use std::rc::Rc;

use lazaret_core::Digest;
use lazaret_evidence::attribution::{Comparer, SameLines};
use lazaret_store::{Delta, Hold, Identities, ReadPurpose};

use super::{Quarantine, QuarantineError};
use crate::docket::bytes_in_place;

/// The largest content that is compared, in bytes.
const COMPARED_BYTES_MAX: u64 = 64 << 20;

/// The difference between a content and a version that it is a change of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which contents, and how many lines of the first are not the second's.
    pub delta: Delta,
    /// The lines of both, in their order.
    pub lines: Vec<DiffLine>,
}

/// A line of one of two contents or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    /// Its number in the old content, counted from 1, where it stands there.
    pub old: Option<u32>,
    /// Its number in the new content, where it stands there.
    pub new: Option<u32>,
    /// Its bytes, line end included.
    pub text: Vec<u8>,
}

impl Quarantine<'_> {
    /// Compares a held content with another; reading what is sealed is an entry of its own.
    ///
    /// # Errors
    /// [`QuarantineError`] when one of them cannot be read.
    pub async fn difference(
        &self,
        content: Digest,
        base: Digest,
        identities: &Identities,
    ) -> Result<Difference, QuarantineError> {
        let new = self.bytes(content, identities).await?;
        let old = self.bytes(base, identities).await?;
        Ok(difference((content, new), (base, old)))
    }

    async fn bytes(&self, content: Digest, identities: &Identities) -> Result<Vec<u8>, QuarantineError> {
        let hold = self.held(content).await?.ok_or(QuarantineError::NotHeld { content })?;
        if hold.bytes > COMPARED_BYTES_MAX {
            return Err(QuarantineError::TooLarge { content, bytes: hold.bytes, limit: COMPARED_BYTES_MAX });
        }
        if hold.sealed.is_none() {
            return self.unsealed(&hold);
        }
        let mut bytes = Vec::new();
        self.read(content, ReadPurpose::Review, identities, &mut bytes).await?;
        Ok(bytes)
    }

    fn unsealed(&self, hold: &Hold) -> Result<Vec<u8>, QuarantineError> {
        let custody = hold.custody.as_str();
        bytes_in_place(hold)
            .map_err(|_elsewhere| QuarantineError::NotSealed { content: hold.content, custody })
    }
}

fn difference((content, new): (Digest, Vec<u8>), (base, old): (Digest, Vec<u8>)) -> Difference {
    let (old, new) = (Rc::new(old), Rc::new(new));
    let mut same = Comparer::default().same_lines(&old, &new);
    let texts = |bytes: &Rc<Vec<u8>>| -> Vec<Vec<u8>> {
        bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
    };
    let (old, new) = (texts(&old), texts(&new));
    let end = |texts: &[Vec<u8>]| u32::try_from(texts.len()).unwrap_or(u32::MAX);
    same.push(SameLines { old: end(&old), new: end(&new), n_lines: 0 });
    let (mut lines, mut count) = (Vec::new(), 0);
    let (mut at_old, mut at_new) = (0_u32, 0_u32);
    let text = |texts: &[Vec<u8>], at: u32| texts.get(at as usize).cloned().unwrap_or_default();
    for run in same {
        lines.extend((at_old..run.old).map(|at| DiffLine {
            old: Some(at + 1),
            new: None,
            text: text(&old, at),
        }));
        for at in at_new..run.new {
            lines.push(DiffLine { old: None, new: Some(at + 1), text: text(&new, at) });
            count += 1;
        }
        lines.extend((0..run.n_lines).map(|nth| DiffLine {
            old: Some(run.old + nth + 1),
            new: Some(run.new + nth + 1),
            text: text(&new, run.new + nth),
        }));
        (at_old, at_new) = (run.old + run.n_lines, run.new + run.n_lines);
    }
    Difference { delta: Delta { content, base, lines: count }, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(old: &str, new: &str) -> Difference {
        let of = |text: &str| (Digest::of(text.as_bytes()), text.as_bytes().to_vec());
        difference(of(new), of(old))
    }

    #[test]
    fn lines_that_came_in_are_counted_and_lines_that_went_are_not() {
        for (old, new, lines) in [
            ("a\nb\nc\n", "a\nb\nc\n", 0),
            ("a\nb\nc\n", "a\nc\n", 0),
            ("a\nb\nc\n", "a\nx\ny\nc\n", 2),
            ("", "a\nb\n", 2),
            ("a\n", "", 0),
            ("a\nb", "a\nb\n", 1),
            ("a\nb\n", "b\na\n", 1),
        ] {
            assert_eq!(compared(old, new).delta.lines, lines, "{old:?} {new:?}");
        }
    }

    #[test]
    fn both_contents_can_be_put_together_again() {
        let (old, new) = ("a\nb\nc\nd\n", "x\nb\nd\ny\nz\n");
        let difference = compared(old, new);
        let of = |side: fn(&DiffLine) -> bool| -> Vec<u8> {
            difference.lines.iter().filter(|line| side(line)).flat_map(|line| line.text.clone()).collect()
        };
        assert_eq!(of(|line| line.old.is_some()), old.as_bytes());
        assert_eq!(of(|line| line.new.is_some()), new.as_bytes());
    }
}
