//! Policies on who may do what, read and held against the ground rules.

use std::sync::{Arc, LazyLock};

use lazaret_core::{Ask, Authority, Digest, Ruling};

use crate::ground;
use crate::read::{DutiesError, read, schema};
use crate::rulings::Rulings;
use crate::standing::Standing;

/// The policies where nobody says otherwise.
const BUILT_IN: &str = include_str!("duties.cedar");

/// Who may do what. Copies share what was answered already.
#[derive(Debug, Clone)]
pub struct Duties {
    text: Arc<str>,
    rulings: Arc<Rulings>,
}

impl Duties {
    /// Reads policies: Cedar, with the words of the built-in ones.
    ///
    /// # Errors
    /// [`DutiesError`] where the text is no Cedar or too long, a policy lacks its name or what it takes, a word is
    /// not declared, a policy can never apply, could fail or names somebody, the policies look at too much to try it
    /// all, or something that they allow breaks the [ground rules](crate::GROUND_RULES).
    pub fn parse(text: &str) -> Result<Self, DutiesError> {
        let duties = Self::read(text)?;
        let rulings = &duties.rulings;
        let breach = ground::breach(
            |action| rulings.looked_at(action),
            |action, affair, standing| rulings.allows(action, affair, standing),
        );
        match breach {
            Some(breach) => Err(DutiesError::BreaksGroundRule { breach }),
            None => Ok(duties),
        }
    }

    /// Returns the policies where nobody says otherwise; within a process they are read once. That they keep to
    /// the ground rules is for a test to try.
    #[must_use]
    pub fn built_in() -> Self {
        #[expect(clippy::expect_used, reason = "the text is part of the program, and a test parses it")]
        static READ: LazyLock<Duties> =
            LazyLock::new(|| Duties::read(BUILT_IN).expect("the built-in policies are valid"));
        READ.clone()
    }

    fn read(text: &str) -> Result<Self, DutiesError> {
        let schema = schema()?;
        let policies = read(text, &schema)?;
        Ok(Self { text: text.into(), rulings: Arc::new(Rulings::new(schema, &policies)?) })
    }

    /// Returns the text that the policies were read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the SHA-256 of the text: the name under which a ledger says by which policies it was decided.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.as_bytes())
    }
}

impl Authority for Duties {
    fn rule(&self, ask: &Ask) -> Ruling {
        self.rulings.rule(ask.action, ask.affair, Standing::of(ask))
    }
}
