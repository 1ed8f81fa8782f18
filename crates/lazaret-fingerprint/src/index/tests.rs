//! Matches: copies are found wherever they were pasted, and what is too little or too common is not.

use proptest::prelude::*;

use super::*;
use crate::build::{Lines, SegmentBuilder, Written};
use crate::except::Except;
use crate::winnow::RUN_TOKENS;

const KNOWN: &str = "\
/// Returns how long a ship has to wait.
fn quarantine_days(ship: &Ship, plague: &Register) -> u32 {
    let last_port = ship.voyage.ports.last();
    let reported = plague.reports_since(last_port.departed_on);
    match reported.iter().map(|report| report.severity).max() {
        None if ship.has_clean_bill() => 0,
        None => 8,
        Some(severity) => 20 + 4 * severity.weight(),
    }
}
";

/// Lines too short to hold a fingerprint each.
const SHORT: &str = "\
let bell = tower.ring(noon);
let wind = vane.read(north);
let tide = mole.measure(fathoms);
let crew = muster.count(hands);
let cask = cellar.tap(water);
let light = beacon.kindle(dusk);
";

fn entry(name: &str, class: Class) -> Entry {
    Entry {
        class,
        name: name.to_owned(),
        origin: String::new(),
        tool: String::new(),
        model: String::new(),
        recorded_at: 0,
    }
}

fn index(texts: &[(Entry, &str)]) -> Index<Vec<u8>> {
    let mut builder = SegmentBuilder::new();
    for (entry, text) in texts {
        builder.add(entry, &Written::whole(text.as_bytes()), &Except::new()).unwrap();
    }
    open(builder)
}

fn open(builder: SegmentBuilder) -> Index<Vec<u8>> {
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    Index::new(vec![Segment::open(bytes).unwrap()])
}

fn matches(index: &Index<Vec<u8>>, text: &str) -> Vec<TextMatch> {
    index.matches(text.as_bytes(), &Floor::default()).unwrap()
}

/// Lines of code that share nothing with [`KNOWN`].
fn other(lines: u32) -> String {
    (0..lines).map(|line| format!("cargo.push(Crate::numbered({line}, \"oakum\"));\n")).collect()
}

fn lines(span: Span) -> (u32, u32) {
    (span.start(), span.end())
}

#[track_caller]
fn check(index: &Index<Vec<u8>>, text: &str, kind: MatchKind, here: (u32, u32), there: (u32, u32)) {
    let found = matches(index, text);
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((found.kind, lines(found.here), lines(found.there)), (kind, here, there), "{found:#?}");
}

#[test]
fn whole_texts_match_exactly_or_but_for_white_space() {
    let index = index(&[(entry("a", Class::Rival), KNOWN)]);
    check(&index, KNOWN, MatchKind::Exact, (1, 10), (1, 10));
    check(&index, &KNOWN.replace('\n', "\r\n"), MatchKind::Normalised, (1, 10), (1, 10));
    check(&index, &KNOWN.replace("\n    ", "\n\n  "), MatchKind::Normalised, (1, 17), (1, 10));
}

#[test]
fn a_pasted_text_matches_where_it_stands() {
    let index = index(&[(entry("a", Class::Eval), KNOWN)]);
    let pasted = format!("{}{KNOWN}{}", other(50), other(20));
    check(&index, &pasted, MatchKind::Fingerprints, (51, 60), (1, 10));
    assert_eq!(matches(&index, &pasted)[0].class, Class::Eval);
    let indented = format!("mod hold {{\n{}}}\n", KNOWN.replace("    ", "\t\t"));
    check(&index, &indented, MatchKind::Fingerprints, (2, 11), (1, 10));
}

#[test]
fn a_piece_of_a_text_matches_the_lines_it_was_taken_from() {
    let long = format!("{}{KNOWN}", other(30));
    let index = index(&[(entry("a", Class::Protected), &long)]);
    check(&index, KNOWN, MatchKind::Fingerprints, (1, 10), (31, 40));
}

/// Gives every name another, the same everywhere.
fn renamed(text: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for token in crate::Tokens::new(text.as_bytes()).filter(|token| token.is_word) {
        out += text.get(at..token.start).unwrap();
        out += &format!("n{:x}", token.hash >> 40);
        at = token.end;
    }
    out + text.get(at..).unwrap()
}

