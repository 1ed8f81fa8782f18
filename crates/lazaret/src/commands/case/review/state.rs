//! What the review screen shows and knows.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::Digest;
use lazaret_pipeline::docket::{
    Choice, Decided, HeldLines, Queue, QueueFilter, QueueRow, ReviewSheet, TimelineRow, Undo,
};
use lazaret_store::{CaseId, Cause, Hold, ReadPurpose};

use super::document::Document;
use super::keys::Press;
use super::prompt::Prompt;

/// Which of the two views is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// The cases.
    Queue,
    /// One case.
    Case,
}

/// What stands beside what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Panes {
    /// The text, and the evidence beside it.
    Both,
    /// The text.
    Text,
    /// The evidence.
    Evidence,
}

/// How a person wants a case to end, before the particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Cleared.
    Clear,
    /// Removed.
    Remove,
    /// Kept held.
    KeepHeld,
    /// Labelled with an exemption.
    Label,
}

impl Kind {
    /// Returns the word of the resolution.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "cleared",
            Self::Remove => "removed",
            Self::KeepHeld => "kept-held",
            Self::Label => "exempt-labelled",
        }
    }
}

/// The text of a content.
#[derive(Debug)]
pub(super) enum Text {
    /// It was not opened.
    Closed,
    /// It could not be opened.
    Failed(String),
    /// It is open.
    Open {
        /// Whose bytes these are.
        content: Digest,
        /// The bytes.
        document: Document,
        /// Whose the lines are.
        lines: Box<Lines>,
    },
}

/// Whose the lines of a text are.
#[derive(Debug)]
pub(super) enum Lines {
    /// The history is being read.
    Waiting,
    /// It is known.
    Known(HeldLines),
    /// It is not, and why.
    Unknown(String),
}

/// What is said in the last line until the next key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The words.
    pub(super) text: String,
    /// Whether something was not done.
    pub(super) is_refusal: bool,
}

/// All that the screen shows and knows.
#[derive(Debug)]
pub(super) struct State {
    /// The name under which the person acts.
    pub(super) me: String,
    /// Columns and rows of the terminal.
    pub(super) size: (u16, u16),
    /// Whether there is a key that opens the vault.
    pub(super) has_identity: bool,
    pub(super) filter: QueueFilter,
    pub(super) queue: Option<Queue>,
    /// Which row of the queue is looked at.
    pub(super) selected: usize,
    /// The selection.
    pub(super) marked: BTreeSet<CaseId>,
    pub(super) view: View,
    pub(super) panes: Panes,
    pub(super) sheet: Option<Box<ReviewSheet>>,
    /// Which content of the case is looked at.
    pub(super) content: usize,
    pub(super) text: Text,
    /// The first row of the text that is seen.
    pub(super) top: usize,
    /// The first column.
    pub(super) left: usize,
    /// The first line of the evidence that is seen.
    pub(super) side_top: usize,
    /// What sealed content is read for, once it was said.
    pub(super) purpose: Option<ReadPurpose>,
    pub(super) prompt: Option<Prompt>,
    pub(super) message: Option<Message>,
    /// The remark of the next decision.
    pub(super) remark: Option<String>,
    /// The person's own verdicts on what others proposed, given before the proposal was shown.
    pub(super) verdicts: BTreeMap<CaseId, Kind>,
    /// The contents that were opened.
    pub(super) opened: BTreeSet<Digest>,
    /// What was decided and can be taken back, the last one last.
    pub(super) done: Vec<(CaseId, Vec<Undo>)>,
    /// The key that waits for the sheet of its case.
    pub(super) pending: Option<Press>,
    /// Whether the text is opened as soon as the sheet is there.
    pub(super) opens: bool,
}

