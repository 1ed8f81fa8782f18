//! A case: the text with whose each line is, and the evidence beside it.

use lazaret_core::Verdict;
use lazaret_pipeline::docket::HeldLine;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Brush, Ink, evidence, line_of, put};
use crate::commands::case::review::document::Document;
use crate::commands::case::review::inert::{cut, hex};
use crate::commands::case::review::layout::Areas;
use crate::commands::case::review::state::{Lines, State, Text};
use crate::text::{columns, count, fit_end, fit_start, pad, plain, thousands, wrap};

/// How many digits of a commit are shown.
const COMMIT_DIGITS: usize = 7;
/// How much of a tool's name is shown.
const TOOL_COLUMNS: usize = 12;
/// From so many columns on the tool stands beside each line.
const WIDE: usize = 76;

/// Draws the case that is looked at.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, areas: &Areas, brush: Brush) {
    let title = title(state, areas.title.width.into());
    put(frame, areas.title, Line::from(brush.span(Ink::Heading, title)));
    if areas.side.width > 0 {
        let edge = Rect { width: 1, ..areas.side };
        for y in 0..edge.height {
            put(frame, line_of(edge, y), Line::from(brush.span(Ink::Faint, "│")));
        }
        let inner = Rect { x: edge.x + 1, width: areas.side.width - 1, ..areas.side };
        evidence::draw(frame, state, inner, brush);
    }
    if areas.text.width > 0 {
        draw_text(frame, state, areas.text, brush);
    }
}

/// Says which case and which content.
fn title(state: &State, width: usize) -> String {
    let Some(sheet) = state.current() else { return "reading the case".to_owned() };
    let row = &sheet.sheet.row;
    let case = format!(
        "{} {}, due {}{}",
        row.case,
        row.status,
        row.due.get(..10).unwrap_or(&row.due),
        if row.overdue { " late" } else { "" }
    );
    let Some(hold) = state.hold() else { return fit_start(&case, width) };
    let path = hold.places.first().map(|place| plain(&place.path).into_owned()).unwrap_or_default();
    let number = format!("[{}/{}]", state.content + 1, sheet.case.count);
    let size = if hold.lines > 0 {
        count(hold.lines, "line", "lines")
    } else {
        format!("{} bytes", thousands(hold.bytes))
    };
    let end = format!("{size}, {}", hold.custody.as_str());
    let room = width.saturating_sub(columns(&case) + columns(&number) + columns(&end) + 7);
    fit_start(&format!("{case} · {number} {} · {end}", fit_end(&path, room.max(12))), width)
}

fn draw_text(frame: &mut Frame<'_>, state: &State, area: Rect, brush: Brush) {
    let Some((document, lines)) = state.document() else {
        let said = match (&state.text, state.hold()) {
            (_, None) => String::new(),
            (Text::Failed(why), _) => format!("The text is not shown: {}", plain(why)),
            (Text::Closed | Text::Open { .. }, Some(_)) => {
                "o opens the text. Of sealed content each reading is an entry of the ledger.".to_owned()
            }
        };
        let width = usize::from(area.width).saturating_sub(3).max(1);
        for (ix, line) in (1u16..).zip(wrap(&said, width)) {
            put(frame, line_of(area, ix), Line::from(format!("  {line}")));
        }
        return;
    };
    let height = usize::from(area.height).saturating_sub(1);
    put(
        frame,
        line_of(area, 0),
        Line::from(brush.span(Ink::Faint, note(document, lines, area.width.into()))),
    );
    if document.n_rows() == 0 {
        put(frame, line_of(area, 1), Line::from("  (nothing: the content is empty)"));
    }
    let digits = document.n_rows().to_string().len();
    for (y, ix) in (1u16..).zip((state.top..document.n_rows()).take(height)) {
        let mut line = Vec::new();
        if document.is_binary() {
            let row = hex(ix * super::super::document::HEX_BYTES, document.row(ix));
            line.push(Span::raw(row.chars().skip(state.left).take(area.width.into()).collect::<String>()));
        } else {
            let known = match lines {
                Lines::Known(known) => known.lines.get(ix),
                Lines::Waiting | Lines::Unknown(_) => None,
            };
            let gutter = gutter(known, ix + 1, digits, area.width.into(), brush);
            let used: usize = gutter.iter().map(Span::width).sum();
            line.extend(gutter);
            let room = usize::from(area.width).saturating_sub(used);
            line.extend(
                cut(document.row(ix), state.left, room).into_iter().map(|piece| {
                    brush.span(if piece.is_escape { Ink::Escape } else { Ink::Plain }, piece.text)
                }),
            );
        }
        put(frame, line_of(area, y), Line::from(line));
    }
}

/// Says in one line what is known about the lines.
fn note(document: &Document, lines: &Lines, width: usize) -> String {
    let ends = match document.n_crlf() {
        0 => String::new(),
        all if all == document.n_rows() => "CRLF; ".to_owned(),
        some => {
            format!("CRLF in {} of {} lines; ", thousands(some as u64), thousands(document.n_rows() as u64))
        }
    };
    let whose = match lines {
        _ if document.is_binary() => "binary content, shown by its bytes".to_owned(),
        Lines::Waiting => "reading whose the lines are".to_owned(),
        Lines::Known(known) => {
            let rev = known.rev.get(..12).unwrap_or(&known.rev);
            format!("T tainted, S suspect, ? unproven, C clean, by {} at {rev}", plain(&known.place.origin))
        }
        Lines::Unknown(why) => format!("whose each line is is not known: {}", plain(why)),
    };
    fit_start(&format!("{ends}{whose}"), width)
}

/// What stands before a line: what is held of it, its number, its commit, and its tool where there is room.
fn gutter(
    line: Option<&HeldLine>,
    number: usize,
    digits: usize,
    width: usize,
    brush: Brush,
) -> Vec<Span<'static>> {
    let faint = |text: String| brush.span(Ink::Faint, text);
    let Some(line) = line else { return vec![faint(format!("  {number:>digits$} │ "))] };
    let (mark, ink) = match line.verdict {
        Verdict::Tainted => ('T', Ink::Verdict(line.verdict)),
        Verdict::Suspect => ('S', Ink::Verdict(line.verdict)),
        Verdict::Unproven => ('?', Ink::Verdict(line.verdict)),
        Verdict::Clean => ('C', Ink::Verdict(line.verdict)),
    };
    let commit = line.commit.as_deref().and_then(|commit| commit.get(..COMMIT_DIGITS)).unwrap_or("");
    let mut gutter = vec![brush.span(ink, format!("{mark} ")), faint(format!("{number:>digits$} "))];
    gutter.push(faint(pad(commit, COMMIT_DIGITS)));
    if width >= WIDE {
        let derived = if line.is_direct { "" } else { "~" };
        let tool = format!("{derived}{}", line.tool.as_deref().map(plain).unwrap_or_default());
        gutter.push(brush.span(ink, format!(" {}", pad(&fit_start(&tool, TOOL_COLUMNS), TOOL_COLUMNS))));
    }
    gutter.push(faint(" │ ".to_owned()));
    gutter
}
