//! Says on standard error what a gate could not do: the shards that failed, and the records that it rejected.

use lazaret_pipeline::gate::{GateReport, ShardReport, ShardState};

use crate::command_error::CommandError;
use crate::exit::ExitCode;
use crate::screen::Screen;
use crate::speech;
use crate::text::count;

/// How many shards are named one by one.
const SHARDS_MAX: usize = 20;

/// Says what failed and what was rejected, where anything was; `mend` is what to do about a shard.
pub(in crate::commands) fn say(report: &GateReport, mend: &str, screen: &Screen) {
    let failed: Vec<&ShardReport> =
        report.shards.iter().filter(|shard| shard.state == ShardState::Failed).collect();
    let failure = |message: String| CommandError::new(ExitCode::Failure, message);
    let mut errors: Vec<CommandError> = failed
        .iter()
        .take(SHARDS_MAX)
        .map(|ShardReport { name, error, .. }| {
            let why = error.as_deref().unwrap_or("the report says why");
            failure(format!("nothing of `{name}` is admitted: {why}"))
        })
        .collect();
    if let Some(more) = failed.len().checked_sub(SHARDS_MAX).filter(|more| *more > 0) {
        errors.push(failure(format!(
            "nothing of {} is admitted",
            count(more as u64, "further shard", "further shards")
        )));
    }
    if let Some(last) = errors.pop() {
        errors.push(last.hint(mend));
    }
    let rejected: u64 = report
        .shards
        .iter()
        .filter(|shard| shard.state != ShardState::Failed)
        .map(|shard| shard.records.rejected)
        .sum();
    if rejected > 0 {
        let records = count(rejected, "record", "records");
        let message = format!("{records} rejected: what cannot be examined is not admitted");
        let held = if report.dry_run { "the report" } else { "`held/`" };
        errors.push(failure(message).hint(format!("{held} says why; mend them, and name a new place")));
    }
    errors.iter().for_each(|error| speech::error(error, screen));
}
