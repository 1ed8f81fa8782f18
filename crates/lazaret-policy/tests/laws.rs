//! The laws of judging, as properties over arbitrary policies, evidence, gaps and times.

#![expect(clippy::unwrap_used, reason = "a generator that makes an invalid value is a broken test")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use lazaret_core::{
    Availability, Claim, Coverage, Digest, Directness, Evidence, Gap, GapKind, KeyName, Model, Origin,
    OriginKind, Proof, Provider, Role, Roster, Span, Strength, Taint, Tool, Verdict,
};
use lazaret_policy::{Judgement, Matter, Policy, Reasons, Review, Rules, SETTLED_BY_MAX, judge};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

fn roster() -> Roster {
    let since = |year| Availability { date: date(year, 1, 1), source: "invented".to_owned() };
    let provider = |id: &str, year| {
        let provider =
            Provider { id: id.parse().unwrap(), name: id.to_owned(), first_available: since(year) };
        (provider.id.clone(), provider)
    };
    let tool = |id: &str, provider: &str, year| {
        let (id, name, provider) = (id.parse().unwrap(), id.to_owned(), provider.parse().unwrap());
        let tool = Tool { id, name, provider, first_available: since(year) };
        (tool.id.clone(), tool)
    };
    let model = |id: &str, provider: &str| {
        let model =
            Model { id: id.parse().unwrap(), name: id.to_owned(), provider: provider.parse().unwrap() };
        (model.id.clone(), model)
    };
    Roster {
        providers: [provider("p0", 2020), provider("p1", 2022)].into(),
        tools: [tool("t0", "p0", 2021), tool("t1", "p1", 2023)].into(),
        models: [model("m0", "p0"), model("m1", "p1")].into(),
        evasions: [].into(),
        digest: Digest::of(b"roster"),
    }
}

