//! `egress`: what logs of traffic show about calls to banned services.

mod callers;
mod leave;
mod ocsf;
mod report;
mod scan;

pub use callers::{Naming, PeriodKeys};
pub use leave::{DatedExemption, Leave};
pub use ocsf::detection_findings;
pub use report::{
    Blind, CallCounts, EGRESS_REPORT_FORMAT, EgressReport, FaultReport, FindingReport, InputReport,
    LineReport, TimelineHour,
};
pub use scan::{EgressScanError, EgressScanRequest, Log, Opener, scan};
