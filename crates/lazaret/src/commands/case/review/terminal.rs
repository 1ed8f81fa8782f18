//! The terminal while the screen is seen: entered whole, and left as it was, also when something breaks.

use std::io::{self, Stdout, Write, stdout};
use std::panic;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, Event as TerminalEvent, KeyCode, KeyEventKind,
    KeyModifiers,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use ratatui::{Frame, Terminal};

use super::keys::Press;
use super::state::Event;

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// A terminal that shows the screen. Dropping it gives the terminal back.
pub(super) struct Seen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    spoken: Arc<Hook>,
}

impl Seen {
    /// Enters the screen.
    pub(super) fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        let terminal = match entered {
            Ok(terminal) => terminal,
            Err(error) => {
                leave();
                return Err(error);
            }
        };
        let spoken: Arc<Hook> = Arc::new(panic::take_hook());
        let (screen, hook) = (thread::current().id(), Arc::clone(&spoken));
        panic::set_hook(Box::new(move |bug| {
            // What breaks beside the screen is told on it; only what breaks the screen itself ends it.
            if thread::current().id() == screen {
                leave();
                hook(bug);
            }
        }));
        Ok(Self { terminal, spoken })
    }

    /// Draws what is to be seen.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Waits for a key or another size, so long at most.
    #[expect(clippy::unused_self, reason = "the terminal is asked only while it shows the screen")]
    pub(super) fn wait(&self, time: Duration) -> io::Result<Option<Event>> {
        if !event::poll(time)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            TerminalEvent::Key(key) if key.kind != KeyEventKind::Release => {
                press(key.code, key.modifiers).map(Event::Press)
            }
            TerminalEvent::Paste(text) => Some(Event::Paste(text)),
            TerminalEvent::Resize(columns, rows) => Some(Event::Size(columns, rows)),
            TerminalEvent::Key(_)
            | TerminalEvent::FocusGained
            | TerminalEvent::FocusLost
            | TerminalEvent::Mouse(_) => None,
        })
    }

    /// Returns the size.
    #[expect(clippy::unused_self, reason = "the terminal is asked only while it shows the screen")]
    pub(super) fn size(&self) -> io::Result<Event> {
        size().map(|(columns, rows)| Event::Size(columns, rows))
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        leave();
        if !thread::panicking() {
            let spoken = Arc::clone(&self.spoken);
            panic::set_hook(Box::new(move |bug| spoken(bug)));
        }
    }
}

/// Gives the terminal back. Nothing more can be done where that fails.
fn leave() {
    drop(write_leave(&mut stdout()));
    drop(disable_raw_mode());
}

fn write_leave(out: &mut impl Write) -> io::Result<()> {
    execute!(out, DisableBracketedPaste, LeaveAlternateScreen, Show)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other keys mean nothing")]
fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Press> {
    let is_control = modifiers.contains(KeyModifiers::CONTROL);
    match code {
        KeyCode::Char('c' | 'C') if is_control => Some(Press::Interrupt),
        KeyCode::Char(_) if is_control || modifiers.contains(KeyModifiers::ALT) => None,
        KeyCode::Char(c) => Some(Press::Char(c)),
        KeyCode::Enter => Some(Press::Enter),
        KeyCode::Esc => Some(Press::Esc),
        KeyCode::Up => Some(Press::Up),
        KeyCode::Down => Some(Press::Down),
        KeyCode::Left => Some(Press::Left),
        KeyCode::Right => Some(Press::Right),
        KeyCode::PageUp => Some(Press::PageUp),
        KeyCode::PageDown => Some(Press::PageDown),
        KeyCode::Home => Some(Press::Home),
        KeyCode::End => Some(Press::End),
        KeyCode::Tab => Some(Press::Tab),
        KeyCode::BackTab => Some(Press::BackTab),
        KeyCode::Backspace => Some(Press::Backspace),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_is_given_back_whole() {
        let mut out = Vec::new();
        write_leave(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\u{1b}[?2004l\u{1b}[?1049l\u{1b}[?25h");
    }

    #[test]
    fn keys_with_control_decide_nothing() {
        assert_eq!(press(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Press::Interrupt));
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::CONTROL), None);
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::ALT), None);
        assert_eq!(press(KeyCode::Char('R'), KeyModifiers::SHIFT), Some(Press::Char('R')));
    }
}