#[test]
fn a_text_with_other_names_matches_as_renamed() {
    let known =
        format!("{KNOWN}{}", KNOWN.replace("None", "Nothing[0]").replace(", ", " + ").replace("::", "."));
    let index = index(&[(entry("a", Class::Rival), &known)]);
    let pasted = format!("{}{}{}", other(50), renamed(&known), other(20));
    check(&index, &pasted, MatchKind::Renamed, (53, 68), (3, 18));
    // Where the names are the same the shapes are, and are not told twice.
    check(&index, &format!("{}{known}", other(50)), MatchKind::Fingerprints, (51, 70), (1, 20));
    let lists: String = (0..60).map(|nth| format!("    name_{nth},\n")).collect();
    let of_lists = {
        let mut builder = SegmentBuilder::new();
        builder.add(&entry("b", Class::Rival), &Written::whole(lists.as_bytes()), &Except::new()).unwrap();
        open(builder)
    };
    assert_eq!(matches(&of_lists, &renamed(&lists)), []);
}

#[test]
fn an_edit_in_the_middle_is_left_out_of_what_is_covered() {
    let index = index(&[(entry("a", Class::Rival), KNOWN)]);
    let edited =
        KNOWN.replace("let reported = plague", "let heard = ship.captain.ask_about(plague, port); //");
    let found = matches(&index, &edited);
    assert_eq!(found.len(), 1);
    assert_eq!((lines(found[0].here), lines(found[0].there)), ((1, 10), (1, 10)));
    assert_eq!(found[0].covered.iter().map(|&span| lines(span)).collect::<Vec<_>>(), [(1, 3), (5, 10)]);
}

#[test]
fn lines_alone_match_where_enough_of_them_stand() {
    let index = index(&[(entry("a", Class::Rival), SHORT)]);
    let interleaved: String =
        SHORT.lines().enumerate().map(|(nth, line)| format!("{line}\nlog({nth});\n")).collect();
    let found = matches(&index, &interleaved);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].kind, found[0].n_lines), (MatchKind::Lines, 6));
    assert_eq!(found[0].covered.len(), 6);
    let three: String = interleaved.split_inclusive('\n').take(6).collect();
    assert_eq!(matches(&index, &format!("{three}{}", other(30))), []);
}

#[test]
fn moved_parts_match_one_by_one() {
    let index = index(&[(entry("a", Class::Rival), &format!("{KNOWN}{}{SHORT}", other(30)))]);
    let found = matches(&index, &format!("{SHORT}{}{KNOWN}", other(30)));
    let places: Vec<_> = found.iter().map(|one| (lines(one.here), lines(one.there))).collect();
    assert_eq!(places, [((1, 6), (41, 46)), ((37, 46), (1, 10))]);
}

#[test]
fn too_little_and_too_plain_texts_do_not_match() {
    let zeros = "0, 0, 0, 0, 0, 0, 0, 0,\n".repeat(40);
    let index = index(&[(entry("a", Class::Rival), KNOWN), (entry("b", Class::Rival), &zeros)]);
    assert_eq!(matches(&index, &zeros), []);
    let line = KNOWN.lines().nth(1).unwrap();
    assert_eq!(matches(&index, line), []);
    assert_eq!(matches(&index, &format!("{}{line}", other(30))), []);
}

#[test]
fn what_many_names_share_is_commonplace_and_what_one_name_repeats_is_not() {
    let many = |name: fn(u32) -> String| -> Vec<(Entry, &str)> {
        (0..40)
            .map(|nth| (Entry { origin: nth.to_string(), ..entry(&name(nth), Class::Rival) }, KNOWN))
            .collect()
    };
    let pasted = format!("{}{KNOWN}", other(9));
    assert_eq!(matches(&index(&many(|nth| format!("session {nth}"))), &pasted), []);
    assert_eq!(matches(&index(&many(|_| "session".to_owned())), &pasted).len(), PLACES_FOLLOWED_MAX);
}

#[test]
fn commonplace_entries_take_away_and_match_nothing() {
    let index = index(&[(entry("a", Class::Rival), KNOWN), (entry("licences", Class::Commonplace), KNOWN)]);
    assert_eq!(matches(&index, KNOWN), []);
    assert_eq!(matches(&index, &format!("{}{KNOWN}", other(9))), []);
}