/// A policy as the parts that can be taken away from it.
#[derive(Debug, Clone)]
struct Draft {
    rivals: bool,
    banned_providers: Vec<&'static str>,
    banned_tools: Vec<&'static str>,
    banned_models: Vec<&'static str>,
    approved_tools: Vec<&'static str>,
    approved_models: Vec<&'static str>,
    derived: &'static str,
    trivial_tokens: u32,
    origins: Vec<(&'static str, Date)>,
    sources: Vec<(&'static str, &'static str)>,
    people: u32,
    clears: bool,
    delta_lines: u32,
    /// Pattern, whose word: a key or a list, and whether commits count.
    attestations: Vec<(&'static str, bool, bool)>,
    tool_receipts: Vec<&'static str>,
    dated_sets: Vec<bool>,
}

/// The keys that sign.
fn key(nth: u8) -> KeyName {
    format!("ed25519:{}", format!("{nth:02x}").repeat(32)).parse().unwrap()
}

/// The trailer that the policies ask for.
const TRAILER: &str = "Written-Without: any AI tool";

impl Draft {
    /// Returns the rules, where the draft makes a valid policy.
    fn rules(&self) -> Option<Rules> {
        let mut text = format!(
            "version = 1\nname = \"draft\"\nban = {{ rivals = {}, providers = {:?}, tools = {:?}, models = {:?} }}\n\
             approve = {{ tools = {:?}, models = {:?} }}\nverdict = {{ derived = {:?}, trivial-tokens = {} }}\n\
             review = {{ people = {}, clears = {}, delta-lines = {} }}\n",
            self.rivals,
            self.banned_providers,
            self.banned_tools,
            self.banned_models,
            self.approved_tools,
            self.approved_models,
            self.derived,
            self.trivial_tokens,
            self.people,
            self.clears,
            self.delta_lines
        );
        for (pattern, until) in &self.origins {
            text +=
                &format!("[[origin]]\nmatch = {pattern:?}\ndates-trusted-until = {until}\nreason = \"a\"\n");
        }
        for (pattern, kind) in &self.sources {
            text += &format!("[[source]]\nmatch = {pattern:?}\nkind = {kind:?}\nreason = \"a\"\n");
        }
        for (pattern, by_key, with_commits) in &self.attestations {
            text += &format!("[[attestation]]\nmatch = {pattern:?}\nreason = \"a\"\n");
            if *by_key {
                text += &format!("person = \"A\"\nkeys = [\"{}\"]\nemails = [\"a@b.example\"]\n", key(0));
            } else {
                text += &format!("signers = \"{}\"\n", Digest::of(b"signers"));
            }
            if *with_commits {
                text += &format!("trailer = \"{TRAILER}\"\n");
            }
        }
        for tool in &self.tool_receipts {
            text += &format!(
                "[[tool-receipt]]\nmatch = \"git:*\"\ntool = {tool:?}\nkeys = [\"{}\"]\nreason = \"a\"\n",
                key(0)
            );
        }
        for first in BTreeSet::from_iter(&self.dated_sets) {
            text += &format!("[[dated-set]]\nset = \"{}\"\nreason = \"a\"\n", set(*first));
        }
        Rules::resolve(&Policy::parse(text.as_bytes()).ok()?, &roster()).ok()
    }
}

fn set(first: bool) -> Digest {
    Digest::of(if first { b"first" } else { b"other" })
}

fn day() -> impl Strategy<Value = Date> {
    (2018..2027_i16, 1..13_i8, 1..29_i8).prop_map(|(year, month, day)| date(year, month, day))
}

fn draft() -> impl Strategy<Value = Draft> {
    let bans = (any::<bool>(), subsequence(vec!["p0", "p1"], 0..2), subsequence(vec!["t0", "t1"], 0..2));
    let approvals = (subsequence(vec!["t0", "t1"], 0..=2), subsequence(vec!["m0", "m1"], 0..=2));
    let origins = prop::collection::vec((select(vec!["git:*", "git:/a", "git:/b*"]), day()), 0..3);
    let kinds = select(vec!["first-party", "curated"]);
    let sources = prop::collection::vec((select(vec!["git:/a", "git:/b*"]), kinds), 0..2);
    let verdict = (select(vec!["suspect", "tainted"]), 0..20_u32);
    let review = (2..4_u32, any::<bool>(), select(vec![0, 1, 50]));
    let attestations =
        prop::collection::vec((select(vec!["git:*", "git:/b*"]), any::<bool>(), any::<bool>()), 0..3);
    let brought =
        (attestations, subsequence(vec!["t0", "t1"], 0..=2), prop::collection::vec(any::<bool>(), 0..3));
    let bans = (bans, subsequence(vec!["m0", "m1"], 0..2));
    (bans, approvals, verdict, (origins, sources), brought, review).prop_map(
        |(bans, approvals, verdict, (origins, sources), brought, review)| {
            let ((rivals, banned_providers, banned_tools), banned_models) = bans;
            Draft {
                rivals,
                banned_providers,
                banned_tools,
                banned_models,
                approved_tools: approvals.0,
                approved_models: approvals.1,
                derived: verdict.0,
                trivial_tokens: verdict.1,
                origins,
                sources,
                people: review.0,
                clears: review.1,
                delta_lines: review.2,
                attestations: brought.0,
                tool_receipts: brought.1,
                dated_sets: brought.2,
            }
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    draft().prop_filter_map("not a valid policy", |draft| draft.rules())
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug> + Clone + std::fmt::Debug>(
    ids: &'static [&'static str],
) -> impl Strategy<Value = Option<T>> {
    prop::option::of(select(ids).prop_map(|id| id.parse().unwrap()))
}

fn span() -> impl Strategy<Value = Option<Span>> {
    let near = (1..14_u32, 0..8_u32).prop_map(|(start, more)| Span::new(start, start + more).unwrap());
    let far = (1..=u32::MAX).prop_map(|start| Span::new(start, u32::MAX).unwrap());
    prop::option::of(prop_oneof![9 => near, 1 => far])
}

fn taint() -> impl Strategy<Value = Claim> {
    let roles =
        select(vec![Role::Author, Role::CoAuthor, Role::Reviewer, Role::Finder, Role::Message, Role::Config]);
    let strengths = select(vec![
        Strength::Inferred,
        Strength::Circumstantial,
        Strength::Matched,
        Strength::Declared,
        Strength::Recorded,
    ]);
    let directness = select(vec![Directness::Derived, Directness::Direct]);
    let tool = (id(&["t0", "t1", "t2"]), id(&["p0", "p1", "p2"]));
    let model = (id(&["m0", "m1-large", "m2"]), id(&["p0", "p1", "p2"]));
    (tool, model, roles, strengths, directness).prop_map(
        |((tool, provider), (model, model_provider), role, strength, directness)| {
            Claim::Taint(Taint { tool, provider, model, model_provider, role, strength, directness })
        },
    )
}

fn proof() -> impl Strategy<Value = Claim> {
    let sets = prop::option::of(any::<bool>().prop_map(set));
    let tools =
        (select(vec!["t0", "t1", "t2"]), id(&["m0", "m2"]), prop::option::of((0..2_u8).prop_map(key)));
    prop_oneof![
        4 => (day(), sets).prop_map(|(on, set)| Proof::Predates { on, origin: None, set }),
        4 => (0..25_u32).prop_map(|tokens| Proof::Trivial { tokens }),
        1 => Just(Proof::Curated { origin: None }),
        4 => attested(),
        3 => reviewed(),
        2 => tools.prop_map(|(tool, model, key)| Proof::ApprovedTool { tool: tool.parse().unwrap(), model, key }),
    ]
    .prop_map(Claim::Proof)
}

/// A review; its case says which taints it refutes: each bit stands for one strength.
fn reviewed() -> impl Strategy<Value = Proof> {
    let delta_lines = prop::option::weighted(0.4, 0..60_u64);
    (0..32_u32, 1..4_u32, prop::bool::weighted(0.8), delta_lines).prop_map(
        |(refutes, people, is_now, delta_lines)| Proof::Reviewed {
            case: refutes.to_string(),
            people,
            policy: if is_now { NOW } else { Digest::of(b"another policy") },
            catalog: Digest::of(b"roster"),
            delta_lines,
        },
    )
}

/// Stands for the policy that is judged by.
const NOW: Digest = Digest::from_bytes([7; 32]);

/// Whether a review refutes a taint: it follows from the two alone, so that it survives another order.
fn refutes(case: &str, taint: &Taint) -> bool {
    let bits: u32 = case.parse().unwrap();
    bits & (1 << taint.strength as u32) != 0
}

fn attested() -> impl Strategy<Value = Proof> {
    let signers = prop::option::of(select(vec![Digest::of(b"signers"), Digest::of(b"others")]));
    let trailer = prop::option::of(select(vec![TRAILER.to_owned(), "Written-Without: haste".to_owned()]));
    let named = (subsequence(vec!["t0", "t1"], 0..=2), subsequence(vec!["p0", "p1"], 0..=2)).prop_map(
        |(tools, providers)| {
            let tools = tools.into_iter().map(|id| id.parse().unwrap()).collect();
            let providers = providers.into_iter().map(|id| id.parse().unwrap()).collect();
            Coverage::Named { tools, providers }
        },
    );
    let covers = prop_oneof![1 => Just(Coverage::Any), 1 => named];
    ((0..2_u8).prop_map(key), signers, trailer, covers).prop_map(|(key, signers, trailer, covers)| {
        Proof::Attested { key, signers, trailer, covers, origin: None }
    })
}

fn evidence(claim: impl Strategy<Value = Claim>) -> impl Strategy<Value = Evidence> {
    (span(), claim).prop_map(|(span, claim)| Evidence {
        detector: "invented".parse().unwrap(),
        span,
        claim,
        why: String::new(),
    })
}

fn claims() -> impl Strategy<Value = Vec<Evidence>> {
    prop::collection::vec(evidence(prop_oneof![taint(), proof()]), 0..6)
}

fn gap() -> impl Strategy<Value = Gap> {
    let kinds = select(vec![GapKind::MissingObject, GapKind::Binary, GapKind::OverLimit, GapKind::NoHistory]);
    (kinds, span()).prop_map(|(kind, span)| Gap { kind, span, why: String::new() })
}

fn gaps() -> impl Strategy<Value = Vec<Gap>> {
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(gap(), 0..3)]
}

/// A content with everything but the claims.
#[derive(Debug, Clone)]
struct Setting {
    origin: Origin,
    lines: u32,
    now: Timestamp,
}

impl Setting {
    fn judge(&self, rules: &Rules, evidence: &[Evidence], gaps: &[Gap]) -> Judgement {
        let mut evidence = evidence.to_vec();
        let mut reviews = Vec::new();
        let taints: Vec<Option<Taint>> = evidence.iter().map(|claim| claim.taint().cloned()).collect();
        for (proof, claim) in evidence.iter_mut().enumerate() {
            let Claim::Proof(Proof::Reviewed { case, policy, .. }) = &mut claim.claim else { continue };
            if *policy == NOW {
                *policy = rules.policy_digest();
            }
            let named = |(place, taint): (usize, &Option<Taint>)| {
                taint.as_ref().filter(|taint| refutes(case, taint)).map(|_| place)
            };
            reviews.push(Review { proof, refutes: taints.iter().enumerate().filter_map(named).collect() });
        }
        let (origin, evidence) = (&self.origin, evidence.as_slice());
        judge(rules, &Matter { origin, lines: self.lines, evidence, gaps, reviews: &reviews }, self.now)
    }
}

fn setting() -> impl Strategy<Value = Setting> {
    let origins = select(vec!["/a", "/b", "/b/c"]);
    let now = select(vec!["2019-06-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-11-01T00:00:00Z"]);
    (origins, 0..13_u32, now).prop_map(|(path, lines, now)| Setting {
        origin: Origin { kind: OriginKind::Git, path: path.to_owned(), rev: None },
        lines,
        now: now.parse().unwrap(),
    })
}

/// Returns the verdict of every line; of the whole, where there are no lines.
fn by_line(judgement: &Judgement) -> Vec<Verdict> {
    let times = |span: Option<Span>| span.map_or(1, |span| span.lines() as usize);
    judgement.parts.iter().flat_map(|part| std::iter::repeat_n(part.verdict, times(part.span))).collect()
}

/// Whether no line, and so not the whole, is held better in `after` than in `before`.
fn nowhere_better(before: &Judgement, after: &Judgement) -> bool {
    let (before_lines, after_lines) = (by_line(before), by_line(after));
    before_lines.len() == after_lines.len()
        && before_lines.iter().zip(&after_lines).all(|(before, after)| after >= before)
        && after.verdict >= before.verdict
}

/// Returns everything a judgement says, with the evidence itself in place of its place in the list.
fn told<'a>(
    judgement: &Judgement,
    evidence: &'a [Evidence],
) -> Vec<(Option<Span>, Verdict, Reasons, Vec<&'a Evidence>)> {
    let part = |part: &lazaret_policy::JudgedPart| {
        let settled_by = part.settled_by.iter().filter_map(|index| evidence.get(*index)).collect();
        (part.span, part.verdict, part.reasons, settled_by)
    };
    judgement.parts.iter().map(part).collect()
}

proptest! {
    // Many drafts are no valid policies; the number of cases counts those that are.
    #![proptest_config(ProptestConfig { cases: 400, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_are_the_whole_content_and_the_worst_of_them_is_its_verdict(
        rules in rules(), setting in setting(), evidence in claims(), gaps in gaps(),
    ) {
        let judgement = setting.judge(&rules, &evidence, &gaps);
        let mut next = 1;
        for part in &judgement.parts {
            prop_assert_eq!(part.span.is_some(), setting.lines > 0);
            if let Some(span) = part.span {
                prop_assert_eq!(span.start(), next);
                next = span.end() + 1;
            }
            prop_assert!(!part.reasons.is_empty());
            prop_assert!(part.settled_by.len() <= SETTLED_BY_MAX);
            let distinct: BTreeSet<_> = part.settled_by.iter().collect();
            prop_assert_eq!(distinct.len(), part.settled_by.len());
            prop_assert!(part.settled_by.iter().all(|index| *index < evidence.len()));
        }
        prop_assert_eq!(next, setting.lines + 1);
        prop_assert!(setting.lines > 0 || judgement.parts.len() == 1);
        let worst = judgement.parts.iter().map(|part| part.verdict).max();
        prop_assert_eq!(Some(judgement.verdict), worst);
        for pair in judgement.parts.windows(2) {
            let same = (pair[0].verdict, pair[0].reasons, &pair[0].settled_by)
                == (pair[1].verdict, pair[1].reasons, &pair[1].settled_by);
            prop_assert!(!same, "neighbours that say the same are one part");
        }
    }

    #[test]
    fn more_taint_never_improves(
        rules in rules(), setting in setting(), mut evidence in claims(), gaps in gaps(), more in evidence(taint()),
    ) {
        let before = setting.judge(&rules, &evidence, &gaps);
        evidence.push(more);
        prop_assert!(nowhere_better(&before, &setting.judge(&rules, &evidence, &gaps)));
    }

    #[test]
    fn more_proof_never_worsens(
        rules in rules(), setting in setting(), mut evidence in claims(), gaps in gaps(), more in evidence(proof()),
    ) {
        let before = setting.judge(&rules, &evidence, &gaps);
        evidence.push(more);
        prop_assert!(nowhere_better(&setting.judge(&rules, &evidence, &gaps), &before));
    }

    #[test]
    fn a_gap_never_improves(
        rules in rules(), setting in setting(), evidence in claims(), mut gaps in gaps(), more in gap(),
    ) {
        let before = setting.judge(&rules, &evidence, &gaps);
        gaps.push(more);
        let after = setting.judge(&rules, &evidence, &gaps);
        prop_assert!(nowhere_better(&before, &after));
        prop_assert!(after.verdict > Verdict::Clean);
    }

    #[test]
    fn the_order_of_evidence_and_gaps_is_not_seen(
        rules in rules(), setting in setting(), evidence in claims(), gaps in gaps(), turn in 0..6_usize,
    ) {
        let mut turned = evidence.clone();
        turned.reverse();
        turned.rotate_left(turn.min(evidence.len()));
        let mut turned_gaps = gaps.clone();
        turned_gaps.reverse();
        let straight = setting.judge(&rules, &evidence, &gaps);
        let other = setting.judge(&rules, &turned, &turned_gaps);
        prop_assert_eq!(told(&straight, &evidence), told(&other, &turned));
    }

    #[test]
    fn splitting_a_span_never_improves(
        rules in rules(), setting in setting(), evidence in claims(), gaps in gaps(), which in any::<prop::sample::Index>(),
        at in 0..20_u32,
    ) {
        prop_assume!(!evidence.is_empty());
        let index = which.index(evidence.len());
        let span = evidence[index].span.unwrap_or_else(|| Span::new(1, setting.lines.max(1)).unwrap());
        prop_assume!(span.lines() > 1);
        let middle = span.start() + at % (span.lines() - 1);
        let mut split = evidence.clone();
        split[index].span = Some(Span::new(span.start(), middle).unwrap());
        split.push(Evidence { span: Some(Span::new(middle + 1, span.end()).unwrap()), ..evidence[index].clone() });
        let before = setting.judge(&rules, &evidence, &gaps);
        prop_assert!(nowhere_better(&before, &setting.judge(&rules, &split, &gaps)));
    }

    #[test]
    fn a_stricter_policy_never_improves(
        draft in draft(), setting in setting(), evidence in claims(), gaps in gaps(), what in 0..16_usize,
    ) {
        let mut stricter = draft.clone();
        match what {
            0 => stricter.approved_tools = Vec::new(),
            1 => stricter.approved_models = Vec::new(),
            2 => drop(stricter.origins.pop()),
            3 => drop(stricter.sources.pop()),
            4 => stricter.derived = "tainted",
            5 => stricter.trivial_tokens = 0,
            6 => stricter.rivals = true,
            7 => stricter.banned_providers = vec!["p0", "p1"],
            8 => stricter.banned_models = vec!["m0", "m1"],
            9 => stricter.people = 9,
            10 => stricter.clears = false,
            11 => drop(stricter.attestations.pop()),
            12 => drop(stricter.tool_receipts.pop()),
            13 => drop(stricter.dated_sets.pop()),
            14 => stricter.delta_lines = 0,
            _ => stricter.origins.iter_mut().for_each(|(_, until)| *until = date(2019, 1, 1).min(*until)),
        }
        let (rules, stricter) = (draft.rules(), stricter.rules());
        prop_assume!(rules.is_some() && stricter.is_some());
        let (rules, stricter) = (rules.unwrap(), stricter.unwrap());
        let before = setting.judge(&rules, &evidence, &gaps);
        prop_assert!(nowhere_better(&before, &setting.judge(&stricter, &evidence, &gaps)));
    }

    #[test]
    fn a_review_clears_all_that_it_names_or_nothing(
        rules in rules(), setting in setting(), taints in prop::collection::vec(evidence(taint()), 1..4),
        left in any::<prop::sample::Index>(), review in reviewed(),
    ) {
        let counts = |claim: &Evidence| claim.taint().is_some_and(|taint| taint.role.writes() && rules.bans(taint));
        let accepted = match &review {
            Proof::Reviewed { people, policy, delta_lines, .. } => {
                let asked = rules.policy().sections().review;
                let most = u64::from(asked.delta_lines);
                let enough = delta_lines.is_none_or(|lines| most > 0 && lines <= most);
                asked.clears && *people >= asked.people && *policy == NOW && enough
            }
            Proof::Predates { .. }
            | Proof::Trivial { .. }
            | Proof::Curated { .. }
            | Proof::ApprovedTool { .. }
            | Proof::Attested { .. } => false,
        };
        let mut evidence = taints.clone();
        let proof = evidence.len();
        let mut review = review;
        if let Proof::Reviewed { policy, .. } = &mut review {
            *policy = if *policy == NOW { rules.policy_digest() } else { *policy };
        }
        evidence.push(Evidence {
            detector: "review".parse().unwrap(), span: None, claim: Claim::Proof(review), why: String::new(),
        });
        let judged = |refutes: BTreeSet<usize>| {
            let reviews = [Review { proof, refutes }];
            let matter = Matter {
                origin: &setting.origin, lines: setting.lines, evidence: &evidence, gaps: &[], reviews: &reviews,
            };
            judge(&rules, &matter, setting.now)
        };
        let without = setting.judge(&rules, &taints, &[]);
        let all: BTreeSet<usize> = (0..proof).collect();
        let cleared = judged(all.clone());
        let within = |claim: &Evidence| claim.span.is_none_or(|span| span.end() <= setting.lines);
        if accepted && taints.iter().all(within) {
            prop_assert_eq!(cleared.verdict, Verdict::Clean);
        } else if !accepted {
            prop_assert_eq!(by_line(&cleared), by_line(&without));
        }
        let left = left.index(proof);
        if counts(&taints[left]) {
            let refuted = all.into_iter().filter(|place| *place != left).collect();
            prop_assert_eq!(by_line(&judged(refuted)), by_line(&without), "one is not named, so all stand");
        }
    }

    #[test]
    fn time_alone_never_improves_what_no_future_day_is_part_of(
        rules in rules(), setting in setting(), evidence in claims(), gaps in gaps(), days in 0..4000_i64,
    ) {
        let today = jiff::tz::TimeZone::UTC.to_datetime(setting.now).date();
        let future = |evidence: &Evidence| matches!(evidence.claim, Claim::Proof(Proof::Predates { on, .. }) if on > today);
        prop_assume!(!evidence.iter().any(future));
        let later = Setting { now: setting.now + jiff::SignedDuration::from_hours(days * 24), ..setting.clone() };
        prop_assert!(nowhere_better(&setting.judge(&rules, &evidence, &gaps), &later.judge(&rules, &evidence, &gaps)));
    }
}
