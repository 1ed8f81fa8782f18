//! Any bytes as a commit: reading and detecting never panic, and the prefilter rules out no commit that bears a mark.
#![no_main]

use std::sync::LazyLock;

use lazaret_core::ObjectId;
use lazaret_evidence::catalog::Catalog;
use lazaret_evidence::detectors::Detectors;
use lazaret_intake::git::RawCommit;
use libfuzzer_sys::fuzz_target;

static DETECTORS: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(&Catalog::built_in()));

fuzz_target!(|data: &[u8]| {
    detect(data);
    // Most inputs are no commit; as the message of one they get further.
    let head = b"tree 0123456789abcdef0123456789abcdef01234567\n\
        author Ada Meridian <ada@harbour.example> 1704110400 +0000\n\
        committer Ada Meridian <ada@harbour.example> 1704110400 +0000\n\n";
    detect(&[head.as_slice(), data].concat());
});

fn detect(raw: &[u8]) {
    let Some(commit) = RawCommit::parse(raw) else { return };
    let evidence = DETECTORS.commit(&commit.fact(ObjectId::Sha1([0; 20])));
    assert!(evidence.is_empty() || DETECTORS.may_mark(raw), "the prefilter ruled a marked commit out");
}
