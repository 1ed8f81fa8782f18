//! The queue: one case a line.

use lazaret_pipeline::docket::{QueueRow, Standing};
use ratatui::Frame;
use ratatui::text::Line;

use super::{Brush, Ink, line_of, put};
use crate::commands::case::review::layout::Areas;
use crate::commands::case::review::state::State;
use crate::text::{columns, count, fit_start, pad, plain};

/// Draws the queue around the row that is looked at.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, areas: &Areas, brush: Brush) {
    let wide = state.rows().iter().map(|row| columns(&row.row.case)).max().unwrap_or(4).max(4);
    let title = format!("     {}  {:<8}  {:<10}  what", pad("case", wide), "status", "due");
    put(frame, areas.title, Line::from(brush.span(Ink::Faint, fit_start(&title, areas.title.width.into()))));
    if state.queue.is_some() && state.rows().is_empty() {
        put(frame, line_of(areas.body, 0), Line::from("  nothing here; f shows other cases, g reads again"));
        return;
    }
    let height = usize::from(areas.body.height);
    let last = state.rows().len().saturating_sub(height);
    let top = state.selected.saturating_sub(height / 2).min(last);
    for (ix, row) in state.rows().iter().enumerate().skip(top).take(height) {
        let Ok(y) = u16::try_from(ix - top) else { break };
        let is_here = ix == state.selected;
        let text = text(row, is_here, state.marked.contains(&row.case), wide, areas.body.width.into());
        let ink = match (is_here, row.standing) {
            (true, _) => Ink::Here,
            (false, Standing::Yours) if row.soon => Ink::Warning,
            (false, Standing::Yours) => Ink::Plain,
            (false, Standing::Others | Standing::Done) => Ink::Faint,
        };
        put(frame, line_of(areas.body, y), Line::from(brush.span(ink, text)));
    }
}

fn text(row: &QueueRow, is_here: bool, is_marked: bool, wide: usize, width: usize) -> String {
    let here = if is_here { '>' } else { ' ' };
    let marked = if is_marked { '*' } else { ' ' };
    let turn = match row.standing {
        Standing::Yours => '!',
        Standing::Others | Standing::Done => ' ',
    };
    let sheet = &row.row;
    let due = sheet.due.get(..10).unwrap_or(&sheet.due);
    let late = if sheet.overdue { "late" } else { "    " };
    let tools = if sheet.tools.is_empty() { "no tool".to_owned() } else { sheet.tools.join(" ") };
    let who = sheet.claimant.as_ref().map_or_else(String::new, |name| format!(", with {name}"));
    let rest = format!(
        "{}, {}, {tools}{who}  {}",
        count(sheet.contents, "content", "contents"),
        count(sheet.lines, "line", "lines"),
        sheet.cause
    );
    let text = format!(
        "{here}{marked}{turn}  {}  {:<8}  {due} {late}  {}",
        pad(&sheet.case, wide),
        sheet.status,
        plain(&rest)
    );
    pad(&fit_start(&text, width), width)
}
