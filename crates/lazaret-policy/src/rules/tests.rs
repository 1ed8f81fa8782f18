//! Tests of policies held against a catalog.

use jiff::civil::date;
use lazaret_core::{Availability, Model, OriginKind, Role, Strength};

use super::*;

fn roster() -> Roster {
    let since = |year| Availability { date: date(year, 1, 1), source: "invented".to_owned() };
    let provider = |id: &str, year| {
        let id: lazaret_core::ProviderId = id.parse().unwrap();
        (id.clone(), Provider { name: id.to_string(), id, first_available: since(year) })
    };
    let tool = |id: &str, provider: &str, year| {
        let id: lazaret_core::ToolId = id.parse().unwrap();
        let provider = provider.parse().unwrap();
        (id.clone(), Tool { name: id.to_string(), id, provider, first_available: since(year) })
    };
    let model = |id: &str, provider: &str| {
        let id: lazaret_core::ModelId = id.parse().unwrap();
        (id.clone(), Model { name: id.to_string(), id, provider: provider.parse().unwrap() })
    };
    Roster {
        providers: [provider("acme", 2018), provider("borealis", 2021), provider("cirrus", 2022)].into(),
        tools: [
            tool("acme-codegen", "acme", 2019),
            tool("boreal-pen", "borealis", 2023),
            tool("nib", "cirrus", 2024),
        ]
        .into(),
        models: [model("acme-lm", "acme"), model("aurora", "borealis"), model("reed", "cirrus")].into(),
        evasions: ["doh-resolver".to_owned()].into(),
        digest: Digest::of(b"roster"),
    }
}

fn resolve(ban_and_approve: &str) -> Result<Rules, PolicyError> {
    let text = format!("version = 1\nname = \"a\"\n{ban_and_approve}\n");
    Rules::resolve(&Policy::parse(text.as_bytes()).unwrap(), &roster())
}

fn problems(ban_and_approve: &str) -> String {
    match resolve(ban_and_approve) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect(),
    }
}

#[test]
fn unknown_ids_are_named_with_what_may_have_been_meant() {
    insta::assert_snapshot!(
        problems("ban = { providers = [\"boreal\", \"nib\"], tools = [\"boreal-pem\", \"zzz\"], models = [\"roed\"] }"),
        @r"
    line 3, column 22: the catalog lists no provider `boreal` [unknown-id]
      help: did you mean `borealis`?
    line 3, column 32: the catalog lists no provider `nib` [unknown-id]
      help: `nib` is a tool: list it under `tools`
    line 3, column 49: the catalog lists no tool `boreal-pem` [unknown-id]
      help: did you mean `boreal-pen`?
    line 3, column 63: the catalog lists no tool `zzz` [unknown-id]
      help: see `lazaret catalog list`, or add the tool under `[catalog]`
    line 3, column 81: the catalog lists no model `roed` [unknown-id]
      help: did you mean `reed`?
    "
    );
}

#[test]
fn approvals_that_a_ban_overrules_are_refused() {
    insta::assert_snapshot!(
        problems("ban = { providers = [\"borealis\"], tools = [\"nib\"], models = [\"reed\"] }\napprove = { tools = [\"nib\", \"boreal-pen\"], models = [\"reed-2\", \"aurora\"] }"),
        @r"
    line 4, column 22: `nib` is approved, but `ban.tools` bans `nib` [banned-and-approved]
      help: a ban by name overrules an approval: take one of them out
    line 4, column 29: `boreal-pen` is approved, but `ban.providers` bans `borealis` [banned-and-approved]
      help: a ban by name overrules an approval: take one of them out
    line 4, column 54: `reed-2` is approved, but `ban.models` bans `reed` [banned-and-approved]
      help: a ban by name overrules an approval: take one of them out
    line 4, column 64: `aurora` is approved, but `ban.providers` bans `borealis` [banned-and-approved]
      help: a ban by name overrules an approval: take one of them out
    "
    );
}

#[test]
fn a_ban_of_part_of_what_is_approved_stands() {
    assert!(
        resolve("ban = { rivals = true, models = [\"acme-lm-0\"] }\napprove.models = [\"acme-lm\"]").is_ok()
    );
}

#[track_caller]
fn check_first_availability(ban_and_approve: &str, year: i16) {
    assert_eq!(
        resolve(ban_and_approve).unwrap().first_availability(),
        Some(date(year, 1, 1)),
        "{ban_and_approve}"
    );
}

