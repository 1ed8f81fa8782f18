//! Exemptions: asked for by one, approved by another, over when their time is over.

use jiff::SignedDuration;
use lazaret_core::Purpose;
use lazaret_store::{Act, ExemptionId, ExemptionStatus};

use crate::play::{Play, refused, request, terms};

fn approve(exemption: u64) -> Act {
    Act::ApproveExemption { exemption: ExemptionId(exemption) }
}

fn status(play: &Play, exemption: u64) -> ExemptionStatus {
    play.exemption(exemption).status(&play.charter().basis.terms, play.now)
}

#[test]
fn a_manager_who_neither_asked_nor_gains_approves() {
    let mut play = Play::new();
    let ask = Act::RequestExemption(request(&play, "gita", 7));
    let id = play.act("hugo", &ask).unwrap();
    assert!(refused(play.act("hugo", &approve(id))).contains("a person who did not ask for the exemption"));
    assert!(refused(play.act("gita", &approve(id))).contains("a person who does not gain by the exemption"));
    assert!(refused(play.act("cleo", &approve(id))).contains("a manager"));
    let ask = Act::RequestExemption(request(&play, "cleo", 7));
    let id = play.act("cleo", &ask).unwrap();
    assert_eq!(status(&play, id), ExemptionStatus::Requested);
    play.act("gita", &approve(id)).unwrap();
    assert_eq!(status(&play, id), ExemptionStatus::Active);
    assert!(refused(play.act("hugo", &approve(id))).contains("is active; only a request is approved"));
    play.days_pass(7);
    assert_eq!(status(&play, id), ExemptionStatus::Expired);
}

#[test]
fn the_terms_bound_what_may_be_asked() {
    let mut play = Play::new();
    let long = Act::RequestExemption(request(&play, "cleo", 31));
    assert_eq!(
        refused(play.act("cleo", &long)),
        "the policy does not allow it: it would run for 31 days; the policy allows 30"
    );
    let mut legal = request(&play, "cleo", 1);
    legal.purpose = Purpose::Legal;
    assert!(refused(play.act("cleo", &Act::RequestExemption(legal))).contains("for the purpose `legal`"));
    let mut backwards = request(&play, "cleo", 1);
    backwards.until = backwards.from - SignedDuration::from_secs(1);
    assert!(refused(play.act("cleo", &Act::RequestExemption(backwards))).contains("ends before it begins"));
}

#[test]
fn an_exemption_is_none_before_its_time_and_none_when_the_terms_tighten() {
    let mut play = Play::new();
    let mut ask = request(&play, "cleo", 7);
    ask.from = play.now + SignedDuration::from_hours(24);
    let id = play.act("cleo", &Act::RequestExemption(ask)).unwrap();
    play.act("gita", &approve(id)).unwrap();
    assert_eq!(status(&play, id), ExemptionStatus::Pending);
    play.days_pass(1);
    assert_eq!(status(&play, id), ExemptionStatus::Active);
    let mut tighter = terms();
    tighter.exemption_days = 3;
    assert_eq!(play.exemption(id).status(&tighter, play.now), ExemptionStatus::OutOfTerms);
}

#[test]
fn a_use_is_recorded_only_where_it_was_allowed() {
    let mut play = Play::new();
    let id = play.act("cleo", &Act::RequestExemption(request(&play, "cleo", 2))).unwrap();
    let used = |play: &Play| Act::RecordUse { exemption: ExemptionId(id), uses: 3, last: play.now };
    assert!(refused(play.act("finn", &used(&play))).contains("it is a finding"));
    play.act("gita", &approve(id)).unwrap();
    play.act("finn", &used(&play)).unwrap();
    assert_eq!(play.exemption(id).uses, 3);
    play.act("cleo", &Act::RevokeExemption { exemption: ExemptionId(id), remark: None }).unwrap();
    assert_eq!(status(&play, id), ExemptionStatus::Revoked);
    assert!(refused(play.act("finn", &used(&play))).contains("it is a finding"));
}

#[test]
fn a_use_before_the_revocation_is_recorded_after_it() {
    let mut play = Play::new();
    let id = play.act("cleo", &Act::RequestExemption(request(&play, "cleo", 2))).unwrap();
    play.act("gita", &approve(id)).unwrap();
    let last = play.now;
    play.now += SignedDuration::from_hours(1);
    play.act("cleo", &Act::RevokeExemption { exemption: ExemptionId(id), remark: None }).unwrap();
    let used = |last| Act::RecordUse { exemption: ExemptionId(id), uses: 1, last };
    assert!(refused(play.act("finn", &used(play.now))).contains("it is a finding"));
    play.act("finn", &used(last)).unwrap();
    assert_eq!(play.exemption(id).uses, 1);
}