/// Something that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A key was pressed.
    Press(Press),
    /// Text was pasted; it is never taken for keys.
    Paste(String),
    /// The terminal has this size.
    Size(u16, u16),
    /// The queue was read.
    Queue(Queue),
    /// A case was read.
    Sheet(Box<ReviewSheet>),
    /// A content was opened, or not.
    Text(Digest, Result<Document, String>),
    /// Lines were attributed, or not.
    Lines(Digest, Result<HeldLines, String>),
    /// Cases were acted on: the word for it, and what became of each.
    Outcomes(&'static str, Vec<Outcome>),
    /// What happened to a case was read.
    Timeline(CaseId, Vec<TimelineRow>),
    /// Something could not be read.
    Failed(Vec<String>),
}

/// What became of a case that was acted on.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The case.
    pub(super) case: CaseId,
    /// What it is now, or why nothing was done.
    pub(super) result: Result<(Decided, Box<QueueRow>), Vec<String>>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Leave.
    Quit,
    /// Read the queue.
    ReadQueue(QueueFilter),
    /// Read a case.
    ReadSheet(CaseId),
    /// Open a content: for a purpose where it is sealed.
    Open(Box<Hold>, Option<ReadPurpose>),
    /// Attribute the lines of a content.
    Trace(Box<Hold>, Cause),
    /// End cases.
    Decide(Vec<CaseId>, Choice, Option<String>),
    /// Agree with the proposal that was shown, by the digest of its resolution.
    Agree(CaseId, Digest),
    /// Turn down what is proposed.
    Reject(CaseId, Option<String>),
    /// Open a decided case again.
    Reopen(CaseId, Option<String>),
    /// Claim cases, or give them back.
    Claim(Vec<CaseId>),
    /// Take back.
    Undo(CaseId, Vec<Undo>),
    /// Read what happened to a case.
    ReadTimeline(CaseId),
}

impl State {
    /// Returns the screen before anything was read.
    pub(super) fn new(me: String, has_identity: bool) -> Self {
        Self {
            me,
            size: (80, 24),
            has_identity,
            filter: QueueFilter::default(),
            queue: None,
            selected: 0,
            marked: BTreeSet::new(),
            view: View::Queue,
            panes: Panes::Both,
            sheet: None,
            content: 0,
            text: Text::Closed,
            top: 0,
            left: 0,
            side_top: 0,
            purpose: None,
            prompt: None,
            message: None,
            remark: None,
            verdicts: BTreeMap::new(),
            opened: BTreeSet::new(),
            done: Vec::new(),
            pending: None,
            opens: false,
        }
    }

    /// Returns the rows of the queue.
    pub(super) fn rows(&self) -> &[QueueRow] {
        self.queue.as_ref().map_or(&[], |queue| &queue.rows)
    }

    /// Returns the row that is looked at.
    pub(super) fn row(&self) -> Option<&QueueRow> {
        self.rows().get(self.selected)
    }

    /// Returns the sheet of the case that is looked at, once it was read.
    pub(super) fn current(&self) -> Option<&ReviewSheet> {
        let case = self.row()?.case;
        self.sheet.as_deref().filter(|sheet| sheet.case.case == case)
    }

    /// Returns the content that is looked at.
    pub(super) fn hold(&self) -> Option<&Hold> {
        self.current()?.holds.get(self.content)
    }

    /// Returns the text that is looked at, if it is open.
    pub(super) fn document(&self) -> Option<(&Document, &Lines)> {
        let looked_at = self.hold()?.content;
        match &self.text {
            Text::Open { content, document, lines } if *content == looked_at => Some((document, lines)),
            Text::Open { .. } | Text::Closed | Text::Failed(_) => None,
        }
    }

    /// Whether the person has still to give an own verdict before the proposal is shown.
    pub(super) fn is_blind(&self) -> bool {
        self.current().is_some_and(|sheet| sheet.is_second && !self.verdicts.contains_key(&sheet.case.case))
    }

    /// Says something until the next key.
    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_refusal: false });
    }

    /// Says why something was not done.
    pub(super) fn refuse(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_refusal: true });
    }
}
