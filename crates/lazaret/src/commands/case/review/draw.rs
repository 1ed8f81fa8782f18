//! Draws the screen: what is seen is worked out, and nothing else.

use lazaret_core::Verdict;
use lazaret_pipeline::docket::QueueFilter;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::layout::{Areas, COLUMNS_MIN, ROWS_MIN};
use super::state::{State, View};
use crate::text::{columns, fit_start, plain, thousands};

mod case;
mod evidence;
mod prompts;
mod rows;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Nothing special.
    Plain,
    /// A title.
    Heading,
    /// Beside the point.
    Faint,
    /// Where the person is.
    Here,
    /// What the program wrote in the place of something that is not shown.
    Escape,
    /// Something not done, or late.
    Warning,
    /// A verdict.
    Verdict(Verdict),
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, color: bool) {
    let brush = Brush { color };
    let (width, height) = state.size;
    let area = frame.area();
    if width < COLUMNS_MIN || height < ROWS_MIN || area.width < width || area.height < height {
        let words = format!("make the window larger: {COLUMNS_MIN} columns and {ROWS_MIN} lines at least");
        frame.render_widget(Paragraph::new(fit_start(&words, area.width.into())), area);
        return;
    }
    let areas = Areas::of(state);
    head(frame, state, areas.head, brush);
    match state.view {
        View::Queue => rows::draw(frame, state, &areas, brush),
        View::Case => case::draw(frame, state, &areas, brush),
    }
    foot(frame, state, areas.foot, brush);
    if let Some(prompt) = &state.prompt {
        prompts::draw(frame, state, prompt, area, brush);
    }
}

/// Colours, or what stands for them where there are none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Brush {
    color: bool,
}

impl Brush {
    /// Returns the style of what a text is.
    pub(super) fn style(self, ink: Ink) -> Style {
        let of = |color: Color| if self.color { Style::new().fg(color) } else { Style::new() };
        match ink {
            Ink::Plain => Style::new(),
            Ink::Heading => Style::new().add_modifier(Modifier::BOLD),
            Ink::Faint => Style::new().add_modifier(Modifier::DIM),
            Ink::Here => Style::new().add_modifier(Modifier::REVERSED),
            Ink::Escape => of(Color::Magenta).add_modifier(Modifier::REVERSED),
            Ink::Warning | Ink::Verdict(Verdict::Suspect) => of(Color::Yellow).add_modifier(Modifier::BOLD),
            Ink::Verdict(Verdict::Tainted) => of(Color::Red).add_modifier(Modifier::BOLD),
            Ink::Verdict(Verdict::Unproven) => of(Color::DarkGray),
            Ink::Verdict(Verdict::Clean) => of(Color::Cyan),
        }
    }

    /// Returns a text in its style.
    pub(super) fn span(self, ink: Ink, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.style(ink))
    }
}

/// Puts a line into an area.
pub(super) fn put(frame: &mut Frame<'_>, area: Rect, line: Line<'_>) {
    frame.render_widget(Paragraph::new(line), area);
}

/// Returns the area of one line of another.
pub(super) fn line_of(area: Rect, ix: u16) -> Rect {
    Rect { y: area.y + ix, height: 1.min(area.height.saturating_sub(ix)), ..area }
}

fn head(frame: &mut Frame<'_>, state: &State, area: Rect, brush: Brush) {
    let Some(queue) = &state.queue else {
        put(frame, area, Line::from("reading the cases"));
        return;
    };
    let what = match state.filter {
        QueueFilter::Undecided => "undecided",
        QueueFilter::Yours => "for you",
        QueueFilter::Decided => "decided",
    };
    let yours =
        queue.rows.iter().filter(|row| row.standing == lazaret_pipeline::docket::Standing::Yours).count();
    let cut = if queue.is_cut { ", the first by date" } else { "" };
    let overdue =
        if queue.overdue > 0 { format!(", {} overdue", thousands(queue.overdue)) } else { String::new() };
    let text = format!(
        "{what}: {}{cut}; {} for you · store: {} undecided{overdue} · {} as {}",
        thousands(queue.rows.len() as u64),
        thousands(yours as u64),
        thousands(queue.undecided),
        plain(&queue.store),
        plain(&state.me),
    );
    put(frame, area, Line::from(brush.span(Ink::Heading, fit_start(&text, area.width.into()))));
}

fn foot(frame: &mut Frame<'_>, state: &State, area: Rect, brush: Brush) {
    let width = usize::from(area.width);
    let line = match &state.message {
        Some(message) => {
            let ink = if message.is_refusal { Ink::Warning } else { Ink::Heading };
            Line::from(brush.span(ink, fit_start(&plain(&message.text), width)))
        }
        None => {
            let keys = match state.view {
                View::Queue => "? help  o look  c clear  x remove  h hold  u undo  Space select  q leave",
                View::Case => "? help  o text  j k cases  c clear  x remove  h hold  u undo  e panes  q back",
            };
            let notes = [
                (!state.marked.is_empty()).then(|| format!("{} selected", state.marked.len())),
                state.remark.as_ref().map(|remark| format!("remark: {}", plain(remark))),
            ];
            let notes: Vec<String> = notes.into_iter().flatten().collect();
            let notes = notes.join(" · ");
            let room = width.saturating_sub(columns(&notes).min(width / 2) + 2);
            let keys = fit_start(keys, room);
            let gap = " ".repeat(room.saturating_sub(columns(&keys)) + 2);
            Line::from(vec![
                brush.span(Ink::Faint, keys),
                Span::raw(gap),
                brush.span(Ink::Heading, fit_start(&notes, width / 2)),
            ])
        }
    };
    put(frame, area, line);
}
