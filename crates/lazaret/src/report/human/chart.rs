//! Bars drawn with characters, readable without colour.

use lazaret_core::Verdict;
use lazaret_pipeline::LineCounts;

use super::WORST_FIRST;
use crate::screen::{Ink, Screen};

/// Returns the character that stands for a verdict: the darker, the worse.
pub(super) fn block(verdict: Verdict) -> char {
    match verdict {
        Verdict::Tainted => '█',
        Verdict::Suspect => '▓',
        Verdict::Unproven => '░',
        Verdict::Clean => '·',
    }
}

/// Returns a bar of all lines, worst first. Every verdict that occurs gets at least one column.
pub(super) fn stacked_bar(lines: &LineCounts, width: usize, screen: &Screen) -> String {
    let counts = WORST_FIRST.map(|verdict| lines.get(verdict));
    let widths = split(&counts, width);
    WORST_FIRST
        .iter()
        .zip(widths)
        .map(|(verdict, width)| {
            screen.paint(Ink::Verdict(*verdict), &block(*verdict).to_string().repeat(width))
        })
        .collect()
}

/// Returns a bar of the tainted and suspect lines, `most` being the longest bar of its chart.
pub(super) fn bar(lines: &LineCounts, most: u64, width: usize, screen: &Screen) -> String {
    let concern = lines.tainted + lines.suspect;
    let length = scaled(concern, most, width);
    let widths = split(&[lines.tainted, lines.suspect], length);
    [Verdict::Tainted, Verdict::Suspect]
        .iter()
        .zip(widths)
        .map(|(verdict, width)| {
            screen.paint(Ink::Verdict(*verdict), &block(*verdict).to_string().repeat(width))
        })
        .collect()
}

/// Returns `part` of `whole` on a scale of `width`, at least 1 where `part` is not 0.
pub(super) fn scaled(part: u64, whole: u64, width: usize) -> usize {
    if part == 0 || whole == 0 {
        return 0;
    }
    let scaled = (u128::from(part) * width as u128 + u128::from(whole) / 2) / u128::from(whole);
    usize::try_from(scaled).unwrap_or(width).clamp(1, width.max(1))
}

/// Splits `width` columns by the counts; what occurs gets at least one column as long as there are columns, and the
/// largest pays for the rounding.
fn split(counts: &[u64], width: usize) -> Vec<usize> {
    let whole: u64 = counts.iter().sum();
    let mut widths: Vec<usize> = counts.iter().map(|count| scaled(*count, whole, width)).collect();
    loop {
        let used: usize = widths.iter().sum();
        let largest = widths.iter_mut().max();
        match largest {
            Some(largest) if used > width && *largest > 0 => *largest -= 1,
            Some(largest) if used < width && whole > 0 => *largest += width - used,
            _ => return widths,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_occurs_is_seen() {
        assert_eq!(split(&[1, 0, 1_000_000, 0], 10), [1, 0, 9, 0]);
        assert_eq!(split(&[0, 0], 10), [0, 0]);
        assert_eq!(split(&[1, 1, 1, 1], 2).iter().sum::<usize>(), 2);
    }

    proptest! {
        #[test]
        fn a_bar_is_as_wide_as_asked(counts in prop::array::uniform4(0u64..1 << 50), width in 4usize..200) {
            let widths = split(&counts, width);
            let expected = if counts.iter().sum::<u64>() == 0 { 0 } else { width };
            prop_assert_eq!(widths.iter().sum::<usize>(), expected);
            for (count, width) in counts.iter().zip(&widths) {
                prop_assert_eq!(*count == 0, *width == 0);
            }
        }
    }
}
