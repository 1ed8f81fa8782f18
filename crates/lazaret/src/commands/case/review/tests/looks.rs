//! What the screen looks like.

use insta::assert_snapshot;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::draw::draw;
use super::*;

fn seen(state: &mut State, columns: u16, rows: u16) -> String {
    assert_eq!(update(state, Event::Size(columns, rows)), []);
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, state, false)).unwrap();
    terminal.backend().to_string()
}

/// Text that wants to be something else than it is.
const HOSTILE: &str = "fn peek() {\r\n\tlet x = \"\u{1b}[2J\u{1b}]0;owned\u{7}\"; // \u{202e}evil\u{2066}\r\n漢字かな = zero\u{200b}width\u{e0041}\r\nlast\r\n";

#[test]
fn the_queue() {
    assert_snapshot!(seen(&mut screen(), 80, 10));
}

#[test]
fn hostile_text_lies_inert_beside_its_evidence() {
    let mut state = screen();
    with_text(&mut state, HOSTILE.as_bytes());
    assert_snapshot!(seen(&mut state, 80, 24));
    let wide = seen(&mut state, 200, 60);
    assert!(wide.contains("claude-code"), "{wide}");
    assert!(!wide.contains('\u{1b}') && !wide.contains('\u{202e}'));
}

#[test]
fn binary_content_and_a_narrow_window() {
    let mut state = screen();
    with_text(&mut state, b"\x7fELF\0\x01\x1b[2Jxyz0123456789");
    assert_eq!(key(&mut state, 'e'), []);
    assert_snapshot!(seen(&mut state, 80, 10));
    assert!(seen(&mut state, 30, 5).contains("make the window larger"));
}

#[test]
fn the_proposal_is_hidden_until_the_own_verdict() {
    let mut state = screen();
    state.selected = 1;
    assert_eq!(key(&mut state, 'o'), [Effect::ReadSheet(CaseId(2))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(2, Some(&Resolution::Removed))))), []);
    assert_eq!(press(&mut state, Press::Esc), []);
    let blind = seen(&mut state, 100, 24);
    assert!(!blind.contains("nobody can say"), "{blind}");
    assert!(!blind.contains("removed by"), "{blind}");
    assert_eq!(key(&mut state, 'h'), []);
    assert_snapshot!(seen(&mut state, 100, 24));
}

#[test]
fn a_clearing_says_what_is_signed() {
    let mut state = screen();
    assert_eq!(key(&mut state, 'c'), [Effect::ReadSheet(CaseId(1))]);
    assert_eq!(update(&mut state, Event::Sheet(Box::new(sheet(1, None)))), []);
    assert_snapshot!(seen(&mut state, 80, 24));
    assert_eq!(key(&mut state, '9'), []);
    assert_eq!(key(&mut state, '1'), []);
    assert_snapshot!(seen(&mut state, 80, 24));
}

#[test]
fn the_keys() {
    let mut state = screen();
    assert_eq!(key(&mut state, '?'), []);
    assert_snapshot!(seen(&mut state, 80, 30));
}

#[test]
fn ten_megabytes_are_laid_out_as_far_as_they_are_seen() {
    let mut state = screen();
    let mut text = "x".repeat(5 << 20);
    text.extend("line\n".chars().cycle().take(5 << 20));
    with_text(&mut state, text.as_bytes());
    for _ in 0..20 {
        assert_eq!(press(&mut state, Press::PageDown), []);
        assert!(seen(&mut state, 200, 60).contains("line"));
    }
}
