//! Reads logs record by record, and gives each record to the reader of its format.

use std::io::{BufRead, Cursor, Read as _};

use serde_json::Value;

use super::calls::Calls;
use super::format::LogFormat;
use super::json::{mend_surrogates, parse_each};
use super::lines::{Line, read_line, read_rest};
use super::opencode::Messages;
use super::report::{SessionReport, UnreadKind};
use super::scribe::{Scribe, Setting};
use super::writing::Writing;
use super::{amp, claude_code, codex, copilot_cli, cursor, entire, gemini_cli, markdown, opencode, pi};

/// How much of a log is looked at to tell its format.
const HEAD_BYTES: u64 = 1 << 20;

/// How much is read and held at once.
///
/// Memory stays below about five times the two together, plus some 100 bytes for every call read, whatever a log
/// holds (measured on hostile logs with the defaults: 340 MB at most). Values nested more than a hundred deep, or
/// of more than a million parts, are passed over and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record, in bytes: a line of JSON Lines, or a document of one JSON value.
    pub record_bytes_max: usize,
    /// Bytes of text that wait for the results of their calls; beyond, the oldest are told as unconfirmed.
    pub waiting_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes_max: 64 << 20, waiting_bytes_max: 64 << 20 }
    }
}

/// A log could not be read. What it holds is never part of the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Reading stopped.
    #[error("cannot read the session log `{log}` after line {line}")]
    Read {
        /// The log's name.
        log: String,
        /// The last line that was read.
        line: u64,
        #[source]
        /// Why.
        source: std::io::Error,
    },
    /// It is not a log of a format that is known.
    #[error(
        "`{log}` is not a session log of a known format; leave it out, or look whether a newer version reads it"
    )]
    UnknownFormat {
        /// The log's name.
        log: String,
    },
}

/// A log, and how far it has been read.
#[derive(Debug, Clone)]
pub struct SessionLog {
    name: String,
    format: Option<LogFormat>,
    setting: Option<Setting>,
    line: u64,
}

impl SessionLog {
    /// Names a log of which nothing has been read. The name stands for it in errors, and for the session where
    /// the log gives no id; the format is told from the content where it is `None`.
    #[must_use]
    pub fn new(name: impl Into<String>, format: Option<LogFormat>) -> Self {
        Self { name: name.into(), format, setting: None, line: 0 }
    }
}

/// Reads a set of logs that may repeat one another.
///
/// Calls whose results have not been seen are kept from one log to the next, and told as unconfirmed by
/// [`SessionReader::finish`] at the latest.
#[derive(Debug, Default)]
pub struct SessionReader {
    limits: Limits,
    calls: Calls,
    messages: Messages,
}

impl SessionReader {
    /// Makes a reader that has seen nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Reads a log, or what has been added to it since it was read last, with the session, model and folder it had
    /// then: so a log that grows is read piece by piece, cut between lines.
    ///
    /// # Errors
    ///
    /// Where reading fails, or the format is neither given nor known. What was told before stands.
    pub fn read(
        &mut self,
        log: &mut SessionLog,
        mut reader: impl BufRead,
        sink: &mut dyn FnMut(Writing),
    ) -> Result<SessionReport, SessionError> {
        let mut head = Vec::new();
        if log.format.is_none() {
            reader.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(|source| SessionError::Read {
                log: log.name.clone(),
                line: log.line,
                source,
            })?;
            log.format = LogFormat::detect(&head);
        }
        let Some(format) = log.format else {
            return if trim(&head).is_empty() {
                Ok(SessionReport::default())
            } else {
                Err(SessionError::UnknownFormat { log: log.name.clone() })
            };
        };
        let setting = log.setting.get_or_insert_with(|| Setting::new(format, &log.name));
        let mut report = SessionReport { format: Some(format), ..SessionReport::default() };
        let mut scribe = Scribe {
            line: log.line,
            calls: &mut self.calls,
            report: &mut report,
            sink,
            waiting_bytes_max: self.limits.waiting_bytes_max,
        };
        let mut reader = Cursor::new(head).chain(reader);
        let result = if format.is_markdown() {
            markdown::read(&mut reader, setting, &mut scribe, self.limits.record_bytes_max)
        } else {
            let mut records = JsonRecords { setting, messages: &mut self.messages };
            records.read(&mut reader, &mut scribe, self.limits.record_bytes_max)
        };
        let lines_before = std::mem::replace(&mut log.line, scribe.line);
        report.lines = log.line - lines_before;
        match result {
            Ok(()) => Ok(report),
            Err(source) => Err(SessionError::Read { log: log.name.clone(), line: log.line, source }),
        }
    }