#[test]
fn what_stood_there_before_is_no_evidence() {
    let after = format!("{}{KNOWN}", other(30));
    for mut except in [Except::new(), Except::about([after.as_bytes()])] {
        except.add(format!("// another beginning\n{}", other(30)).as_bytes());
        let mut builder = SegmentBuilder::new();
        builder.add(&entry("a", Class::Rival), &Written::whole(after.as_bytes()), &except).unwrap();
        let index = open(builder);
        assert_eq!(matches(&index, &other(30)), []);
        // A run that begins at the end of the last old line is new as a run; the old line is not covered.
        check(&index, &after, MatchKind::Fingerprints, (30, 40), (30, 40));
        assert_eq!(
            matches(&index, &after)[0].covered.iter().map(|&span| lines(span)).collect::<Vec<_>>(),
            [(31, 40)]
        );
    }
}

#[test]
fn only_the_lines_that_were_written_are_known() {
    let text = format!("{}{KNOWN}{}", other(30), KNOWN.replace("ship", "boat").replace("report", "rumour"));
    let spans = [Span::new(31, 40).unwrap()];
    let written = Written { lines: Lines::Spans(&spans), ..Written::whole(text.as_bytes()) };
    let mut builder = SegmentBuilder::new();
    builder.add(&entry("a", Class::Rival), &written, &Except::new()).unwrap();
    let index = open(builder);
    assert_eq!(matches(&index, &other(30)), []);
    check(&index, &text, MatchKind::Fingerprints, (31, 40), (31, 40));
}

#[test]
fn spans_that_touch_are_one() {
    let spans = [(3, 3), (8, 9), (4, 7), (1, 2), (5, 6)].map(|(start, end)| Span::new(start, end).unwrap());
    let known = |lines| {
        let mut builder = SegmentBuilder::new();
        let written = Written { lines, ..Written::whole(KNOWN.as_bytes()) };
        builder.add(&entry("a", Class::Rival), &written, &Except::new()).unwrap();
        open(builder).segments[0].stats().unwrap().fingerprints
    };
    assert_eq!(known(Lines::Spans(&spans)), known(Lines::Piece));
    assert!(known(Lines::Spans(&spans[..2])) < known(Lines::Piece));
}

#[test]
fn several_segments_answer_together() {
    let parts = [(entry("a", Class::Rival), SHORT.to_owned()), (entry("b", Class::Eval), KNOWN.to_owned())];
    let segments = parts.map(|(entry, text)| index(&[(entry, &text)]).segments);
    let index = Index::new(segments.into_iter().flatten().collect());
    let found = matches(&index, &format!("{KNOWN}{}{SHORT}", other(40)));
    assert_eq!(
        found.iter().map(|one| (one.segment, one.class)).collect::<Vec<_>>(),
        [(1, Class::Eval), (0, Class::Rival)]
    );
    assert_eq!(index.entry(&found[0]).unwrap().name, "b");
}

#[test]
fn texts_that_repeat_themselves_stay_cheap() {
    let line = "let same = the(same, line, again);\n";
    let text = line.repeat(20_000);
    let index = index(&[(entry("a", Class::Rival), &text)]);
    // Too few different words, whichever way the lines are chained.
    assert_eq!(matches(&index, &format!("x {text}")), []);
}

fn words(length: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{1,8}", length)
}

proptest! {
    #[test]
    fn a_shared_run_above_the_floor_is_always_found(
        run in words(RUN_TOKENS + 32..120), known in words(0..80), before in words(0..80), after in words(0..80),
        gap in "[ \n]",
    ) {
        let floor = Floor { tokens_min: 16, words_min: 1, ..Floor::default() };
        let there = [known, run.clone()].concat().join(" ");
        let here = [before, run, after].concat().join(&gap);
        let found = index(&[(entry("a", Class::Rival), &there)]).matches(here.as_bytes(), &floor).unwrap();
        prop_assert!(!found.is_empty());
    }

    #[test]
    fn arbitrary_bytes_never_panic(known: Vec<u8>, text: Vec<u8>, keep in 0_usize..200) {
        let mut builder = SegmentBuilder::new();
        builder.add(&entry("a", Class::Rival), &Written::whole(&known), &Except::new()).unwrap();
        let mixed = [&text[..], &known[..keep.min(known.len())]].concat();
        let floor = Floor {
            tokens_min: 0,
            words_min: 0,
            shape_tokens_min: 0,
            shape_kinds_min: 0,
            lines_min: 0,
            names_max: 0,
            gap_lines_max: 0,
        };
        let index = open(builder);
        for floor in [floor, Floor::default(), Floor { names_max: u32::MAX, gap_lines_max: u32::MAX - 1, ..floor }] {
            for found in index.matches(&mixed, &floor).unwrap() {
                prop_assert!(found.covered.iter().all(|span| found.here.contains(span.start()) && found.here.contains(span.end())));
            }
        }
    }
}
