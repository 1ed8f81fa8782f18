//! Reads an "AI disclosure" in a message: its heading, its answer, and the tool it names.
//!
//! Many projects ask for such a section from everybody, so most of them say no. Words are weighed sentence by
//! sentence; a section whose sentences disagree is unclear, and one that only denies is nothing.

use lazaret_core::{Role, ToolId};

use crate::catalog::{NamedModel, Names};
use crate::message::{Line, Standing};

/// What headings end with, in lower case and without their signs; the prefilter looks for them.
pub(crate) const HEADINGS: [&str; 17] = [
    "ai disclaimer",
    "ai note",
    "llm note",
    "description of ai usage",
    "ai-assistance disclosure",
    "ai policy disclosure",
    "ai agent disclosure",
    "coding agent disclaimer",
    "how ai was used",
    "ai disclosure",
    "ai usage",
    "ai assistance",
    "ai use",
    "llm disclosure",
    "llm usage",
    "llm use",
    "use of ai",
];

/// Headings of other matters too: what follows counts only if it plainly speaks of a tool.
pub(crate) const OPEN_HEADINGS: [&str; 2] = ["full disclosure:", "disclosure:"];

/// What follows a heading's words where they begin a sentence instead: `AI assistance was used to ...`.
const SENTENCES: [&str; 3] = [" was used ", " used ", "d "];

/// A section ends here at the latest.
const SECTION_LINES_MAX: usize = 20;

const NEGATIONS: [&str; 19] = [
    "no", "not", "none", "never", "without", "n/a", "na", "nothing", "nada", "nope", "didn't", "don't",
    "wasn't", "hasn't", "haven't", "nor", "neither", "zero", "isn't",
];

/// Words that deny by what they say instead.
const BY_HAND: [&str; 3] = ["hand-written", "handwritten", "human-written"];

/// A negation denies what stands so many words behind it.
const REACH_WORDS: usize = 3;

/// Beginnings of words that say that a tool was used at all.
const USES: [&str; 11] =
    ["use", "using", "usage", "assist", "help", "did", "done", "ask", "with", "conversation", "prompt"];

/// Beginnings of words that say that it wrote.
const WRITES: [&str; 25] = [
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
    "coded",
    "coding",
    "fixed",
    "fixing",
    "refactor",
    "one-shot",
    "developed",
    "developing",
    "prototyp",
    "edit",
];

/// Beginnings of words that say that it looked.
const FINDS: [&str; 27] = [
    "find",
    "found",
    "discover",
    "locat",
    "investigate",
    "investigating",
    "understand",
    "explor",
    "reviewing",
    "research",
    "debug",
    "diagnos",
    "analy",
    "identif",
    "validat",
    "verif",
    "bisect",
    "minimi",
    "pointed",
    "inspect",
    "read",
    "navigat",
    "rubber",
    "consult",
    "spotted",
    "judg",
    "explain",
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

/// A heading and what stands behind it on its line.
struct Heading {
    inline: String,
    is_open: bool,
}

/// Reads the first disclosure in the lines of a message.
pub(crate) fn read(lines: &[Line<'_>], names: &Names) -> Option<Disclosure> {
    let (at, heading) = lines.iter().enumerate().find_map(|(at, line)| {
        let is_own = line.standing > Standing::Quoted;
        is_own.then(|| heading(line.text)).flatten().map(|heading| (at, heading))
    })?;
    let (line, rest) = lines.get(at..)?.split_first()?;
    // Its own paragraph answers; if that ends with the heading, the next one does.
    let is_alone =
        heading.inline.is_empty() && rest.first().is_none_or(|next| next.paragraph != line.paragraph);
    let paragraph = if is_alone { rest.first()?.paragraph } else { line.paragraph };
    let section = rest.iter().take(SECTION_LINES_MAX).take_while(|line| {
        line.paragraph == paragraph && !line.text.starts_with(b"#") && !line.text.starts_with(b"<!--")
    });
    let mut texts: Vec<_> =
        section.map(|line| String::from_utf8_lossy(line.text).to_ascii_lowercase()).collect();
    texts.insert(0, heading.inline);
    if texts.iter().any(|text| is_checkbox(text)) {
        texts.retain(|text| text.contains("[x]"));
    }
    weigh(&texts.join(" ").replace("[x]", ". "), names, heading.is_open, heading.is_open || is_alone)
}

/// Returns what follows a heading on its own line; `None` if the line is no heading.
fn heading(line: &[u8]) -> Option<Heading> {
    let text = String::from_utf8_lossy(line).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if let Some(inline) = OPEN_HEADINGS.iter().find_map(|heading| text.strip_prefix(heading)) {
        return Some(Heading { inline: inline.to_owned(), is_open: true });
    }
    let closed = |inline: &str| {
        Some(Heading { inline: inline.trim_matches(['*', '_', ' ']).to_owned(), is_open: false })
    };
    let rest = HEADINGS.iter().find_map(|heading| text.strip_prefix(heading))?;
    if SENTENCES.iter().any(|sentence| rest.starts_with(sentence)) {
        return closed(text);
    }
    let rest = rest
        .trim_start_matches(" disclosure")
        .trim_start_matches('s')
        .trim_start_matches(" statement")
        .trim_start_matches(['*', '_', ' ']);
    match rest.strip_prefix([':', '-']) {
        Some(inline) => closed(inline),
        None if rest.is_empty() => closed(""),
        None => None,
    }
}

fn is_checkbox(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '*', ' ']);
    text.starts_with("[x]") || text.starts_with("[ ]")
}

