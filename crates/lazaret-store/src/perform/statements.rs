//! Statements about contents: who may record one, and whether it speaks for a case.

use std::collections::BTreeSet;

use lazaret_core::{Action, Affair, Digest};

use super::Desk;
use crate::aggregate::{Aggregate, Key, Statement};
use crate::case::Case;
use crate::refusal::{Halt, Refusal};

impl Desk<'_> {
    /// Keeps a statement. Fingerprints of held content are recorded by who may hold content, and by nobody else: whoever
    /// could record one could have any text taken for a copy of what was removed.
    pub(super) fn record_statement(
        &mut self,
        document: Digest,
        kind: &str,
        contents: &BTreeSet<Digest>,
    ) -> Result<(), Halt> {
        self.permit(Action::RecordStatement, Affair::Held, BTreeSet::new())?;
        if kind == Statement::FINGERPRINT {
            self.permit(Action::HoldContent, Affair::Held, BTreeSet::new())?;
            if contents.len() != 1 {
                let why = "a fingerprint is that of one held content".to_owned();
                return Err(Refusal::Senseless { why }.into());
            }
            for content in contents {
                self.world.hold(*content)?;
            }
        }
        self.absent(Key::Statement(document))?;
        self.world.put(Aggregate::Statement(Statement {
            document,
            kind: kind.to_owned(),
            by: self.step.by,
            time: self.step.time,
            contents: contents.clone(),
        }));
        Ok(())
    }

    /// Says why a statement does not support a clearing: there is none, it is a fingerprint, or it speaks of contents and
    /// of none in the case.
    pub(super) fn supports(&self, document: Digest, case: &Case) -> Result<(), Halt> {
        let statement = self.world.statement(document)?;
        let senseless = |why: &str| Refusal::Senseless { why: why.to_owned() };
        if statement.kind == Statement::FINGERPRINT {
            return Err(senseless("a fingerprint says what a content is like, and not who wrote it").into());
        }
        // One that names none speaks of more contents than fit, and its document lists them.
        let mut is_of_case = statement.contents.is_empty();
        for content in &statement.contents {
            let key = Key::Hold(*content);
            is_of_case |= self.world.has(key)? && self.world.hold(*content)?.case == case.case;
        }
        if is_of_case {
            Ok(())
        } else {
            Err(senseless("the statement speaks of contents of no such case").into())
        }
    }
}
