//! What people read when they ask what a policy means and why a content was judged as it was.

#![expect(clippy::unwrap_used, reason = "a test whose own policy is invalid fails")]

use jiff::Timestamp;
use jiff::civil::date;
use lazaret_core::{
    Availability, Claim, Digest, Directness, Evidence, Gap, GapKind, Origin, OriginKind, Proof, Provider,
    Role, Roster, Span, Strength, Taint, Tool,
};
use lazaret_policy::{Matter, Policy, Rules, explain, judge};

const POLICY: &str = r#"
version = 1
name = "acme-training"
[ban]
rivals = true
models = ["reed"]
[approve]
tools = ["acme-codegen"]
[verdict]
trivial-tokens = 1
[[origin]]
match = "git:*/acme/*"
dates-trusted-until = 2020-06-01
reason = "push log of the internal server"
[[source]]
match = "dataset:acme-posts/*"
kind = "first-party"
reason = "written by people on our own platform"
[[admission]]
class = "benchmark"
admit = ["clean", "unproven"]
reason = "never trained on"
[exemption]
purposes = []
"#;

fn rules(policy: &Policy) -> Rules {
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
    let reed = lazaret_core::Model {
        id: "reed".parse().unwrap(),
        name: "Reed".to_owned(),
        provider: "borealis".parse().unwrap(),
    };
    let roster = Roster {
        providers: [provider("acme", 2022), provider("borealis", 2021)].into(),
        tools: [tool("acme-codegen", "acme", 2023), tool("boreal-pen", "borealis", 2022)].into(),
        models: [(reed.id.clone(), reed)].into(),
        evasions: [].into(),
        digest: Digest::of(b"roster"),
    };
    Rules::resolve(policy, &roster).unwrap()
}

