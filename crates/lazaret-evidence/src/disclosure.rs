//! Reads an "AI disclosure" in a message: its heading, its answer, and the tool it names.
//!
//! Many projects ask for such a section from everybody, so most of them say no. Words are weighed sentence by
//! sentence; a section whose sentences disagree is unclear, and one that only denies is nothing.

use lazaret_core::{Role, ToolId};

use crate::catalog::{NamedModel, Names};
use crate::message::{Line, Standing};

/// What headings end with, in lower case and without their signs; the prefilter looks for them.
pub(crate) const HEADINGS: [&str; 9] = [
    "ai disclosure",
    "ai policy disclosure",
    "ai usage",
    "ai use",
    "ai assistance",
    "llm disclosure",
    "llm usage",
    "use of ai",
    "ai-assistance disclosure",
];

/// A section ends here at the latest.
const SECTION_LINES_MAX: usize = 20;

const NEGATIONS: [&str; 16] = [
    "no", "not", "none", "never", "without", "n/a", "na", "nothing", "didn't", "don't", "wasn't", "hasn't",
    "haven't", "nor", "neither", "zero",
];

/// Beginnings of words that say that a tool was used at all.
const USES: [&str; 8] = ["use", "using", "assist", "help", "did", "done", "ask", "with"];

/// Beginnings of words that say that it wrote.
const WRITES: [&str; 20] = [
    "generat",
    "writ",
    "wrote",
    "draft",
    "implement",
    "author",
    "creat",
    "co-author",
    "produc",
    "made",
    "vibe",
    "vibing",
    "translat",
    "migrat",
    "port",
    "cod",
    "fix",
    "refactor",
    "one-shot",
    "develop",
];

/// Beginnings of words that say that it looked.
const FINDS: [&str; 12] = [
    "find",
    "found",
    "discover",
    "locat",
    "investigat",
    "understand",
    "explor",
    "review",
    "research",
    "debug",
    "diagnos",
    "analy",
];

/// Words for the message about a change.
const MESSAGES: [&str; 4] = ["description", "summary", "commit message", "wording"];

/// What a disclosure says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A tool was used.
    Used,
    /// Neither yes nor no, or both.
    Unclear,
}

/// A disclosure that does not simply deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disclosure {
    pub(crate) answer: Answer,
    pub(crate) role: Role,
    pub(crate) tool: Option<ToolId>,
    pub(crate) model: Option<NamedModel>,
}

/// Reads the first disclosure in the lines of a message.
pub(crate) fn read(lines: &[Line<'_>], names: &Names) -> Option<Disclosure> {
    let (at, inline) = lines.iter().enumerate().find_map(|(at, line)| {
        (line.standing > Standing::Quoted).then_some(())?;
        Some((at, heading(line.text)?))
    })?;
    let section = lines.iter().skip(at + 1).take(SECTION_LINES_MAX);
    let section = section.take_while(|line| {
        !line.text.starts_with(b"#") && !line.text.starts_with(b"<!--") && line.standing == Standing::Embedded
    });
    let mut texts: Vec<_> =
        section.map(|line| String::from_utf8_lossy(line.text).to_ascii_lowercase()).collect();
    texts.insert(0, inline);
    if texts.iter().any(|text| is_checkbox(text)) {
        texts.retain(|text| text.contains("[x]"));
    }
    weigh(&texts.join(" ").replace("[x]", ". "), names)
}

/// Returns what follows a heading on its own line; `None` if the line is no heading.
fn heading(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let rest = HEADINGS.iter().find_map(|heading| text.strip_prefix(heading))?;
    if rest.starts_with(" was used ") || rest.starts_with(" used ") {
        return Some(text.to_owned());
    }
    let rest = rest
        .trim_start_matches(" disclosure")
        .trim_start_matches(" statement")
        .trim_start_matches(['*', '_', ' ']);
    match rest.strip_prefix([':', '-']) {
        Some(inline) => Some(inline.trim_matches(['*', '_', ' ']).to_owned()),
        None if rest.is_empty() => Some(String::new()),
        None => None,
    }
}

fn is_checkbox(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '*', ' ']);
    text.starts_with("[x]") || text.starts_with("[ ]")
}

fn weigh(text: &str, names: &Names) -> Option<Disclosure> {
    let (mut yes, mut no, mut writes, mut finds) = (false, false, false, false);
    let (mut tool, mut model) = (None, None);
    for sentence in text.split(". ").flat_map(|line| line.split([';', '!'])) {
        let words: Vec<_> = sentence
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '*' | '`' | ':'))
            .map(|word| word.trim_matches(['.', '"']))
            .filter(|word| !word.is_empty())
            .collect();
        let begins = |beginnings: &[&str]| {
            words.iter().any(|word| beginnings.iter().any(|text| word.starts_with(text)))
        };
        let mentioned = names.mentioned(&words);
        let is_about =
            mentioned.is_some() || words.iter().any(|word| is_machine_word(word)) || words == ["yes"];
        let is_denied = words.iter().any(|word| NEGATIONS.contains(word));
        no |= is_denied && (is_about || words.len() <= 3);
        if !is_denied {
            yes |= is_about && (words == ["yes"] || begins(&USES) || begins(&WRITES) || begins(&FINDS));
            writes |= begins(&WRITES);
            finds |= begins(&FINDS);
        }
        if let Some(named) = mentioned.filter(|_| !is_denied) {
            tool = tool.or(named.tool);
            model = model.or(named.model);
        }
    }
    let is_message = MESSAGES.iter().any(|word| text.contains(word));
    let role = match (writes, finds) {
        (true, _) => Role::CoAuthor,
        (false, true) => Role::Finder,
        (false, false) if is_message => Role::Message,
        (false, false) => Role::CoAuthor,
    };
    let says_something = yes || (!no && text.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let answer = if yes && !no { Answer::Used } else { Answer::Unclear };
    says_something.then_some(Disclosure { answer, role, tool, model })
}

fn is_machine_word(word: &str) -> bool {
    matches!(
        word,
        "ai" | "llm" | "llms" | "agent" | "agents" | "ai-assisted" | "ai-generated" | "ai-assistance"
    ) || word.starts_with("vibe")
        || word.starts_with("vibing")
}
