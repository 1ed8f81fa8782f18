//! The profiles that come with the program.

use super::{Profile, ProfileError};

/// The profiles that come with the program, by name; `docs/reference/profiles.md` says what each is for.
pub const BUILT_IN: [(&str, &str); 12] = [
    ("chat", include_str!("../../profiles/chat.toml")),
    ("codesearchnet", include_str!("../../profiles/codesearchnet.toml")),
    ("commitpack", include_str!("../../profiles/commitpack.toml")),
    ("dolma", include_str!("../../profiles/dolma.toml")),
    ("instruction", include_str!("../../profiles/instruction.toml")),
    ("lazaret", include_str!("../../profiles/lazaret.toml")),
    ("starcoderdata", include_str!("../../profiles/starcoderdata.toml")),
    ("the-stack-v1", include_str!("../../profiles/the-stack-v1.toml")),
    ("the-stack-v2", include_str!("../../profiles/the-stack-v2.toml")),
    ("the-stack-v2-files", include_str!("../../profiles/the-stack-v2-files.toml")),
    ("the-stack-v3", include_str!("../../profiles/the-stack-v3.toml")),
    ("web-dataset", include_str!("../../profiles/web-dataset.toml")),
];

impl Profile {
    /// Returns the profile of that name that comes with the program.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] names those there are.
    pub fn built_in(name: &str) -> Result<Self, ProfileError> {
        let Some((_, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) else {
            let known: Vec<String> = BUILT_IN.iter().map(|(known, _)| format!("`{known}`")).collect();
            return Err(ProfileError::Unknown { name: name.to_owned(), known: known.join(", ") });
        };
        Self::parse(text)
    }
}