    /// Tells the calls whose results never came.
    pub fn finish(mut self, sink: &mut dyn FnMut(Writing)) -> SessionReport {
        let mut report = SessionReport::default();
        let mut scribe =
            Scribe { line: 0, calls: &mut self.calls, report: &mut report, sink, waiting_bytes_max: 0 };
        scribe.finish();
        report
    }
}

/// Reads one log, the calls without results included.
///
/// # Errors
///
/// Where reading fails, or the format is neither given nor known.
pub fn read_log(
    log: &mut SessionLog,
    reader: impl BufRead,
    limits: Limits,
    sink: &mut dyn FnMut(Writing),
) -> Result<SessionReport, SessionError> {
    let mut sessions = SessionReader::new(limits);
    let mut report = sessions.read(log, reader, sink)?;
    report.merge(&sessions.finish(sink));
    Ok(report)
}

/// The records of a log in JSON.
struct JsonRecords<'a> {
    setting: &'a mut Setting,
    messages: &'a mut Messages,
}

impl JsonRecords<'_> {
    fn read(
        &mut self,
        reader: &mut impl BufRead,
        scribe: &mut Scribe<'_>,
        bytes_max: usize,
    ) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        let mut is_first = true;
        loop {
            match read_line(reader, &mut buffer, bytes_max)? {
                Line::End => return Ok(()),
                Line::OverLimit => {
                    scribe.line += 1;
                    scribe.note(UnreadKind::OverLimit);
                    is_first = false;
                    continue;
                }
                Line::Whole => scribe.line += 1,
            }
            // A log whose first line opens a value and no more is one document over many lines.
            if is_first && matches!(trim(&buffer), b"{" | b"[") {
                buffer.push(b'\n');
                if !read_rest(reader, &mut buffer, bytes_max)? {
                    scribe.note(UnreadKind::OverLimit);
                    return Ok(());
                }
                self.record(&buffer, scribe);
                let more_lines = memchr::memchr_iter(b'\n', &buffer).count().saturating_sub(1);
                scribe.line += u64::try_from(more_lines).unwrap_or(u64::MAX);
                return Ok(());
            }
            is_first &= trim(&buffer).is_empty();
            self.record(&buffer, scribe);
        }
    }

    fn record(&mut self, bytes: &[u8], scribe: &mut Scribe<'_>) {
        let text = match std::str::from_utf8(trim(bytes)) {
            Ok(text) => text.into(),
            Err(_) => {
                scribe.note(UnreadKind::NotUtf8);
                String::from_utf8_lossy(trim(bytes))
            }
        };
        let mut values = Vec::new();
        let mut result = parse_each(&text, |value| values.push(value));
        if result.is_err()
            && let Some(mended) = mend_surrogates(&text)
        {
            values.clear();
            result = parse_each(&mended, |value| values.push(value));
        }
        for value in &values {
            match value.as_array() {
                Some(items) => items.iter().for_each(|item| self.value(item, scribe)),
                None => self.value(value, scribe),
            }
        }
        if let Err(kind) = result {
            scribe.note(kind);
        }
    }

    fn value(&mut self, value: &Value, scribe: &mut Scribe<'_>) {
        if !value.is_object() {
            scribe.note(UnreadKind::UnknownRecord);
            return;
        }
        scribe.report.records += 1;
        let setting = &mut *self.setting;
        match setting.format {
            LogFormat::ClaudeCode => claude_code::read(value, setting, scribe),
            LogFormat::Codex => codex::read(value, setting, scribe),
            LogFormat::GeminiCli => gemini_cli::read(value, setting, scribe),
            LogFormat::CopilotCli => copilot_cli::read(value, setting, scribe),
            LogFormat::OpenCode => opencode::read(value, setting, self.messages, scribe),
            LogFormat::Amp => amp::read(value, setting, scribe),
            LogFormat::Cursor => cursor::read(value, setting, scribe),
            LogFormat::Pi | LogFormat::Droid => pi::read(value, setting, scribe),
            LogFormat::Entire => entire::read(value, setting, scribe),
            LogFormat::SpecStory | LogFormat::Aider => scribe.note(UnreadKind::UnknownRecord),
        }
    }
}

/// Cuts blanks, a byte order mark, and the zeros that a crash leaves, from both ends.
fn trim(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let begin = bytes.iter().position(|byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_blank(byte)).map_or(begin, |at| at + 1);
    bytes.get(begin..end).unwrap_or_default()
}
