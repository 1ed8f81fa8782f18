//! `egress`: decisions about calls to services, and what logs of traffic show about calls that were made.

mod callers;
mod correlate;
mod decisions;
mod exemptions;
mod export;
mod findings;
mod leave;
mod logs;
mod notice;
mod ocsf;
mod reconcile;
mod report;
mod retention;
mod reveal;
mod scan;
mod snapshot;
mod uses;

pub use callers::{Naming, PSEUDONYM_PERIOD_DAYS, PeriodKeys};
pub use correlate::{
    CORRELATION_FORMAT, CommitReport, CorrelateError, CorrelateRequest, CorrelatedCalls, CorrelationReport,
    correlate,
};
pub use decisions::{AskedCall, Decided, DecidedCall, Decider};
pub use exemptions::KeptExemptions;
pub use export::{ExportError, ExportFormat, ExportRequest, export};
pub use findings::{
    FINDING_LIST_FORMAT, FindingFilter, FindingList, FindingSheet, Keepable, KeptFinding, finding_list,
    finding_sheet, keep,
};
pub use leave::Leave;
pub use logs::{Log, LogError, Opener, Progress};
pub use notice::notice;
pub use ocsf::detection_findings;
pub use reconcile::{
    BlindKind, DECISION_FORMAT, Discrepancy, DiscrepancyReport, HeldCounts, QuietReport,
    RECONCILIATION_FORMAT, ReconcileRequest, ReconciliationReport, RecordReport, SourceReport, SourceRole,
    Unsettled, UnsettledReport, reconcile,
};
pub use report::{
    Blind, CallCounts, EGRESS_REPORT_FORMAT, EgressReport, FaultReport, FindingReport, InputReport,
    LineReport, TimelineHour,
};
pub use retention::{
    ClassRetention, Deletion, RETENTION_FORMAT, RetentionSheet, delete_overdue, retention_sheet,
};
pub use reveal::{Revealed, reveal};
pub use scan::{EgressScanError, EgressScanRequest, scan};
pub use snapshot::{SNAPSHOT_FORMAT, Snapshot, SnapshotError};
pub use uses::{DecidedUses, RecordedUses, decided_uses, record_uses};
