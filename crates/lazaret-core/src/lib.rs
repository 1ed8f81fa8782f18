//! The words of Lazaret and their laws: what is judged, what is claimed about it, and what follows.
//!
//! Nothing here reads a file, a clock, the environment or the network.

mod authority;
mod decision;
mod digest;
mod endpoint;
mod evidence;
mod fact;
mod graph;
mod id;
mod origin;
mod person;
mod recording;
mod roster;
mod signer;
mod span;
mod terms;
mod traffic;
mod verdict;

pub use authority::{Action, Affair, Ask, Authority, Relation, Ruling};
pub use decision::{DecisionId, Permission};
pub use digest::Digest;
pub use endpoint::{
    AddressRange, Confidence, Endpoint, EndpointPattern, EndpointRole, Exclusivity, ParseRangeError,
};
pub use evidence::{
    Claim, Coverage, Directness, Evidence, Gap, GapKind, Polarity, Proof, Role, Strength, Taint,
};
pub use fact::{CommitFact, EntryKind, Signature, TreeEntry};
pub use graph::{Change, Changes, CommitGraph, CommitIx, CommitRow, CommitSet, PathIx};
pub use id::{DetectorId, EndpointId, ModelId, ObjectId, ParseIdError, ProviderId, ToolId};
pub use origin::{Origin, OriginKind};
pub use person::{FindingsId, IdentityId, PersonId, PersonRole, RemarkId};
pub use recording::{
    RecordedFile, RecordedSpan, RecordedText, RecordedTool, Recorder, Recording, RecordingFault,
    RevisionMeaning, Writer,
};
pub use roster::{Availability, Model, Provider, Roster, Tool};
pub use signer::KeyName;
pub use span::{EmptySpan, Span};
pub use terms::{OnDeadline, Purpose, Retention, Terms, UnknownAuthors};
pub use traffic::{Outcome, Part, Response, TrafficFact, Visibility};
pub use verdict::Verdict;
