//! Parses and validates policy files, judges content by them, and explains the judgement.
//!
//! [`Policy::parse`] reads a policy file, [`Rules::resolve`] holds it against the catalog's [`Roster`],
//! [`judge()`] holds a content against the rules, and [`explain`] says why in plain words.
//! [`egress::decide`] decides about a request to a service.
//! Nothing here reads a file, a clock, the environment or the network: `now` is an argument.
//!
//! [`Roster`]: lazaret_core::Roster

pub mod cases;
mod diagnostic;
pub mod egress;
pub mod explain;
mod file;
mod judge;
mod policy;
mod read;
mod reason;
mod rules;

pub use diagnostic::{Diagnostic, Place, PolicyError};
pub use file::{
    AccountRule, AdmissionRule, Approve, AttestationRule, Ban, DEFAULT_SNAPSHOT_MINUTES,
    DEFAULT_TRIVIAL_TOKENS, DatedSetRule, DerivedVerdict, EgressMode, EgressRules, ExemptionRules,
    NetworkRule, OnFailure, OriginRule, Partial, Pattern, PermitRule, RetentionRules, ReviewRules, ScopeRule,
    Sections, SourceKind, SourceRule, SubjectRule, ToolReceiptRule, VerdictRules,
};
pub use judge::{JudgedPart, Judgement, Matter, Review, SETTLED_BY_MAX, judge};
pub use policy::{POLICY_BYTES_MAX, Policy, json_schema};
pub use reason::{Reason, Reasons};
pub use rules::Rules;
