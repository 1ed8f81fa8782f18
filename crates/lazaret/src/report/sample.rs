//! Reports made up for tests: a small one that holds every case, and large ones of any size.

use std::collections::BTreeMap;

use lazaret_core::{Digest, GapKind, ObjectId, Origin, OriginKind, Polarity, Role, Strength, Verdict};
use lazaret_pipeline::{
    CommitCounts, EvidenceEntry, FileReport, GapEntry, LineCounts, REPORT_FORMAT, RecorderCounts, Report,
    SpanReport, TimelineEntry, Warning,
};

/// A path that tries everything at once: markup, quotes, a newline, terminal escapes, reordering.
pub(crate) const HOSTILE_PATH: &str =
    "src/\"'</script><img src=x onerror=alert(1)>\n\u{1b}[2J\u{9b}31m\u{202e}\\xff.rs";
/// A reason that tries the same.
pub(crate) const HOSTILE_WHY: &str = "trailer `</script><script>alert(2)</script>\u{1b}]0;owned\u{7}`";

/// Tools with the model and the provider of each.
const TOOLS: [(&str, &str, &str); 5] = [
    ("claude-code", "claude-opus-4-6", "anthropic"),
    ("codex", "gpt-5.3-codex", "openai"),
    ("copilot", "gpt-5-mini", "github"),
    ("cursor", "claude-sonnet-4-6", "cursor"),
    ("aider", "deepseek-v3.2", "aider"),
];

/// Returns the id of the `number`th invented commit or blob.
pub(crate) fn object(number: u32) -> ObjectId {
    let digest = Digest::of(&number.to_le_bytes());
    ObjectId::from_bytes(&digest.as_bytes()[..20]).unwrap()
}

/// Returns a report with every verdict, a derived span, a whole-file taint, gaps and hostile text.
pub(crate) fn small() -> Report {
    let mut builder = Builder::new("/srv/acme/parser");
    for tool in 0..3 {
        builder.evidence(tool, Strength::Declared, Polarity::Taint);
    }
    builder.proof();
    let span = |start, end, verdict, commit, direct, evidence: &str| SpanReport {
        start,
        end,
        verdict,
        commit: Some(object(commit)),
        direct,
        evidence: vec![evidence.to_owned()],
        reasons: vec![if direct { "tainted-direct" } else { "tainted-derived" }.to_owned()],
    };
    let (tainted, suspect, clean) = (Verdict::Tainted, Verdict::Suspect, Verdict::Clean);
    builder.file("Cargo.lock", 1204, Verdict::Unproven, Vec::new());
    builder.file("README.md", 80, Verdict::Clean, vec![span(1, 80, clean, 9, true, "e4")]);
    builder.file(
        "src/lexer.rs",
        412,
        Verdict::Unproven,
        vec![
            span(10, 58, tainted, 1, true, "e1"),
            span(59, 61, suspect, 2, false, "e1"),
            span(300, 412, tainted, 3, true, "e2"),
        ],
    );
    builder.file("src/parser/expr.rs", 1310, Verdict::Unproven, vec![span(1, 20, suspect, 4, false, "e3")]);
    builder.file(HOSTILE_PATH, 12, Verdict::Unproven, vec![span(3, 4, tainted, 1, true, "e1")]);
    builder.file("tests/data/image.png", 0, Verdict::Unproven, Vec::new());
    if let Some(image) = builder.report.files.last_mut() {
        image.gaps.push(GapEntry { kind: GapKind::Binary, why: "binary content".to_owned() });
    }
    builder.file("vendor/blob.bin", 0, Verdict::Tainted, Vec::new());
    if let Some(blob) = builder.report.files.last_mut() {
        blob.evidence.push("e2".to_owned());
    }
    builder.report.evidence[1].why = HOSTILE_WHY.to_owned();
    builder.timeline(&[
        ("2025-11", 0, 40, 0),
        ("2026-02", 0, 11, 3),
        ("2026-03", 1, 113, 0),
        ("2026-03", 2, 0, 20),
    ]);
    builder.report.warnings = vec![
        Warning { kind: GapKind::Binary, count: 1, example: "tests/data/image.png".to_owned() },
        Warning { kind: GapKind::ShallowBoundary, count: 2, example: object(7).to_string() },
    ];
    builder.finish()
}

/// Returns a report of `n_files` files that looks like a living repository. The same number gives the same report.
pub(crate) fn large(n_files: u32) -> Report {
    let mut builder = Builder::new("git.acme.example/platform/monorepo");
    let mut dice = Dice(7);
    for number in 0..200_u32 {
        builder.evidence(
            (number % 5) as usize,
            if number % 7 == 0 { Strength::Recorded } else { Strength::Declared },
            Polarity::Taint,
        );
    }
    builder.proof();
    let roots = ["services", "libs", "apps", "tools", "docs", "infra"];
    let teams =
        ["billing", "search", "identity", "gateway", "ledger", "catalog", "mobile", "web", "core", "ops"];
    let leaves = ["src", "src/api", "src/model", "tests", "src/store", "assets"];
    for number in 0..n_files {
        let root = roots[dice.below(6) as usize];
        let team = teams[dice.below(10) as usize];
        let leaf = leaves[dice.below(6) as usize];
        let lines = 5 + dice.below(40) * dice.below(40) / 2;
        let heat = (u32::from(team == "search") * 40 + u32::from(root == "apps") * 25 + 6) * 10;
        let mut spans = Vec::new();
        let mut line = 1 + dice.below(10);
        let base = if dice.below(10) < 2 { Verdict::Clean } else { Verdict::Unproven };
        while dice.below(1000) < heat && line < lines {
            let end = (line + dice.below(40)).min(lines);
            let direct = dice.below(10) < 8;
            spans.push(SpanReport {
                start: line,
                end,
                verdict: if direct { Verdict::Tainted } else { Verdict::Suspect },
                commit: Some(object(dice.below(4000))),
                direct,
                evidence: vec![format!("e{}", 1 + dice.below(200))],
                reasons: vec![if direct { "tainted-direct" } else { "tainted-derived" }.to_owned()],
            });
            line = end + 1 + dice.below(30);
        }
        builder.file(&format!("{root}/{team}/{leaf}/file_{number:05}.rs"), lines, base, spans);
    }
    builder.report.files.sort_by(|a, b| a.path.cmp(&b.path));
    let months: Vec<String> =
        (0..30).map(|month| format!("{}-{:02}", 2024 + month / 12, month % 12 + 1)).collect();
    for (index, month) in months.iter().enumerate() {
        let index = u32::try_from(index).unwrap();
        for tool in 0..5 {
            if index >= tool * 4 && index != 11 {
                let lines = u64::from(dice.below(60 + index * 40 / (tool + 1)));
                builder.timeline(&[(month, tool as usize, lines, lines / 9)]);
            }
        }
    }
    builder.report.warnings =
        vec![Warning { kind: GapKind::Submodule, count: 3, example: "third_party/zlib".to_owned() }];
    builder.finish()
}

