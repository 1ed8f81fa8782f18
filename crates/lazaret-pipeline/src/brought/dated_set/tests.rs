//! Sets that are whole, and every way in which one is not.

use tempfile::TempDir;

use super::*;
use crate::gate::identity::git_sha1;

/// Writes a set of texts and returns the folder and the manifest's path.
fn written(texts: &[&[u8]], hash: &str, encoding: &str, sizes: bool) -> (TempDir, PathBuf) {
    let mut rows: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| {
            let hash = match hash {
                "git-sha1" => git_sha1(text).0.as_bytes().to_vec(),
                _ => Digest::of(text).as_bytes().to_vec(),
            };
            match encoding {
                "hex" => hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
                _ => hash,
            }
        })
        .zip(texts)
        .map(|(mut row, text)| {
            row.extend(if sizes { (text.len() as u64).to_le_bytes().to_vec() } else { Vec::new() });
            row.extend(if encoding == "hex" { &b"\n"[..] } else { b"" });
            row
        })
        .collect();
    rows.sort();
    save(&rows.concat(), texts.len(), hash, encoding, sizes)
}

fn save(bytes: &[u8], count: usize, hash: &str, encoding: &str, sizes: bool) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    crate_write(&folder.path().join("hashes"), bytes);
    let manifest = format!(
        "format = \"{DATED_SET_FORMAT}\"\nname = \"tried\"\nday = 2020-12-15\nsource = \"a try\"\nfile = \"hashes\"\n\
         hash = \"{hash}\"\nencoding = \"{encoding}\"\nsizes = {sizes}\ncount = {count}\nsha256 = \"{}\"\n",
        Digest::of(bytes)
    );
    let path = folder.path().join("tried.toml");
    crate_write(&path, manifest.as_bytes());
    (folder, path)
}

fn crate_write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

fn holds(set: &DatedSet, text: &[u8]) -> bool {
    let lazaret_core::ObjectId::Sha1(sha1) = git_sha1(text).0 else { panic!("not a SHA-1") };
    set.holds(&sha1, &Digest::of(text), text)
}

#[test]
fn a_set_holds_what_it_was_made_of_and_nothing_else() {
    let texts: Vec<Vec<u8>> = (0..1000).map(|nth| format!("text {nth}\n").into_bytes()).collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    for (hash, encoding, sizes) in [
        ("git-sha1", "binary", false),
        ("git-sha1", "binary", true),
        ("git-sha1", "hex", false),
        ("sha256", "binary", true),
        ("sha256", "hex", false),
    ] {
        for n_texts in [1, 2, 3, 1000] {
            let (_folder, path) = written(&texts[..n_texts], hash, encoding, sizes);
            let set = DatedSet::open(&path).unwrap();
            assert!(texts[..n_texts].iter().all(|text| holds(&set, text)), "{hash} {encoding} {n_texts}");
            assert!(!holds(&set, b"") && !holds(&set, b"text 1000\n"), "{hash} {encoding} {n_texts}");
        }
    }
}

#[test]
fn another_size_is_another_content() {
    let row = [git_sha1(b"a\n").0.as_bytes(), &3_u64.to_le_bytes()].concat();
    let (_folder, path) = save(&row, 1, "git-sha1", "binary", true);
    assert!(!holds(&DatedSet::open(&path).unwrap(), b"a\n"));
}

#[track_caller]
fn refused(bytes: &[u8], count: usize, hash: &str, encoding: &str, why: &str) {
    let (_folder, path) = save(bytes, count, hash, encoding, false);
    let error = DatedSet::open(&path).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn what_is_not_whole_or_in_order_is_refused() {
    let (one, two) = ([1; 20], [2; 20]);
    refused(&[one, two].concat()[..39], 2, "git-sha1", "binary", "has 39 bytes, and 40 are 2 hashes");
    refused(&[two, one].concat(), 2, "git-sha1", "binary", "hash 2 of");
    refused(&[one, one].concat(), 2, "git-sha1", "binary", "each hash once");
    refused(format!("{}\n", "A".repeat(40)).as_bytes(), 1, "git-sha1", "hex", "line 1 of");
    refused(format!("{}\r", "a".repeat(40)).as_bytes(), 1, "git-sha1", "hex", "line 1 of");
}

#[test]
fn every_changed_byte_is_noticed() {
    let (folder, path) = written(&[b"a", b"b", b"c"], "git-sha1", "binary", false);
    let file = folder.path().join("hashes");
    let good = fs::read(&file).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        crate_write(&file, &changed);
        assert!(DatedSet::open(&path).is_err(), "byte {at}");
    }
}

#[test]
fn a_manifest_is_read_to_the_letter() {
    let (folder, path) = written(&[b"a"], "sha256", "binary", false);
    let good = fs::read_to_string(&path).unwrap();
    for (from, to, why) in [
        ("dated-set/1", "dated-set/2", "its format is"),
        ("2020-12-15", "2020-12-15T00:00:00Z", "no day"),
        ("file = \"hashes\"", "file = \"../hashes\"", "beside the manifest"),
        ("file = \"hashes\"", "file = \"none\"", "cannot read"),
        ("count = 1", "count = 0", "must say something"),
        ("name =", "nome =", "unknown field"),
        ("encoding = \"binary\"\nsizes = false", "encoding = \"hex\"\nsizes = true", "only a binary set"),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good);
        crate_write(&path, changed.as_bytes());
        let error = DatedSet::open(&path).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    drop(folder);
}
