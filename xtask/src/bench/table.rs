//! Figures as people read them: a Markdown table with its columns aligned.

use std::path::Path;

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins a table with the names of its columns.
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|&column| column.to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the table as Markdown: the first column to the left, figures to the right.
    pub(crate) fn to_markdown(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width_of = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(|column| width_of(column).max(2)).collect();
        let mut text = String::new();
        for (nth, row) in self.rows.iter().enumerate() {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let cell = if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                text.push_str(&format!("| {cell} "));
            }
            text.push_str("|\n");
            if nth == 0 {
                text.push_str(&rule(&widths));
            }
        }
        text
    }
}

fn rule(widths: &[usize]) -> String {
    let mut text = String::new();
    for (column, width) in widths.iter().enumerate() {
        let dashes = "-".repeat(width - 1);
        text.push_str(&if column == 0 { format!("| -{dashes} ") } else { format!("| {dashes}: ") });
    }
    text.push_str("|\n");
    text
}

/// Writes how many times larger the first figure is than the second, as `12.3x`; `-` where that says nothing.
pub(crate) fn ratio(larger: f64, smaller: f64) -> String {
    if larger > 0.0 && smaller > 0.0 { format!("{:.1}x", larger / smaller) } else { "-".to_owned() }
}

/// Returns the name under which a repository stands in a table: that of its folder, or of the one above where the
/// folder is called what every repository's is.
pub(crate) fn name_of(repository: &Path) -> String {
    let repository = repository.canonicalize().unwrap_or_else(|_| repository.to_owned());
    let says_nothing = |name: &&std::ffi::OsStr| [".git", "repo"].iter().any(|common| name == common);
    let mut names = repository.ancestors().filter_map(Path::file_name).filter(|name| !says_nothing(name));
    names.next().unwrap_or(repository.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_by_their_own_folder() {
        assert_eq!(name_of(Path::new("quays/harbour")), "harbour");
        assert_eq!(name_of(Path::new("quays/harbour/.git")), "harbour");
        assert_eq!(name_of(Path::new("quays/harbour/repo")), "harbour");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["repository", "CPU s"]);
        table.row(["harbour".to_owned(), "12.50".to_owned()]);
        let expected = "\
| repository | CPU s |
| ---------- | ----: |
| harbour    | 12.50 |
";
        assert_eq!(table.to_markdown(), expected);
    }

    #[test]
    fn ratios_of_nothing_say_nothing() {
        assert_eq!(ratio(10.0, 4.0), "2.5x");
        assert_eq!(ratio(10.0, 0.0), "-");
    }
}