#[test]
fn the_first_day_is_that_of_the_oldest_thing_that_is_banned() {
    check_first_availability("ban.rivals = true", 2018);
    check_first_availability("ban.tools = [\"nib\"]", 2024);
    check_first_availability("ban.tools = [\"nib\", \"boreal-pen\"]", 2023);
    check_first_availability("ban.providers = [\"borealis\"]", 2021);
    // No model has a day of its own: its maker's counts.
    check_first_availability("ban.models = [\"reed-3\"]", 2022);
    // All that is listed of acme is approved, so acme is no rival and its age does not matter.
    check_first_availability(
        "ban.rivals = true\napprove = { tools = [\"acme-codegen\"], models = [\"acme-lm\"] }",
        2021,
    );
    check_first_availability("ban.rivals = true\napprove = { tools = [\"acme-codegen\"] }", 2018);
}

#[test]
fn a_policy_that_bans_nothing_of_the_catalog_is_refused() {
    let nothing = Roster {
        providers: [].into(),
        tools: [].into(),
        models: [].into(),
        evasions: [].into(),
        digest: Digest::of(b""),
    };
    let error = Rules::resolve(&Policy::built_in(), &nothing).unwrap_err();
    assert_eq!(error.diagnostics[0].code, "bans-nothing");
}

#[test]
fn digests_are_those_of_the_policy_and_the_catalog() {
    let rules = Rules::resolve(&Policy::built_in(), &roster()).unwrap();
    assert_eq!(rules.policy_digest(), Policy::built_in().digest());
    assert_eq!(rules.catalog_digest(), Digest::of(b"roster"));
}

#[test]
fn banned_things_are_listed() {
    let rules = resolve("ban = { providers = [\"borealis\"], tools = [\"nib\"] }").unwrap();
    assert_eq!(rules.banned_tools().map(|tool| tool.id.as_str()).collect::<Vec<_>>(), ["boreal-pen", "nib"]);
    assert_eq!(
        rules.banned_providers().map(|provider| provider.id.as_str()).collect::<Vec<_>>(),
        ["borealis"]
    );
    let taint = |tool: &str| Taint {
        tool: Some(tool.parse().unwrap()),
        provider: None,
        model: None,
        model_provider: None,
        role: Role::Author,
        strength: Strength::Declared,
        directness: lazaret_core::Directness::Direct,
    };
    assert!(rules.bans(&taint("nib")) && !rules.bans(&taint("acme-codegen")));
}

#[test]
fn model_names_are_covered_at_their_joints() {
    let covers = |listed: &str, model: &str| ban::covers(&listed.parse().unwrap(), &model.parse().unwrap());
    for (listed, model) in [("reed", "reed"), ("reed", "reed-4"), ("reed", "reed4"), ("reed-3", "reed-3.5")] {
        assert!(covers(listed, model), "{listed} {model}");
    }
    for (listed, model) in [("reed", "reedy"), ("reed-3", "reed-35"), ("reed-4", "reed"), ("reed", "a-reed")]
    {
        assert!(!covers(listed, model), "{listed} {model}");
    }
}

#[track_caller]
fn check_match(pattern: &str, kind: OriginKind, path: &str, matches: bool) {
    let text =
        format!("ban.rivals = true\n[[source]]\nmatch = '{pattern}'\nkind = \"curated\"\nreason = \"a\"");
    let origin = Origin { kind, path: path.to_owned(), rev: None };
    let trusted = !resolve(&text).unwrap().trust(&origin).source.is_empty();
    assert_eq!(trusted, matches, "{pattern} {}", origin.match_text());
}

#[test]
fn patterns_match_whole_origins_and_stars_reach_over_slashes() {
    use OriginKind::{Dataset, Directory, Git};
    check_match("git:*/acme/*", Git, "/srv/acme/parser", true);
    check_match("git:*/acme/*", Git, "/srv/old/acme/group/parser", true);
    check_match("git:*/acme/*", Git, "/srv/acme", false);
    check_match("git:*/acme/*", Directory, "/srv/acme/parser", false);
    check_match("git:/srv/acme", Git, "/srv/acme/parser", false);
    check_match("git:/srv/acme", Git, "/srv/ACME", false);
    check_match("git:/srv/{acme,cirrus}/?", Git, "/srv/cirrus/a", true);
    check_match("git:/srv/{acme,cirrus}/?", Git, "/srv/cirrus/ab", false);
    check_match("dataset:posts-20[12][0-9]", Dataset, "posts-2021", true);
    check_match(r"dataset:a\*", Dataset, "a*", true);
    check_match(r"dataset:a\*", Dataset, "ab", false);
}
