//! The record of decisions: one line of JSON for each request that matched, and none for any other.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use lazaret_core::{DecisionId, Digest, Permission};
use lazaret_pipeline::egress::DECISION_FORMAT;
use lazaret_policy::EgressMode;
use lazaret_policy::egress::{Decision, EgressReason, EgressRule};
use serde::Serialize;

use crate::service::Point;

/// A decision as it is recorded. Who asked is not in it: the log of the enforcement point says so, and names the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DecisionRecord<'a> {
    format: &'static str,
    time: Timestamp,
    id: DecisionId,
    point: Point,
    permission: Permission,
    enforced: Permission,
    mode: EgressMode,
    rule: Option<&'a EgressRule>,
    policy: Digest,
    exemption: Option<&'a str>,
    valid_until: Timestamp,
    reasons: &'a [EgressReason],
}

impl<'a> DecisionRecord<'a> {
    /// Returns what is recorded of a decision.
    #[must_use]
    pub fn new(time: Timestamp, point: Point, decision: &'a Decision) -> Self {
        Self {
            format: DECISION_FORMAT,
            time,
            id: decision.id,
            point,
            permission: decision.permission,
            enforced: decision.enforced,
            mode: decision.mode,
            rule: decision.rule.as_ref(),
            policy: decision.policy,
            exemption: decision.exemption.as_deref(),
            valid_until: decision.valid_until,
            reasons: &decision.reasons,
        }
    }
}

/// Writes records to a file, each whole and at once.
#[derive(Debug)]
pub struct Recorder {
    file: Option<Mutex<File>>,
    lost: AtomicU64,
}

impl Recorder {
    /// Returns one that keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { file: None, lost: AtomicU64::new(0) }
    }

    /// Appends to a file, which is made where there is none.
    ///
    /// # Errors
    /// Whatever keeps the file from being opened.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        Ok(Self { file: Some(Mutex::new(options.open(path)?)), lost: AtomicU64::new(0) })
    }

    /// Records a decision. A decision that cannot be recorded is carried out all the same, and counted.
    pub fn record(&self, record: &DecisionRecord<'_>) {
        let Some(file) = &self.file else { return };
        let written = serde_json::to_vec(record).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
        });
        if written.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many could not be recorded.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
