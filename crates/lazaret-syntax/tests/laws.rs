//! Laws that hold for every text, every span and every granularity.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::string_slice,
    reason = "a law that cannot be looked at does not hold"
)]

use lazaret_core::Span;
use lazaret_syntax::{Excision, Granularity, Language, ParseError, Parses, TEXT_BYTES_MAX, excise, units};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A small program of each language, with something of everything that is cut.
const PROGRAMS: [(Language, &str); 14] = [
    (
        Language::Bash,
        "#!/bin/sh\n# Waits.\nwait() {\n  if late; then\n    hold\n  else\n    free\n  fi\n}\n\nfor s in a b; do\n  wait \"$s\"\ndone\ncat <<W\nhold\nW\n",
    ),
    (
        Language::C,
        "#include <a.h>\n\n#ifdef X\n/* Days. */\nint days(int n)\n{\n  if (n)\n    return 1;\n  return n * 40;\n}\n#endif\nstruct s {\n  int a;\n  int b;\n};\nenum e { A,\n  B };\n",
    ),
    (
        Language::CSharp,
        "using A;\nnamespace H\n{\n  /// D.\n  class P\n  {\n    [X]\n    int D() { return 1; }\n    int E\n    {\n      get { return 2; }\n    }\n  }\n}\n",
    ),
    (
        Language::Cpp,
        "#include <a>\ntemplate <class T>\nT days(T n) {\n  return n;\n}\nclass P {\n public:\n  void a() {\n    b([] {\n      c();\n    });\n  }\n  int d;\n};\n",
    ),
    (
        Language::Go,
        "package p\n\nimport (\n\t\"a\"\n\t\"b\"\n)\n\n// Days.\nfunc Days(n int) int {\n\tswitch n {\n\tcase 1:\n\t\ta.B()\n\tdefault:\n\t}\n\treturn n\n}\n\ntype S struct {\n\tA int\n}\n",
    ),
    (
        Language::Java,
        "import a.B;\n\n/** P. */\nclass P {\n  int a;\n  @Override\n  public int days(int n) {\n    if (n > 1) {\n      hold();\n    } else {\n      free();\n    }\n    return n;\n  }\n}\n",
    ),
    (
        Language::JavaScript,
        "import a from 'a';\n/** D. */\nexport function days(n) {\n  if (n)\n    return 1;\n  return `x\n${n}\ny`;\n}\ndescribe('p', () => {\n  it('q', () => {\n    days(1);\n  });\n});\nclass P {\n  a = 1;\n  b() {}\n}\n",
    ),
    (
        Language::Lua,
        "local p = {}\n-- D.\nfunction p.days(n)\n  if n > 1 then\n    hold()\n  else\n    free()\n  end\n  return [[\nx\n]]\nend\nreturn p\n",
    ),
    (
        Language::Php,
        "<html>\n<?php\nnamespace H;\n/** P. */\nclass P {\n  private $a = 1;\n  public function days($n) {\n    if ($n)\n      return 1;\n    return <<<X\n  a $n\n  X;\n  }\n}\n?>\n</html>\n",
    ),
    (
        Language::Python,
        "import a\n\n# D.\n@b\ndef days(n):\n    \"\"\"Days.\n\n    Of n.\n    \"\"\"\n    if n:\n        hold()\n    else:\n        free()\n    return [\n        1,\n        2,\n    ]\n\nclass P:\n    a = 1\n    def b(self): pass\n",
    ),
    (
        Language::Ruby,
        "require 'a'\n# P.\nclass P\n  attr_reader :a\n  def days(n)\n    if n\n      hold\n    else\n      free\n    end\n    x = <<~W\n      words\n    W\n  end\nend\ndescribe P do\n  it 'q' do\n    days 1\n  end\nend\n",
    ),
    (
        Language::Rust,
        "use a::b;\n\n/// D.\n#[must_use]\nfn days(n: u32) -> u32 {\n    let m = b(|x| {\n        x + 1\n    });\n    match n {\n        1 => m,\n        _ => n,\n    }\n}\n\nstruct S {\n    a: u32,\n    b: u32,\n}\n",
    ),
    (
        Language::Tsx,
        "import a from 'a';\nexport const V = () => {\n  const n = 1;\n  return (\n    <ul>\n      <li>{n}</li>\n    </ul>\n  );\n};\n",
    ),
    (
        Language::TypeScript,
        "import a from 'a';\nexport interface S {\n  a: number;\n  b: string;\n}\nclass P {\n  @x\n  days(n: number): number {\n    return n;\n  }\n}\nenum E {\n  A,\n  B,\n}\n",
    ),
];

const GRANULARITIES: [Granularity; 3] = [Granularity::Line, Granularity::Statement, Granularity::Unit];

