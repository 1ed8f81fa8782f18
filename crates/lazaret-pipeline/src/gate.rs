//! `gate`: admits or holds the records of shards, and proves what it admitted.
//!
//! Sources: shards, chunk by chunk; what can be joined to them is a [`Snapshot`]: bundles of earlier scans, known text,
//! the data set's own declarations. Evidence: [`record`] gathers what is known of a record's bytes and of the names it
//! claims. Verdict: the judge of the policy. Action: the policy's admission rule; [`cut`] takes out what is not
//! admitted where the policy says so.
//!
//! The core is [`judge_batch`], a function from one Arrow batch to another: it knows no file. [`run`] reads shards,
//! asks it, writes what is admitted and what is held, and signs a receipt for each shard; [`verify()`] holds shards
//! against receipts.

mod again;
mod batch;
mod bundles;
mod chunks;
mod cut;
mod documents;
mod fit;
mod held;
pub(crate) mod identity;
mod loader;
pub(crate) mod output;
mod reasons;
mod record;
mod report;
mod run;
mod settings;
mod shard;
mod snapshot;
mod verify;

pub use batch::{BatchError, judge_batch, judge_facts, verdict_schema};
pub use bundles::{Bundles, ReadBundleError, Source, TooManyRows};
pub use cut::{Remainder, Retention};
pub use documents::DocumentsError;
pub use fit::Misfit;
pub(crate) use held::HeldRecord;
pub use held::{HeldError, HeldRun};
pub use identity::{Identity, Names};
pub use loader::{Beside, LoaderFileError};
pub use output::OutputError;
pub use record::{Outcome, RecordVerdict};
pub use report::{
    EvidenceDigest, GATE_FORMAT, GateReport, LoaderFileReport, RecordTally, ShardReport, ShardState,
};
pub use run::{GateError, GateRequest, gate, gate_within};
pub use settings::{GATE_RUN_FORMAT, Settings, SettingsError};
pub use shard::{Destination, GateShardError, ShardInput};
pub use snapshot::{LeftOut, Snapshot};
pub use verify::{
    VERIFY_FORMAT, VerifyError, VerifyFault, VerifyFaultKind, VerifyReport, VerifyRequest, verify,
};
