//! What people do to a text that they paste, by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lazaret_fingerprint::{Token, Tokens};

use super::world::Random;

/// A change; numbers are percentages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Nothing,
    /// Another indentation, tabs, and line ends of Windows.
    Indent,
    /// Line breaks in other places.
    Reflow,
    /// So many of the names, everywhere they stand.
    Rename(usize),
    /// One token in so many of the lines.
    Edit(usize),
    /// So many of the lines taken out.
    Remove(usize),
}

impl Change {
    pub(crate) const ALL: [Self; 14] = [
        Self::Nothing,
        Self::Indent,
        Self::Reflow,
        Self::Rename(5),
        Self::Rename(10),
        Self::Rename(20),
        Self::Rename(100),
        Self::Edit(5),
        Self::Edit(10),
        Self::Edit(20),
        Self::Edit(30),
        Self::Edit(50),
        Self::Remove(20),
        Self::Remove(50),
    ];

    pub(crate) fn apply(self, hunk: &str, random: &mut Random) -> String {
        match self {
            Self::Nothing => hunk.to_owned(),
            Self::Indent => hunk.lines().map(|line| format!("\t\t{}\r\n", line.trim())).collect(),
            Self::Reflow => {
                let spaced = tokens(hunk).map(|(_, text)| {
                    let gap = if random.below(9) == 0 { "\n" } else { " " };
                    [text, gap].concat()
                });
                spaced.collect::<String>() + "\n"
            }
            Self::Rename(percent) => rename(hunk, percent, random),
            Self::Edit(percent) => lines(hunk, percent, random, edit),
            Self::Remove(percent) => lines(hunk, percent, random, |_, _| String::new()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Indent => f.write_str("indented anew"),
            Self::Reflow => f.write_str("reflowed"),
            Self::Rename(percent) => write!(f, "{percent} % of names renamed"),
            Self::Edit(percent) => write!(f, "{percent} % of lines edited"),
            Self::Remove(percent) => write!(f, "{percent} % of lines removed"),
        }
    }
}

fn tokens(text: &str) -> impl Iterator<Item = (Token, &str)> {
    Tokens::new(text.as_bytes()).map(move |token| (token, &text[token.start..token.end]))
}

fn rename(hunk: &str, percent: usize, random: &mut Random) -> String {
    let names: BTreeSet<&str> =
        tokens(hunk).filter(|(token, text)| token.is_word && text.len() > 2).map(|(_, text)| text).collect();
    let mut renamed: BTreeMap<&str, String> = BTreeMap::new();
    // At least one, so that no row of the table is without its change.
    let wanted = (names.len() * percent).div_ceil(100);
    let mut left: Vec<&str> = names.into_iter().collect();
    for _ in 0..wanted {
        let name = left.swap_remove(random.below(left.len()));
        renamed.insert(name, format!("renamed_{:x}", random.below(1 << 24)));
    }
    replace(hunk, |text| renamed.get(text).cloned())
}

fn replace(text: &str, mut replacement: impl FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (token, old) in tokens(text) {
        out.push_str(&text[at..token.start]);
        out.push_str(&replacement(old).unwrap_or_else(|| old.to_owned()));
        at = token.end;
    }
    out + &text[at..]
}

fn lines(
    hunk: &str,
    percent: usize,
    random: &mut Random,
    change: impl Fn(&str, &mut Random) -> String,
) -> String {
    let n_lines = hunk.lines().count();
    let mut chosen = BTreeSet::new();
    while chosen.len() < (n_lines * percent).div_ceil(100) {
        chosen.insert(random.below(n_lines));
    }
    let changed = (0..)
        .zip(hunk.split_inclusive('\n'))
        .map(|(nth, line)| if chosen.contains(&nth) { change(line, random) } else { line.to_owned() });
    changed.collect()
}

fn edit(line: &str, random: &mut Random) -> String {
    let wanted = random.below(tokens(line).count());
    let mut nth = 0;
    replace(line, |_| {
        nth += 1;
        (nth == wanted + 1).then(|| format!("edited_{:x}", random.below(1 << 24)))
    })
}