fn is_tainted(tainted: &[Span], line: usize) -> bool {
    let line = u32::try_from(line).unwrap();
    tainted.iter().any(|span| span.contains(line))
}

/// Holds an excision against everything that is promised of it.
fn check(text: &str, language: Option<Language>, tainted: &[Span], granularity: Granularity) -> Excision {
    let excision = excise(text, language, tainted, granularity).unwrap();
    let mut kept = String::new();
    let mut at = 0;
    for removed in &excision.removed {
        let before = text.get(at..removed.bytes.start).expect("ranges are sorted and disjoint");
        kept.push_str(before);
        let cut = text.get(removed.bytes.clone()).unwrap();
        let line = |byte: usize| text.bytes().take(byte).filter(|&byte| byte == b'\n').count() + 1;
        let lines = (line(removed.bytes.start), line(removed.bytes.end - 1));
        assert_eq!((removed.lines.start() as usize, removed.lines.end() as usize), lines);
        let causes = (lines.0..)
            .zip(cut.split('\n'))
            .any(|(line, piece)| is_tainted(tainted, line) && !piece.trim().is_empty());
        assert!(causes, "{:?} was cut without a tainted character in it", removed.kind);
        at = removed.bytes.end;
    }
    kept.push_str(&text[at..]);
    assert_eq!(kept, excision.remainder, "what is kept is unchanged and in order");

    let mut offset = 0;
    for (line, piece) in (1..).zip(text.split_inclusive('\n')) {
        if is_tainted(tainted, line) {
            for (byte, character) in piece.char_indices().filter(|(_, character)| !character.is_whitespace())
            {
                let is_gone = excision.removed.iter().any(|one| one.bytes.contains(&(offset + byte)));
                assert!(is_gone, "{character:?} of tainted line {line} remains");
            }
        }
        offset += piece.len();
    }
    excision
}

/// Whether the text has no fault, told by asking for nothing to be cut.
fn parses(text: &str, language: Language) -> bool {
    excise(text, Some(language), &[], Granularity::Unit).unwrap().parses == Parses::Both
}

fn spans() -> impl Strategy<Value = Vec<Span>> {
    let span = (1..40_u32, 0..4_u32).prop_map(|(start, more)| Span::new(start, start + more).unwrap());
    proptest::collection::vec(span, 0..4)
}

/// Changes of a text that may break it.
fn edited(text: &str, edits: &[(Index, Index, String)]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for (at, length, insert) in edits {
        let at = at.index(characters.len() + 1);
        let end = (at + length.index(6)).min(characters.len());
        characters.splice(at..end, insert.chars());
    }
    characters.into_iter().collect()
}

fn edits() -> impl Strategy<Value = Vec<(Index, Index, String)>> {
    let insert = select(vec![
        "", "\n", "\r\n", "{", "}", "(", ")", "\"", "'", "/*", "*/", "#", "\\\n", "\t", "é", "\0",
        "\u{feff}", "\u{2003}", ";", ",", "<<W\n", "`", "?>", "\n\n",
    ]);
    proptest::collection::vec((any::<Index>(), any::<Index>(), insert.prop_map(str::to_owned)), 0..6)
}

#[test]
fn the_programs_of_these_tests_parse() {
    for (language, text) in PROGRAMS {
        assert!(parses(text, language), "{}", language.name());
    }
}

