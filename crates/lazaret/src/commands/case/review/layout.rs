//! Where what is seen: worked out from the size alone, so that keys and drawing agree on what a screenful is.

use ratatui::layout::Rect;

use super::state::{Panes, State, View};

/// Below this nothing can be read.
pub(super) const COLUMNS_MIN: u16 = 40;
/// Below this nothing can be read.
pub(super) const ROWS_MIN: u16 = 10;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Areas {
    /// The first line: which store, or which case.
    pub(super) head: Rect,
    /// The second line: what the columns are, or which content.
    pub(super) title: Rect,
    /// Everything between.
    pub(super) body: Rect,
    /// The text within the body.
    pub(super) text: Rect,
    /// The evidence within the body.
    pub(super) side: Rect,
    /// The last line: what is said, and the keys.
    pub(super) foot: Rect,
}

impl Areas {
    /// Works the parts out.
    pub(super) fn of(state: &State) -> Self {
        let (width, height) = state.size;
        let line = |y: u16| Rect { x: 0, y: y.min(height), width, height: 1.min(height.saturating_sub(y)) };
        let body = Rect { x: 0, y: 2, width, height: height.saturating_sub(3) };
        let side = match (state.view, state.panes) {
            (View::Queue, _) | (View::Case, Panes::Text) => 0,
            (View::Case, Panes::Evidence) => width,
            (View::Case, Panes::Both) => (width * 2 / 5).clamp(20, 70),
        };
        let text = Rect { width: width.saturating_sub(side), ..body };
        let side = Rect { x: text.width, width: side, ..body };
        Self { head: line(0), title: line(1), body, text, side, foot: line(height.saturating_sub(1)) }
    }
}
