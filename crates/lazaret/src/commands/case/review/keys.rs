//! The keys of the review screen: the same in the queue and over a case.

/// A key that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    /// A character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// To the next content.
    Tab,
    /// To the content before.
    BackTab,
    /// Takes a character back.
    Backspace,
    /// Control and C.
    Interrupt,
}

/// Each key, and what it does.
pub(super) const KEYS: [(&str, &str); 22] = [
    ("j k", "next case, case before"),
    ("o Enter", "look at the case and open its text"),
    ("Tab", "next content of the case; with Shift the one before"),
    ("arrows", "move in the queue; scroll the text"),
    ("PgUp PgDn", "the same by screens; Home and End to its ends"),
    ("[ ] { }", "marked lines before and after; scroll the evidence"),
    ("e", "text and evidence, text alone, evidence alone"),
    ("c", "clear: justify, refute each taint, sign"),
    ("x", "remove"),
    ("h", "keep held"),
    ("l", "label with an exemption"),
    ("w", "write the remark of the next decision"),
    ("y", "agree with what is proposed, after your own verdict"),
    ("r", "turn down what is proposed"),
    ("u", "undo your last decision, before others act on it"),
    ("m", "claim the case, or give it back"),
    ("R", "open a decided case again"),
    ("Space", "select the case; decisions are then about the selection"),
    ("t", "what happened to the case"),
    ("f", "undecided cases, those that wait for you, decided ones"),
    ("g", "read the queue again"),
    ("q Esc", "back; from the queue, leave"),
];
