//! Any bytes as a policy: parsing and resolving never panic, and what is accepted is accepted again.
#![no_main]

use std::sync::LazyLock;

use lazaret_evidence::catalog::Catalog;
use lazaret_policy::{Policy, Rules};
use libfuzzer_sys::fuzz_target;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

fuzz_target!(|data: &[u8]| {
    let Ok(policy) = Policy::parse(data) else { return };
    assert_eq!(Policy::parse(policy.text().as_bytes()).as_ref(), Ok(&policy));
    if let Ok(rules) = Rules::resolve(&policy, CATALOG.roster()) {
        assert_eq!(rules.policy_digest(), policy.digest());
    }
});
