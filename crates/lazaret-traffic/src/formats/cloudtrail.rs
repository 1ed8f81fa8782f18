//! AWS `CloudTrail`'s records of calls to models on Bedrock: `InvokeModel*` and `Converse*`, one record a line or in a file
//! with a list of `Records`.
//!
//! Documented in the AWS `CloudTrail` User Guide, "`CloudTrail` record contents", and the Amazon Bedrock User Guide, "Monitor
//! Amazon Bedrock API calls using `CloudTrail`"; read by that documentation, not held against the service.

use lazaret_core::{Outcome, Part, Visibility};

use super::json_lines::{Names, plan};
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::json::{Plan, Target};
use crate::row::{Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

const NAMES: Names<'_> = &[
    (&["eventVersion"], Target::Mark(Slot::MarkC)),
    (&["eventTime"], Target::One(Slot::Time)),
    (&["eventSource"], Target::One(Slot::MarkA)),
    (&["eventName"], Target::One(Slot::Kind)),
    (&["sourceIPAddress"], Target::One(Slot::Client)),
    (&["userAgent"], Target::One(Slot::Agent)),
    (&["userIdentity", "arn"], Target::One(Slot::User)),
    (&["recipientAccountId"], Target::One(Slot::Account)),
    (&["requestParameters", "modelId"], Target::One(Slot::Model)),
    (&["tlsDetails", "clientProvidedHostHeader"], Target::One(Slot::Host)),
    (&["errorCode"], Target::One(Slot::Outcome)),
];

/// `CloudTrail`'s records.
#[derive(Debug)]
pub(crate) struct CloudTrail {
    plan: Plan,
    manner: Manner,
}

impl CloudTrail {
    pub(crate) fn new() -> Self {
        let manner = Manner { clock: Clock::Rfc3339, duration: Unit::Seconds, time_is_end: false };
        Self { plan: plan(NAMES), manner }
    }
}

impl Grammar for CloudTrail {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        self.plan.read(line, row)?;
        let (true, Some(source), Some(event)) =
            (row.has(Slot::MarkC), row.raw(Slot::MarkA, line), row.raw(Slot::Kind, line))
        else {
            return Err(Fault::NobodyCalled);
        };
        let is_call = source == b"bedrock.amazonaws.com"
            && (event.starts_with(b"InvokeModel") || event.starts_with(b"Converse"));
        if !is_call {
            return Ok(Taken::Beside(b"other-event"));
        }
        // Where the record does not say which host was called, it was the service.
        if !row.has(Slot::Host) {
            row.set(Slot::Host, row.piece(Slot::MarkA));
        }
        let outcome = match row.raw(Slot::Outcome, line) {
            None => Outcome::Passed,
            Some(error) if error.starts_with(b"AccessDenied") || error.starts_with(b"Unauthorized") => {
                Outcome::Blocked
            }
            Some(_) => Outcome::Unstated,
        };
        Ok(Taken::Call(Told { visibility: Visibility::Http, part: Part::Whole, outcome }))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }

    fn is_utf8(&self) -> bool {
        true
    }
}
