//! `scan` of a folder without history: every file is looked at or named, and nothing is clean for want of history.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use lazaret_core::{GapKind, OriginKind, Verdict};
use lazaret_pipeline::{ScanRequest, scan};

use crate::world::{LONG, bytes_of, file, n_warnings, request, scan_head, verdicts};

#[test]
fn lines_without_history_are_unproven_and_marks_in_them_count() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("src/deep")).unwrap();
    fs::write(folder.path().join("src/deep/a.txt"), LONG.repeat(3)).unwrap();
    fs::write(folder.path().join("b.txt"), LONG.trim_end()).unwrap();
    fs::write(folder.path().join("binary"), b"\x00\x01").unwrap();
    fs::write(folder.path().join("empty"), b"").unwrap();
    let report = scan_head(folder.path());
    assert_eq!(report.origin.kind, OriginKind::Directory);
    assert_eq!(report.origin.rev, None);
    let paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["b.txt", "binary", "empty", "src/deep/a.txt"]);
    assert_eq!(verdicts(file(&report, "src/deep/a.txt")), [Verdict::Unproven; 3]);
    assert!(report.files.iter().all(|file| file.blob.is_none() && file.verdict == Verdict::Unproven));
    assert_eq!((report.lines.total, report.commits.examined), (4, 0));
    assert_eq!(n_warnings(&report, GapKind::Binary), 1);
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for nth in 0..40 {
        fs::write(folder.path().join(format!("{nth}.txt")), LONG.repeat(nth)).unwrap();
    }
    let scan = |n_threads| bytes_of(&scan(&ScanRequest { n_threads, ..request(folder.path()) }).unwrap());
    let one = scan(1);
    assert!((2..6).all(|n_threads| scan(n_threads) == one));
}

#[test]
fn links_are_not_followed_and_special_files_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), LONG).unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    symlink(outside.path().join("secret.txt"), folder.path().join("file")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    symlink(".", folder.path().join("loop")).unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let report = scan_head(folder.path());
    let lines: Vec<(&str, u32)> = report.files.iter().map(|file| (file.path.as_str(), file.lines)).collect();
    assert_eq!(lines, [("dangling", 1), ("file", 1), ("folder", 1), ("loop", 1)]);
}

#[test]
fn what_git_keeps_for_itself_is_no_content() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["below/.git/config", "below/a.txt"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, LONG).unwrap();
    }
    // A file of that name, as linked work trees and submodules have it, is listed like any other.
    fs::create_dir(folder.path().join("submodule")).unwrap();
    fs::write(folder.path().join("submodule/.git"), "gitdir: elsewhere\n").unwrap();
    let report = scan_head(folder.path());
    let paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["below/a.txt", "submodule/.git"]);
}

#[test]
fn names_that_are_not_utf_8_are_written_down_distinctly() {
    let folder = tempfile::tempdir().unwrap();
    for name in [&b"\xff"[..], b"\\xFF", b"a\\\xfe", b"new\nline"] {
        fs::write(folder.path().join(OsStr::from_bytes(name)), LONG).unwrap();
    }
    let report = scan_head(folder.path());
    let mut paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["\\xFF", "\\xFF", "a\\\\\\xFE", "new\nline"]);
}

/// Whether modes keep this process from reading: they do not keep the superuser.
fn modes_bind(probe: &std::path::Path) -> bool {
    fs::write(probe, "x").unwrap();
    fs::set_permissions(probe, fs::Permissions::from_mode(0o000)).unwrap();
    let bind = fs::read(probe).is_err();
    fs::remove_file(probe).unwrap();
    bind
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    if modes_bind(&folder.path().join("probe")) {
        fs::write(folder.path().join("closed.txt"), LONG).unwrap();
        fs::create_dir(folder.path().join("closed")).unwrap();
        for closed in ["closed.txt", "closed"] {
            fs::set_permissions(folder.path().join(closed), fs::Permissions::from_mode(0o000)).unwrap();
        }
        let report = scan_head(folder.path());
        fs::set_permissions(folder.path().join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(n_warnings(&report, GapKind::UnreadableFile), 2);
        assert_eq!(file(&report, "closed.txt").verdict, Verdict::Unproven);
    }
    // A file larger than what is read is over the limit, whoever asks; its bytes are not on disk.
    let large = fs::File::create(folder.path().join("large.txt")).unwrap();
    large.set_len(lazaret_intake::git::OBJECT_BYTES_MAX as u64 + 1).unwrap();
    let report = scan_head(folder.path());
    assert_eq!(n_warnings(&report, GapKind::OverLimit), 1);
    assert_eq!(file(&report, "large.txt").gaps[0].kind, GapKind::OverLimit);
}

#[test]
fn an_empty_folder_has_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let report = scan_head(folder.path());
    assert!(report.files.is_empty() && report.lines.total == 0);
}
