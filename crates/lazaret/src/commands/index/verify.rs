//! `lazaret index verify`: says what an index holds, whether it is whole and who vouches for it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lazaret_core::Verdict;
use lazaret_pipeline::known::{
    IndexVerification, SegmentFault, SegmentFaultKind, Signatures, VerifiedSegment, verify_segments,
};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::key::read_trusted;
use crate::exit::ExitCode;
use crate::output::Output;
use crate::screen::{Ink, Screen};
use crate::text::{count, plain};

use super::{FolderArgs, known_error};

/// What to verify, and whom to believe.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Public keys of which one must have signed each segment; may be given more than once
    #[arg(long = "trust", value_name = "FILE")]
    trusted: Vec<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

/// Runs the command.
pub(super) fn run(args: &VerifyArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let trusted = match args.trusted.as_slice() {
        [] => None,
        paths => Some(read_trusted(paths)?),
    };
    let verification = verify_segments(&args.folder.folder, trusted.as_ref()).map_err(known_error)?;
    let is_asked = trusted.is_some();
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| write(&verification, is_asked, &screen, out))?;
    let is_damaged = verification.faults.iter().any(|fault| fault.kind.is_of_segment());
    Ok(match (is_asked, verification.faults.is_empty()) {
        (_, true) => ExitCode::Success,
        (true, false) => ExitCode::LedgerInvalid,
        // Nobody asked about signatures: the known text can be used if it is whole.
        (false, false) if is_damaged => ExitCode::Failure,
        (false, false) => ExitCode::Success,
    })
}

fn write(
    verification: &IndexVerification,
    is_asked: bool,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    for segment in &verification.segments {
        write_segment(segment, out)?;
    }
    for SegmentFault { path, kind, detail } in &verification.faults {
        let word = screen.paint(Ink::Error, kind.as_str());
        let path = path.display().to_string();
        let detail = detail.as_deref().map(|detail| format!(" ({})", plain(detail)));
        writeln!(out, "{word} `{}`{}: {}", plain(&path), detail.unwrap_or_default(), what_to_do(*kind))?;
    }
    if !is_asked {
        return Ok(());
    }
    let heading = if verification.faults.is_empty() {
        screen.paint(Ink::Verdict(Verdict::Clean), "every segment is signed by a trusted key")
    } else {
        screen.paint(Ink::Error, "not everything is signed by a trusted key")
    };
    writeln!(out, "{heading}")
}

fn write_segment(segment: &VerifiedSegment, out: &mut dyn Write) -> io::Result<()> {
    let VerifiedSegment { file, stats, signatures } = segment;
    let signatures = match signatures {
        Signatures::NotAsked(0) => String::new(),
        Signatures::NotAsked(number) => {
            format!(", {} not asked", count(*number as u64, "signature", "signatures"))
        }
        Signatures::By(keys) if keys.is_empty() => String::new(),
        Signatures::By(keys) => {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            format!(", signed by {}", keys.join(" and "))
        }
    };
    writeln!(
        out,
        "{}  {} in {}, {}, {}{signatures}",
        file.digest,
        count(stats.fingerprints, "fingerprint", "fingerprints"),
        count(u64::from(stats.entries), "text", "texts"),
        count(stats.lines, "line", "lines"),
        count(file.bytes, "byte", "bytes"),
    )
}

/// Says what would make it pass.
fn what_to_do(kind: SegmentFaultKind) -> &'static str {
    match kind {
        SegmentFaultKind::Altered => {
            "take it out of the folder and build it anew, or fetch it again from where it came from"
        }
        SegmentFaultKind::Unreadable => "it must be readable by whoever scans",
        SegmentFaultKind::Unsigned => {
            "fetch its `.sig` from whoever made it, sign it with `lazaret index sign` if you did, or take it out of the folder"
        }
        SegmentFaultKind::Untrusted => {
            "name the file of that key with `--trust`, or take the segment out of the folder"
        }
        SegmentFaultKind::BadSignature => {
            "fetch its `.sig` again from whoever made it, or take both out of the folder"
        }
        SegmentFaultKind::AnotherFile => {
            "its `.sig` belongs to another segment; fetch the right one from whoever made it, or take both out of the folder"
        }
        SegmentFaultKind::NoSegment => {
            "fetch the segment that it signs, or delete it if the segment was taken out on purpose"
        }
    }
}