#[test]
fn a_policy_is_told_in_plain_words() {
    let rules = rules(&Policy::parse(POLICY.as_bytes()).unwrap());
    insta::assert_snapshot!(explain::policy(&rules).join("\n"), @r"
    policy `acme-training`
    bans every tool and model that is not approved
    bans the providers borealis
    bans the tools boreal-pen
    bans the models reed
    approves the tools acme-codegen
    content from before 2021-01-01 predates all of them, where its date is trusted
    trusts the dates of `git:*/acme/*` up to 2020-06-01
      because: push log of the internal server
    holds `dataset:acme-posts/*` clean as a first-party source
      because: written by people on our own platform
    holds lines that replaced tainted ones suspect
    holds content of at most 1 token clean where no taint stands against it
    admits to `benchmark`: clean, unproven
      because: never trained on
      a content of which only some lines are admitted is held whole
    admits to any other class: clean
    allows no exemption
    asks 2 people to agree on held content; after 30 days it is proposed for removal
    frees no content whose authors are not all known to the store
    holds content clean that so many people cleared, each taint refuted by name
    records calls to banned services
      while nobody answers, the last snapshot decides; exemptions in it help for 60 minutes
      days that recorded findings are kept: 90 to block, 90 to alert, 30 to score
    ");
}

#[test]
fn the_built_in_policy_is_told_in_plain_words() {
    let rules = rules(&Policy::built_in());
    insta::assert_snapshot!(explain::policy(&rules).join("\n"), @r"
    policy `default`
    bans every tool and model that is not approved
    bans the providers acme, borealis
    bans the tools acme-codegen, boreal-pen
    content from before 2021-01-01 predates all of them, where its date is trusted
    trusts no dates
    trusts no source
    holds lines that replaced tainted ones suspect
    holds content of at most 12 tokens clean where no taint stands against it
    admits to `training`: clean
      a content of which only some lines are admitted is held whole
    admits to any other class: clean
    allows exemptions of at most 30 days for benchmark, red-team, interoperability, legal; none changes a verdict
    asks 2 people to agree on held content; after 30 days it is proposed for removal
    frees no content whose authors are not all known to the store
    holds content clean that so many people cleared, each taint refuted by name
    records calls to banned services
      while nobody answers, the last snapshot decides; exemptions in it help for 60 minutes
      days that recorded findings are kept: 90 to block, 90 to alert, 30 to score
    ");
}

#[test]
fn a_judgement_names_its_reasons_its_evidence_and_the_way_out() {
    let rules = rules(&Policy::parse(POLICY.as_bytes()).unwrap());
    let origin = Origin { kind: OriginKind::Git, path: "/srv/acme/parser".to_owned(), rev: None };
    let evidence = [
        Evidence {
            detector: "commit-trailer".parse().unwrap(),
            span: Some(Span::new(2, 2).unwrap()),
            claim: Claim::Taint(Taint {
                tool: Some("boreal-pen".parse().unwrap()),
                provider: Some("borealis".parse().unwrap()),
                model: Some("reed-2".parse().unwrap()),
                model_provider: None,
                role: Role::CoAuthor,
                strength: Strength::Declared,
                directness: Directness::Direct,
            }),
            why: "trailer `Co-authored-by` with the tool's address".to_owned(),
        },
        Evidence {
            detector: "stated-dates".parse().unwrap(),
            span: Some(Span::new(1, 5).unwrap()),
            claim: Claim::Proof(Proof::Predates { on: date(2019, 3, 4), origin: None, set: None }),
            why: "no commit states a later day".to_owned(),
        },
    ];
    let gaps =
        [Gap { kind: GapKind::OverLimit, span: Some(Span::new(7, 8).unwrap()), why: "long line".to_owned() }];
    let matter = Matter { origin: &origin, lines: 8, evidence: &evidence, gaps: &gaps, reviews: &[] };
    let judgement = judge(&rules, &matter, "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
    insta::assert_snapshot!(explain::judgement(&rules, &matter, &judgement).join("\n"), @r"
    git:/srv/acme/parser: tainted
    line 1: clean
      because trusted dates place it before every banned tool (predates)
        `git:*/acme/*` until 2020-06-01: push log of the internal server
      settled by stated-dates: proof `predates`: no commit states a later day
    line 2: tainted
      because the policy bans the tool that had a part in it (banned-tool)
      because the policy bans the model that had a part in it, whichever tool called it (banned-model)
      because an accepted proof of clean origin stands against it (conflict)
      because trusted dates place it before every banned tool (predates)
        `git:*/acme/*` until 2020-06-01: push log of the internal server
      settled by commit-trailer: co-author `boreal-pen` of `borealis` with model `reed-2`, declared: trailer `Co-authored-by` with the tool's address
      to pass: have people rewrite it without the tool, remove it, or ask the policy's owner about `ban` and `approve.tools`
      to pass: have people rewrite it without the model, remove it, or ask the policy's owner about `ban` and `approve.models`
      to pass: a proof does not outvote a taint: find out which is wrong, and have two people review it and refute each taint
    lines 3 to 5: clean
      because trusted dates place it before every banned tool (predates)
        `git:*/acme/*` until 2020-06-01: push log of the internal server
      settled by stated-dates: proof `predates`: no commit states a later day
    line 6: unproven
      because nothing accepted shows that it is of clean origin (no-proof)
      to pass: ask the policy's owner to name a record that makes the origin's dates trusted (`origin`), or the origin itself (`source`)
    lines 7 to 8: unproven
      because nothing accepted shows that it is of clean origin (no-proof)
      because it is larger than the published limits of the examination (over-limit)
      to pass: ask the policy's owner to name a record that makes the origin's dates trusted (`origin`), or the origin itself (`source`)
      to pass: split the content, or leave it out
    ");
}

#[test]
fn content_without_lines_is_told_as_a_whole() {
    let rules = rules(&Policy::parse(POLICY.as_bytes()).unwrap());
    let origin = Origin { kind: OriginKind::Dataset, path: "acme-posts/2021.jsonl".to_owned(), rev: None };
    let matter = Matter { origin: &origin, lines: 0, evidence: &[], gaps: &[], reviews: &[] };
    let judgement = judge(&rules, &matter, Timestamp::UNIX_EPOCH);
    insta::assert_snapshot!(explain::judgement(&rules, &matter, &judgement).join("\n"), @r"
    dataset:acme-posts/2021.jsonl: clean
    the whole content: clean
      because the policy lists its origin as a first-party source (first-party)
        `dataset:acme-posts/*`: written by people on our own platform
    ");
}