/// Weighs a section; where `needs_yes`, only a plain yes says anything.
fn weigh(text: &str, names: &Names, is_open: bool, needs_yes: bool) -> Option<Disclosure> {
    let (mut yes, mut no, mut writes, mut finds) = (false, false, false, false);
    let (mut tool, mut model) = (None, None);
    for sentence in text.split(". ").flat_map(|line| line.split([';', '!', ','])) {
        let words: Vec<_> = sentence
            .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '*' | '`' | ':'))
            .flat_map(|word| {
                if word == "n/a" {
                    [word, ""]
                } else {
                    word.split_once('/').map_or([word, ""], |(a, b)| [a, b])
                }
            })
            .map(|word| word.trim_matches(['.', '"']))
            .filter(|word| !word.is_empty())
            .collect();
        let mentioned = names.mentioned(&words);
        let is_about = mentioned.is_some()
            || words.iter().any(|word| is_machine_word(word) || names.may_resolve(word.as_bytes()))
            || words == ["yes"]
            || (!is_open && speaks_of_it(&words));
        let is_used = words == ["yes"]
            || words.iter().any(|word| begins(word, &USES) || says_work(word) || word.starts_with("ai-"));
        let is_denied = is_denied(&words);
        no |= is_denied
            && (is_about || words.len() <= REACH_WORDS || words.iter().any(|word| BY_HAND.contains(word)));
        if !is_denied {
            yes |= is_about && is_used;
            let is_own_work = is_own_work(&words, is_about);
            writes |=
                !is_own_work && words.iter().any(|word| begins(word, &WRITES) || word.starts_with("ai-gen"));
            writes |= !is_own_work && words.windows(2).any(|pair| pair == ["to", "fix"]);
            finds |= !is_own_work && words.iter().any(|word| begins(word, &FINDS));
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
    let says_something = yes || (!needs_yes && !no && text.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let answer = if yes && !no { Answer::Used } else { Answer::Unclear };
    says_something.then_some(Disclosure { answer, role, tool, model })
}

/// Whether a negation stands at the beginning, or shortly before a word about tools or work; or something was made
/// by hand.
fn is_denied(words: &[&str]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let reach = words.iter().skip(at + 1).take(REACH_WORDS);
        let denies = |word: &&&str| is_machine_word(word) || begins(word, &USES) || says_work(word);
        BY_HAND.contains(word)
            || (NEGATIONS.contains(word)
                && (at == 0 || words.len() <= REACH_WORDS || reach.clone().any(|word| denies(&word))))
    })
}

/// Whether a sentence says what its writer did: `I made the changes myself`, `written by hand`.
fn is_own_work(words: &[&str], is_about: bool) -> bool {
    let by_hand = words.windows(2).any(|pair| pair == ["by", "hand"] || pair == ["i", "manually"]);
    by_hand || words.contains(&"myself") || (!is_about && words.first().is_some_and(|word| *word == "i"))
}

/// Whether a sentence under a heading about tools says what `it` did.
fn speaks_of_it(words: &[&str]) -> bool {
    words
        .windows(2)
        .any(|pair| matches!(pair, ["used", "it"]) || matches!(pair, ["it", word] if says_work(word)))
}

fn begins(word: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| word.starts_with(beginning))
}

fn says_work(word: &str) -> bool {
    begins(word, &WRITES) || begins(word, &FINDS)
}

fn is_machine_word(word: &str) -> bool {
    matches!(
        word,
        "ai" | "ai's"
            | "llm"
            | "llm's"
            | "llms"
            | "agent"
            | "agents"
            | "ai-assisted"
            | "ai-generated"
            | "ai-assistance"
    ) || word.starts_with("vibe")
        || word.starts_with("vibing")
}
