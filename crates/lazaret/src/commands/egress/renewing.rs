//! What a running service decides by, read anew: another policy is taken where it is valid, and refused aloud where not.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_pipeline::egress::{Decider, KeptExemptions};
use lazaret_pipeline::house::House;
use lazaret_policy::POLICY_BYTES_MAX;
use lazaret_server::{PolicyReading, Reading};

use super::deciding::decider;
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::house::{house_error, store_error};
use crate::rulebook::Rulebook;
use crate::screen::Screen;
use crate::speech;

/// How long lies between two readings of a file that has changed.
const PAUSE: Duration = Duration::from_millis(100);

/// How often a file that has changed is read before it is left for the next time.
const READINGS_MAX: u32 = 10;

/// Where policy and exemptions are read from again.
pub(super) struct Renewal {
    house: Option<House>,
    policy: Option<PathBuf>,
    quiet: bool,
    screen: Screen,
    /// What was last said to be wrong, so that it is said once and not every few seconds.
    said: Mutex<Option<String>>,
}

impl Renewal {
    /// Reads from a file where one is named, else from the store; the built-in policy stays what it is.
    pub(super) fn new(house: Option<House>, policy: Option<PathBuf>, global: &GlobalArgs) -> Self {
        let screen = Screen::stderr(global.color);
        Self { house, policy, quiet: global.quiet, screen, said: Mutex::new(None) }
    }

    /// Reads both.
    pub(super) async fn read(&self, in_force: Arc<Decider>) -> Reading {
        let exemptions = match &self.house {
            Some(house) => KeptExemptions::read(house, Timestamp::now()).await.ok(),
            None => Some(KeptExemptions::none(in_force.exemptions().terms().clone(), Timestamp::now())),
        };
        let policy = match self.policy(&in_force).await {
            Ok(None) => {
                self.forget();
                PolicyReading::Same
            }
            Ok(Some(decider)) => {
                self.forget();
                if !self.quiet {
                    let text = format!("another policy is in force: {}", decider.policy().policy);
                    speech::note(&text, &self.screen);
                }
                PolicyReading::Other(Box::new(decider))
            }
            Err((what, error)) => {
                self.say(what, &error, &in_force);
                PolicyReading::Refused
            }
        };
        Reading { policy, exemptions }
    }

    /// Returns what decides by another policy, where another lies there; with an error goes what it is about.
    async fn policy(&self, in_force: &Decider) -> Result<Option<Decider>, (String, CommandError)> {
        let unread = |error: CommandError| (String::new(), error);
        let known = in_force.policy().policy;
        let (text, name) = match (&self.policy, &self.house) {
            (Some(path), _) => {
                let name = path.display().to_string();
                let text = settled(path, known).await.map_err(|error| {
                    let message = format!("cannot read the policy `{name}`");
                    unread(CommandError::new(ExitCode::PolicyInvalid, message).because(error))
                })?;
                (text, name)
            }
            (None, Some(house)) => {
                let charter = house.store.charter().await.map_err(|error| unread(store_error(error)))?;
                if charter.basis.policy == known {
                    return Ok(None);
                }
                let text = house.document(charter.basis.policy).await;
                (text.map_err(|error| unread(house_error(error)))?, "the store's policy".to_owned())
            }
            (None, None) => return Ok(None),
        };
        let digest = Digest::of(&text);
        if digest == known {
            return Ok(None);
        }
        let exemptions = in_force.exemptions();
        // A catalog is compiled meanwhile, and others go on asking.
        let made = tokio::task::spawn_blocking(move || {
            let rulebook = Rulebook::parse(&text, &name)?;
            decider(&rulebook, (*exemptions).clone())
        });
        match made.await {
            Ok(made) => made.map(Some).map_err(|error| (digest.to_string(), error)),
            Err(error) => {
                let message = "the policy could not be compiled";
                Err((digest.to_string(), CommandError::new(ExitCode::Bug, message).because(error)))
            }
        }
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self) {
        *self.said() = None;
    }

    fn say(&self, what: String, error: &CommandError, in_force: &Decider) {
        let mut said = self.said();
        if said.as_ref() == Some(&what) {
            return;
        }
        speech::error(error, &self.screen);
        let text = format!("the policy in force stays: {}", in_force.policy().policy);
        speech::warning(&text, &self.screen);
        *said = Some(what);
    }
}

/// Reads a file; where it is another than the one that is known, until two readings in a row agree. A policy that is
/// being written may be valid without its end, and say less.
async fn settled(path: &Path, known: Digest) -> io::Result<Vec<u8>> {
    let mut before = None;
    for _ in 0..READINGS_MAX {
        let path = path.to_owned();
        // A disk that does not answer must not keep calls waiting.
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            // One byte too many is enough to be refused.
            let most = u64::try_from(POLICY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
            File::open(path)?.take(most).read_to_end(&mut bytes).map(|_| bytes)
        });
        let bytes = read.await.map_err(io::Error::other)??;
        let digest = Digest::of(&bytes);
        if digest == known || before == Some(digest) {
            return Ok(bytes);
        }
        before = Some(digest);
        tokio::time::sleep(PAUSE).await;
    }
    Err(io::Error::other("it changes all the time"))
}