/// Puts a report together and adds up its figures.
struct Builder {
    report: Report,
}

impl Builder {
    fn new(path: &str) -> Self {
        Self {
            report: Report {
                format: REPORT_FORMAT,
                version: "0.1.0",
                policy: Digest::of(b"policy"),
                catalog: Digest::of(b"catalog"),
                origin: Origin {
                    kind: OriginKind::Git,
                    path: path.to_owned(),
                    rev: Some(object(1000).to_string()),
                },
                commits: CommitCounts::default(),
                recorders: RecorderCounts::default(),
                lines: LineCounts::default(),
                by_tool: BTreeMap::new(),
                by_model: BTreeMap::new(),
                brought: Vec::new(),
                refused_attestations: Vec::new(),
                timeline: Vec::new(),
                files: Vec::new(),
                evidence: Vec::new(),
                ledger: None,
                segments: Vec::new(),
                copies: Vec::new(),
                warnings: Vec::new(),
            },
        }
    }

    fn evidence(&mut self, tool: usize, strength: Strength, polarity: Polarity) {
        let (tool, model, provider) = TOOLS[tool];
        let number = u32::try_from(self.report.evidence.len()).unwrap() + 1;
        self.report.evidence.push(EvidenceEntry {
            id: format!("e{number}"),
            detector: if number.is_multiple_of(3) { "commit-identity" } else { "commit-trailer" }.to_owned(),
            polarity,
            strength: Some(strength),
            role: Some(Role::CoAuthor),
            proof: None,
            tool: tool.parse().ok(),
            provider: provider.parse().ok(),
            model: model.parse().ok(),
            model_provider: None,
            commit: Some(object(number)),
            why: format!("trailer `Co-authored-by` names {tool}"),
            name: None,
        });
    }

    fn proof(&mut self) {
        let number = self.report.evidence.len() + 1;
        self.report.evidence.push(EvidenceEntry {
            id: format!("e{number}"),
            detector: "predates".to_owned(),
            polarity: Polarity::Proof,
            strength: None,
            role: None,
            proof: Some("predates".to_owned()),
            tool: None,
            provider: None,
            model: None,
            model_provider: None,
            commit: None,
            why: "received on 2019-04-02, before any banned tool existed".to_owned(),
            name: None,
        });
    }

    fn file(&mut self, path: &str, lines: u32, base: Verdict, spans: Vec<SpanReport>) {
        let number = u32::try_from(self.report.files.len()).unwrap();
        let verdict = spans.iter().map(|span| span.verdict).fold(base, Verdict::and);
        self.report.files.push(FileReport {
            path: path.to_owned(),
            blob: Some(object(5000 + number)),
            lines,
            verdict,
            base,
            evidence: Vec::new(),
            reasons: if base == Verdict::Unproven { vec!["no-proof".to_owned()] } else { Vec::new() },
            gaps: Vec::new(),
            case: None,
            against: Vec::new(),
            spans,
        });
    }

    fn timeline(&mut self, entries: &[(&str, usize, u64, u64)]) {
        for (month, tool, tainted, suspect) in entries {
            self.report.timeline.push(TimelineEntry {
                month: (*month).to_owned(),
                tool: TOOLS[*tool].0.to_owned(),
                tainted: *tainted,
                suspect: *suspect,
            });
        }
    }

    fn finish(mut self) -> Report {
        let report = &mut self.report;
        for file in &report.files {
            report.lines.merge(file.counts());
            for span in file.spans.iter().filter(|span| span.verdict > Verdict::Unproven) {
                let entry = report.evidence.iter().find(|entry| span.evidence.contains(&entry.id)).unwrap();
                let lines = u64::from(span.end - span.start + 1);
                let tool = entry.tool.as_ref().map_or("unknown", |tool| tool.as_str()).to_owned();
                let model = entry.model.as_ref().map_or("unknown", |model| model.as_str()).to_owned();
                report.by_tool.entry(tool).or_default().add(span.verdict, lines);
                report.by_model.entry(model).or_default().add(span.verdict, lines);
            }
        }
        report.commits = CommitCounts {
            examined: 4213,
            marked: 187,
            by_tool: BTreeMap::from([("claude-code".to_owned(), 120)]),
            ..CommitCounts::default()
        };
        self.report
    }
}

/// A small generator of the same numbers every time (Lehmer, Park and Miller 1988).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0 * 48_271 % 0x7fff_ffff;
        u32::try_from(self.0 >> 7).unwrap() % limit.max(1)
    }
}