/// Every line of every program, alone and with the next.
#[test]
fn each_line_can_go_and_the_rest_parses() {
    for (language, text) in PROGRAMS {
        for granularity in GRANULARITIES {
            for start in 1..=u32::try_from(text.lines().count()).unwrap() {
                for end in [start, start + 1] {
                    let excision =
                        check(text, Some(language), &[Span::new(start, end).unwrap()], granularity);
                    assert_eq!(excision.parses, Parses::Both);
                    assert!(
                        parses(&excision.remainder, language),
                        "{}\n{}",
                        language.name(),
                        excision.remainder
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_remains_parses_where_the_text_did(
        (language, text) in select(PROGRAMS.to_vec()),
        tainted in spans(),
        granularity in select(GRANULARITIES.to_vec()),
    ) {
        let excision = check(text, Some(language), &tainted, granularity);
        prop_assert_eq!(excision.parses, Parses::Both);
        prop_assert!(parses(&excision.remainder, language));
        let again = excise(text, Some(language), &tainted, granularity).unwrap();
        prop_assert_eq!(again, excision);
    }

    #[test]
    fn broken_texts_lose_their_tainted_lines_too(
        (language, text) in select(PROGRAMS.to_vec()),
        edits in edits(),
        tainted in spans(),
        granularity in select(GRANULARITIES.to_vec()),
    ) {
        let text = edited(text, &edits);
        let excision = check(&text, Some(language), &tainted, granularity);
        prop_assert_eq!(excision.parses == Parses::Both, parses(&text, language));
        if excision.parses != Parses::Neither {
            prop_assert!(parses(&excision.remainder, language));
        }
    }

    #[test]
    fn texts_of_another_language_do_no_harm(
        (_, text) in select(PROGRAMS.to_vec()),
        language in select(Language::ALL.to_vec()),
        tainted in spans(),
        granularity in select(GRANULARITIES.to_vec()),
    ) {
        check(text, Some(language), &tainted, granularity);
    }

    #[test]
    fn prose_loses_its_tainted_lines(text in "([a-z]{0,3}[ \t]?\r?\n?){0,12}", tainted in spans()) {
        let sizes = GRANULARITIES.map(|granularity| check(&text, None, &tainted, granularity).remainder.len());
        prop_assert!(sizes.is_sorted_by(|finer, coarser| finer >= coarser));
    }

    #[test]
    fn units_lie_apart_or_in_each_other((language, text) in select(PROGRAMS.to_vec()), edits in edits()) {
        let text = edited(text, &edits);
        let mut open: Vec<usize> = Vec::new();
        for unit in units(&text, language).unwrap() {
            open.retain(|&end| end > unit.bytes.start);
            prop_assert!(open.last().is_none_or(|&end| unit.bytes.end <= end));
            prop_assert_eq!(unit.depth as usize, open.len());
            prop_assert!(unit.name.is_none_or(|name| unit.bytes.start <= name.start && name.end <= unit.bytes.end));
            open.push(unit.bytes.end);
        }
    }
}

#[test]
fn hostile_texts_end_in_time_and_without_panic() {
    let first = [Span::new(1, 1).unwrap()];
    let second = [Span::new(2, 2).unwrap()];
    let deep = format!("a\n{}\nb", "(".repeat(10_000));
    let nested = format!("a\n{}1{}\nb", "(".repeat(10_000), ")".repeat(10_000));
    let blocks = format!("x\n{}{}\ny", "{\n".repeat(3_000), "}\n".repeat(3_000));
    let indented: String = (0..300).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    let long = format!("let a = \"{}\";\nb();\n", "é".repeat(500_000));
    let zeros = "\0".repeat(1_000);
    for text in
        ["", "\n", "\0", "\u{feff}x", "\r\n\r\n", "\\\n", &deep, &nested, &blocks, &indented, &long, &zeros]
    {
        for language in Language::ALL {
            for tainted in [first, second] {
                match excise(text, Some(language), &tainted, Granularity::Statement) {
                    Ok(_) => drop(check(text, Some(language), &tainted, Granularity::Statement)),
                    Err(error) => assert!(matches!(error, ParseError::TooHard { .. }), "{error}"),
                }
            }
        }
    }
}

/// Asking a node of such a tree for its parent or neighbour overflows the stack.
#[test]
fn a_tree_as_deep_as_its_text_is_long_is_walked_without_recursion() {
    let text = format!("<?php\n{}\n", "<<A\n".repeat(20_000));
    let tainted = [Span::new(1, 1).unwrap()];
    assert!(excise(&text, Some(Language::Php), &tainted, Granularity::Statement).is_ok());
    assert!(units(&text, Language::Php).is_ok());
}

#[test]
fn texts_that_take_too_long_are_refused() {
    let text = "#if x\n".repeat(20_000);
    let tainted = [Span::new(1, 1).unwrap()];
    let refused = ParseError::TooHard { size_bytes: text.len(), language: "Lua" };
    assert_eq!(excise(&text, Some(Language::Lua), &tainted, Granularity::Unit), Err(refused));
}

#[test]
fn texts_above_the_limit_are_refused() {
    let text = " ".repeat(TEXT_BYTES_MAX + 1);
    let refused = ParseError::TooLarge { size_bytes: text.len() };
    let tainted = [Span::new(1, 1).unwrap()];
    assert_eq!(excise(&text, Some(Language::Go), &tainted, Granularity::Unit), Err(refused.clone()));
    assert_eq!(units(&text, Language::Go), Err(refused));
    assert_eq!(excise(&text, None, &tainted, Granularity::Unit).map(|cut| cut.removed), Ok(Vec::new()));
}

#[test]
fn spans_beyond_the_end_mean_nothing() {
    let text = "fn a() {}\n";
    let excision =
        excise(text, Some(Language::Rust), &[Span::new(2, 9).unwrap()], Granularity::Unit).unwrap();
    assert_eq!((excision.remainder.as_str(), excision.removed.len()), (text, 0));
}
