//! Any bytes as a record of authorship, in every format: parsing never panics, and what is claimed of it has lines.
#![no_main]

use std::sync::LazyLock;

use lazaret_core::{ObjectId, Recording};
use lazaret_evidence::catalog::Catalog;
use lazaret_evidence::detectors::Detectors;
use lazaret_intake::recorders::{agent_trace, agentnote, entire, git_ai, whogitit};
use libfuzzer_sys::fuzz_target;

static DETECTORS: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(&Catalog::built_in()));

fuzz_target!(|data: &[u8]| {
    let id = ObjectId::Sha1([0; 20]);
    let mut recordings: Vec<Recording> = Vec::new();
    recordings.extend(git_ai::parse(id, id, data));
    recordings.extend(whogitit::parse(id, id, data));
    recordings.extend(agentnote::parse(id, id, data));
    recordings.extend(agent_trace::parse_note(id, id, data).into_iter().flatten());
    drop(entire::parse_session(id, data));
    for mut recording in recordings {
        recording.clip(|_| Some(100));
        for claim in DETECTORS.recording(&recording).claims {
            assert!(claim.lines.is_none_or(|lines| lines.iter().all(|lines| lines.end() <= 100)));
        }
    }
});
