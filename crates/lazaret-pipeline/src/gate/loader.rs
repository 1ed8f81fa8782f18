//! What others need beside admitted shards to load them: the files of `save_to_disk`, cut down to names and types.

use lazaret_core::Digest;
use lazaret_seal::Receipt;
use lazaret_shard::{Declaration, ShardName};
use serde_json::{Map, Value};

use super::report::LoaderFileReport;

/// Which Arrow files make a split.
const STATE: &str = "state.json";
/// Which splits there are.
const SPLITS: &str = "dataset_dict.json";
/// What the data set says of itself.
const INFO: &str = "dataset_info.json";

/// The fields that a loader needs, by the file's name. All others go no further: prose that nobody looked through, and
/// counts that are not those of what is admitted.
const KEPT: [(&str, &[&str]); 3] = [
    (
        STATE,
        &[
            "_data_files",
            "_format_columns",
            "_format_kwargs",
            "_format_type",
            "_output_all_columns",
            "_split",
        ],
    ),
    (SPLITS, &["splits"]),
    (INFO, &["builder_name", "config_name", "dataset_name", FEATURES, "version"]),
];

/// The columns and their types.
const FEATURES: &str = "features";

/// The name of what the data is, by which `datasets` keeps what it computed of it.
const FINGERPRINT: &str = "_fingerprint";

/// It has as many digits there.
const FINGERPRINT_DIGITS: usize = 16;

/// What lies beside the shards of a data set.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct Beside {
    /// What others need to load the shards.
    pub loader_files: Vec<Declaration>,
    /// What goes no further, by name.
    pub not_carried: Vec<String>,
}

/// A file that others need to load the shards cannot be cut down.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{name}` is no JSON object, so the data set could not be loaded again: mend it, or name the shards alone"
)]
pub struct LoaderFileError {
    /// The file.
    pub name: String,
}

/// The name of a file, and those of its fields that go on.
pub(super) type LoaderFile = (String, Value);

/// Cuts files down to what a loader needs; returns them by name, and what was left out of each.
pub(super) fn reduced(
    files: &[Declaration],
    adds_columns: bool,
) -> Result<(Vec<LoaderFile>, Vec<LoaderFileReport>), LoaderFileError> {
    let mut kept = Vec::with_capacity(files.len());
    let mut reports = Vec::with_capacity(files.len());
    for Declaration { name, text } in files {
        let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
            return Err(LoaderFileError { name: name.to_string() });
        };
        let (fields, left_out) = cut_down(name, fields, adds_columns);
        kept.push((name.to_string(), Value::Object(fields)));
        reports.push(LoaderFileReport { name: name.to_string(), left_out });
    }
    Ok((kept, reports))
}

fn cut_down(
    name: &ShardName,
    mut fields: Map<String, Value>,
    adds_columns: bool,
) -> (Map<String, Value>, Vec<String>) {
    let keys = KEPT.iter().find(|(file, _)| *file == name.last_part()).map_or(&[][..], |(_, keys)| *keys);
    // The same bytes, whatever order the file had its keys in.
    fields.sort_keys();
    // With more columns than the file tells of, it would contradict the shards, which have their own schema.
    let is_kept = |key: &str| keys.contains(&key) && !(adds_columns && key == FEATURES);
    let (kept, others): (Map<_, _>, Map<_, _>) = fields.into_iter().partition(|(key, _)| is_kept(key));
    let left_out = others.into_iter().map(|(key, _)| key).filter(|key| key != FINGERPRINT).collect();
    (kept, left_out)
}

/// Returns the file as it lies beside the admitted shards.
pub(super) fn written(name: &str, fields: &Value, receipts: &[Receipt]) -> Vec<u8> {
    let mut fields = fields.clone();
    if let Value::Object(fields) = &mut fields
        && name.rsplit('/').next() == Some(STATE)
    {
        fields.insert(FINGERPRINT.to_owned(), Value::String(fingerprint(name, receipts)));
    }
    let mut bytes = format!("{fields:#}").into_bytes();
    bytes.push(b'\n');
    bytes
}

/// What was admitted is other data than what was read, so that nothing that was computed of the one may be taken for
/// the other.
fn fingerprint(name: &str, receipts: &[Receipt]) -> String {
    let shards = receipts.iter().map(|receipt| &receipt.shard.sha256.as_bytes()[..]);
    let digest = Digest::of_parts(std::iter::once(name.as_bytes()).chain(shards)).to_string();
    let digits = digest.rsplit(':').next().unwrap_or_default();
    digits.chars().take(FINGERPRINT_DIGITS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> Declaration {
        Declaration { name: ShardName::new(name).unwrap(), text: text.to_owned() }
    }

    #[test]
    fn prose_and_counts_go_no_further() {
        let info = r#"{"description":"pasted","features":{"text":{"dtype":"string"}},"dataset_size":9}"#;
        let files = [file("train/dataset_info.json", info)];
        let (kept, reports) = reduced(&files, false).unwrap();
        assert_eq!(kept[0].1.to_string(), r#"{"features":{"text":{"dtype":"string"}}}"#);
        assert_eq!(reports[0].left_out, ["dataset_size", "description"]);
        let (kept, reports) = reduced(&files, true).unwrap();
        assert_eq!(kept[0].1.to_string(), "{}");
        assert_eq!(reports[0].left_out, ["dataset_size", "description", "features"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["[]", "oops", ""] {
            assert!(reduced(&[file("dataset_info.json", text)], false).is_err(), "{text}");
        }
    }

    #[test]
    fn a_state_bears_a_fingerprint_of_its_own() {
        let state = r#"{"_data_files":[{"filename":"data-0.arrow"}],"_fingerprint":"0123456789abcdef"}"#;
        let (kept, reports) = reduced(&[file("state.json", state)], false).unwrap();
        assert_eq!(reports[0].left_out, [""; 0]);
        let bytes = written("state.json", &kept[0].1, &[]);
        let state: Value = serde_json::from_slice(&bytes).unwrap();
        let fingerprint = state["_fingerprint"].as_str().unwrap();
        assert!(fingerprint.len() == 16 && fingerprint != "0123456789abcdef", "{fingerprint}");
        assert_ne!(written("test/state.json", &kept[0].1, &[]), bytes);
    }
}
