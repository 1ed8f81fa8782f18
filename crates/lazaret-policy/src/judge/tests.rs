//! Tests of the judge at sizes that cases do not reach.

use lazaret_core::{
    Availability, Claim, Digest, Directness, OriginKind, Proof, Provider, ProviderId, Role, Roster, Strength,
    Taint,
};

use super::*;
use crate::policy::Policy;
use crate::reason::Reason;

fn rules() -> Rules {
    let id: ProviderId = "borealis".parse().unwrap();
    let first_available = Availability { date: jiff::civil::date(2021, 2, 3), source: "invented".to_owned() };
    let provider = Provider { id: id.clone(), name: id.to_string(), first_available };
    let roster = Roster {
        providers: [(id, provider)].into(),
        tools: [].into(),
        models: [].into(),
        evasions: [].into(),
        digest: Digest::of(b""),
    };
    Rules::resolve(&Policy::built_in(), &roster).unwrap()
}

fn taint(span: Option<Span>, strength: Strength) -> Evidence {
    let taint = Taint {
        tool: None,
        provider: Some("borealis".parse().unwrap()),
        model: None,
        model_provider: None,
        role: Role::Author,
        strength,
        directness: Directness::Direct,
    };
    Evidence { detector: "invented".parse().unwrap(), span, claim: Claim::Taint(taint), why: String::new() }
}

fn judged(lines: u32, evidence: &[Evidence]) -> Judgement {
    let origin = Origin { kind: OriginKind::Git, path: "/a".to_owned(), rev: None };
    judge(
        &rules(),
        &Matter { origin: &origin, lines, evidence, gaps: &[], reviews: &[] },
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn the_largest_content_and_the_largest_span_are_judged() {
    let whole = Span::new(1, u32::MAX).unwrap();
    let last = Span::new(u32::MAX, u32::MAX).unwrap();
    let judgement = judged(u32::MAX, &[taint(Some(last), Strength::Recorded)]);
    assert_eq!(
        judgement.parts.iter().map(|part| part.verdict).collect::<Vec<_>>(),
        [Verdict::Unproven, Verdict::Tainted]
    );
    assert_eq!(judgement.parts[1].span, Some(last));
    let judgement = judged(u32::MAX, &[taint(Some(whole), Strength::Recorded)]);
    assert_eq!(judgement.parts.len(), 1);
    assert_eq!(judgement.parts[0].span, Some(whole));
}

#[test]
fn ten_thousand_claims_on_the_same_lines_name_the_strongest_few() {
    // Each ends a line before the next, so that the strongest few are others on every line.
    let mut evidence: Vec<_> =
        (1..=10_000).map(|line| taint(Some(Span::new(1, line).unwrap()), Strength::Matched)).collect();
    evidence.push(taint(None, Strength::Recorded));
    let judgement = judged(10_001, &evidence);
    assert_eq!(judgement.verdict, Verdict::Tainted);
    assert_eq!(judgement.parts.len(), 10_001);
    assert_eq!(judgement.parts[0].settled_by.len(), SETTLED_BY_MAX);
    assert_eq!(judgement.parts[10_000].settled_by.len(), 1);
    assert!(judgement.parts.iter().all(|part| part.settled_by[0] == 10_000), "the record is the strongest");
}

#[test]
fn ten_thousand_claims_side_by_side_are_ten_thousand_parts() {
    let evidence: Vec<_> =
        (1..=10_000).map(|line| taint(Some(Span::new(line, line).unwrap()), Strength::Declared)).collect();
    let judgement = judged(10_000, &evidence);
    assert_eq!(judgement.parts.len(), 10_000);
    assert!(judgement.parts.iter().enumerate().all(|(index, part)| part.settled_by == [index]));
}

#[test]
fn proof_beyond_the_end_is_taken_as_far_as_the_content_goes() {
    let mut evidence = taint(Some(Span::new(3, 9).unwrap()), Strength::Declared);
    evidence.claim = Claim::Proof(Proof::Predates {
        on: jiff::civil::date(2000, 1, 1),
        origin: None,
        set: Some(Digest::of(b"")),
    });
    let judgement = judged(4, &[evidence]);
    let reasons: Vec<_> = judgement.parts.iter().map(|part| part.reasons).collect();
    let refused = Reasons::from(Reason::DateInFuture);
    assert_eq!(reasons, [Reason::NoProof.into(), refused.with(Reason::NoProof)]);
}

#[test]
fn a_judgement_is_told_in_words_that_machines_read() {
    let judgement = judged(2, &[taint(Some(Span::new(2, 2).unwrap()), Strength::Inferred)]);
    insta::assert_json_snapshot!(judgement, @r#"
    {
      "verdict": "suspect",
      "parts": [
        {
          "span": {
            "start": 1,
            "end": 1
          },
          "verdict": "unproven",
          "reasons": [
            "no-proof"
          ],
          "settled_by": []
        },
        {
          "span": {
            "start": 2,
            "end": 2
          },
          "verdict": "suspect",
          "reasons": [
            "banned-provider",
            "inferred"
          ],
          "settled_by": [
            0
          ]
        }
      ]
    }
    "#);
}
