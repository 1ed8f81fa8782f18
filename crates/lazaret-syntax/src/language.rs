//! The languages that have a grammar, found by path or by the name that a data set gives them.

/// A language with a grammar.
///
/// Chosen are languages that make up most of public code and whose grammar crate is kept by tree-sitter's own
/// organisations and built for the parser's present interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Language {
    /// Bash and POSIX shell.
    Bash,
    /// C.
    C,
    /// C#.
    CSharp,
    /// C++.
    Cpp,
    /// Go.
    Go,
    /// Java.
    Java,
    /// JavaScript, JSX included.
    JavaScript,
    /// Lua.
    Lua,
    /// PHP, with the text around it.
    Php,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// Rust.
    Rust,
    /// TypeScript with JSX.
    Tsx,
    /// TypeScript.
    TypeScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Bash,
        Self::C,
        Self::CSharp,
        Self::Cpp,
        Self::Go,
        Self::Java,
        Self::JavaScript,
        Self::Lua,
        Self::Php,
        Self::Python,
        Self::Ruby,
        Self::Rust,
        Self::Tsx,
        Self::TypeScript,
    ];

    /// Returns the language of a file by the end of its path, or by its whole name where that says it.
    ///
    /// A header that ends in `.h` is taken for C++, whose grammar reads nearly all of C as well.
    #[must_use]
    pub fn of_path(path: &[u8]) -> Option<Self> {
        let file = path.rsplit(|&byte| byte == b'/').next()?;
        let file = std::str::from_utf8(file).ok()?;
        let by_name = |language: &Self| language.file_names().contains(&file);
        if let Some(language) = Self::ALL.into_iter().find(by_name) {
            return Some(language);
        }
        let (stem, extension) = file.rsplit_once('.')?;
        if stem.is_empty() {
            return None;
        }
        let lower = extension.to_ascii_lowercase();
        // On systems that tell them apart, `.C` and `.H` are C++.
        if matches!(extension, "C" | "H") {
            return Some(Self::Cpp);
        }
        Self::ALL.into_iter().find(|language| language.extensions().contains(&lower.as_str()))
    }

    /// Returns the language that a data set calls by that name: `C++`, `c-sharp`, `typescript`, `Shell`.
    ///
    /// Case, spaces, hyphens and underscores make no difference.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(|character| !character.is_whitespace() && !matches!(character, '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        Self::ALL.into_iter().find(|language| language.names().contains(&plain.as_str()))
    }

    /// Returns the name that people write.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "Bash",
            Self::C => "C",
            Self::CSharp => "C#",
            Self::Cpp => "C++",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::JavaScript => "JavaScript",
            Self::Lua => "Lua",
            Self::Php => "PHP",
            Self::Python => "Python",
            Self::Ruby => "Ruby",
            Self::Rust => "Rust",
            Self::Tsx => "TSX",
            Self::TypeScript => "TypeScript",
        }
    }

    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["sh", "bash", "bats", "ksh"],
            Self::C => &["c"],
            Self::CSharp => &["cs", "csx"],
            Self::Cpp => {
                &["cc", "cpp", "cxx", "c++", "h", "hh", "hpp", "hxx", "h++", "inl", "ipp", "tpp", "cu", "cuh"]
            }
            Self::Go => &["go"],
            Self::Java => &["java"],
            Self::JavaScript => &["js", "jsx", "mjs", "cjs"],
            Self::Lua => &["lua"],
            Self::Php => &["php", "php3", "php4", "php5", "phtml"],
            Self::Python => &["py", "pyi", "pyw"],
            Self::Ruby => &["rb", "rake", "gemspec", "ru"],
            Self::Rust => &["rs"],
            Self::Tsx => &["tsx"],
            Self::TypeScript => &["ts", "mts", "cts"],
        }
    }

    fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &[".bashrc", ".bash_profile", ".profile", "PKGBUILD"],
            Self::Ruby => &["Gemfile", "Rakefile", "Vagrantfile", "Podfile", "Brewfile"],
            Self::C
            | Self::CSharp
            | Self::Cpp
            | Self::Go
            | Self::Java
            | Self::JavaScript
            | Self::Lua
            | Self::Php
            | Self::Python
            | Self::Rust
            | Self::Tsx
            | Self::TypeScript => &[],
        }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash", "shell", "sh", "shellscript"],
            Self::C => &["c"],
            Self::CSharp => &["c#", "csharp", "cs"],
            Self::Cpp => &["c++", "cpp", "cplusplus", "cxx"],
            Self::Go => &["go", "golang"],
            Self::Java => &["java"],
            Self::JavaScript => &["javascript", "js", "jsx", "ecmascript"],
            Self::Lua => &["lua"],
            Self::Php => &["php"],
            Self::Python => &["python", "python3", "py"],
            Self::Ruby => &["ruby", "rb"],
            Self::Rust => &["rust", "rs"],
            Self::Tsx => &["tsx", "typescriptreact"],
            Self::TypeScript => &["typescript", "ts"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_language() {
        for (path, expected) in [
            ("src/gate.rs", Some(Language::Rust)),
            ("a.b/Makefile", None),
            ("harbour.h", Some(Language::Cpp)),
            ("HARBOUR.PY", Some(Language::Python)),
            ("port.C", Some(Language::Cpp)),
            ("port.c", Some(Language::C)),
            ("lib/Rakefile", Some(Language::Ruby)),
            ("view.tsx", Some(Language::Tsx)),
            (".rs", None),
            ("rs", None),
            ("", None),
        ] {
            assert_eq!(Language::of_path(path.as_bytes()), expected, "{path}");
        }
        assert_eq!(Language::of_path(b"\xff.rs"), None);
    }

    #[test]
    fn names_of_data_sets_are_known() {
        for (name, expected) in [
            ("C++", Some(Language::Cpp)),
            ("c-sharp", Some(Language::CSharp)),
            ("C#", Some(Language::CSharp)),
            ("Java Script", Some(Language::JavaScript)),
            ("TypeScript", Some(Language::TypeScript)),
            ("Shell", Some(Language::Bash)),
            ("COBOL", None),
            ("", None),
        ] {
            assert_eq!(Language::of_name(name), expected, "{name}");
        }
    }

    #[test]
    fn every_language_is_found_by_its_name_and_no_extension_is_shared() {
        let mut extensions: Vec<&str> = Vec::new();
        for language in Language::ALL {
            assert_eq!(Language::of_name(language.name()), Some(language));
            extensions.extend(language.extensions());
        }
        let n_extensions = extensions.len();
        extensions.sort_unstable();
        extensions.dedup();
        assert_eq!(extensions.len(), n_extensions);
    }
}
