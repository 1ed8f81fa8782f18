//! Tainted and suspect lines over time, one row of small bars for each tool.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::chart::scaled;
use crate::screen::{Ink, Screen};
use crate::text::{columns, count, fit_end, pad, plain, thousands};

/// Bar heights, lowest first; nothing at all is a blank.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How many tools get a row.
const TOOLS_MAX: usize = 6;

/// Writes the timeline: one column for each period between the first and the last, empty ones too.
pub(super) fn write(
    timeline: &BTreeMap<&str, BTreeMap<&str, u64>>,
    screen: &Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let months: Option<Vec<(u32, &BTreeMap<&str, u64>)>> =
        timeline.iter().map(|(month, tools)| Some((month_number(month)?, tools))).collect();
    let Some(months) = months else {
        return Ok(());
    };
    let (Some((first, _)), Some((last, _))) = (months.first(), months.last()) else {
        return Ok(());
    };
    let tools = tools_by_lines(timeline);
    let name_width = tools.iter().map(|(tool, _)| columns(&plain(tool))).max().unwrap_or(0).clamp(7, 24);
    let room = screen.width.saturating_sub(name_width + 28).max(8);
    let months_each = months_per_column(first.abs_diff(*last) + 1, room);
    let n_columns = ((last - first) / months_each + 1) as usize;
    let period = period_name(months_each);
    let title = if first == last {
        format!("By {period}: {}", month_text(*first))
    } else {
        format!("By {period}, {} to {}", month_text(*first), month_text(*last))
    };
    writeln!(out, "  {}", screen.paint(Ink::Heading, &title))?;
    for (tool, total) in tools.iter().take(TOOLS_MAX) {
        let mut heights = vec![0_u64; n_columns];
        for (month, by_tool) in &months {
            let lines = by_tool.get(tool).copied().unwrap_or_default();
            if let Some(height) = heights.get_mut(((month - first) / months_each) as usize) {
                *height += lines;
            }
        }
        let name = pad(&fit_end(&plain(tool), name_width), name_width);
        let bars = pad(&sparkline(&heights), n_columns);
        writeln!(out, "  {name}  {bars}  {}", peak(&heights, *total, *first, months_each))?;
    }
    if tools.len() > TOOLS_MAX {
        writeln!(out, "  … and {}", count((tools.len() - TOOLS_MAX) as u64, "more tool", "more tools"))?;
    }
    let note = "Months are the commits' own dates, which prove nothing; each row has its own scale.";
    writeln!(out, "  {}", screen.paint(Ink::Faint, note))?;
    writeln!(out)
}

fn tools_by_lines<'a>(timeline: &BTreeMap<&'a str, BTreeMap<&'a str, u64>>) -> Vec<(&'a str, u64)> {
    let names: BTreeSet<&str> = timeline.values().flat_map(|tools| tools.keys().copied()).collect();
    let mut totals: Vec<(&str, u64)> = names
        .into_iter()
        .map(|tool| (tool, timeline.values().filter_map(|tools| tools.get(tool)).sum()))
        .collect();
    totals.sort_by_key(|(_, total)| std::cmp::Reverse(*total));
    totals
}

fn sparkline(heights: &[u64]) -> String {
    let most = heights.iter().copied().max().unwrap_or(0);
    heights
        .iter()
        .map(|height| match scaled(*height, most, HEIGHTS.len()) {
            0 => ' ',
            level => HEIGHTS.get(level - 1).copied().unwrap_or('█'),
        })
        .collect()
}

fn peak(heights: &[u64], total: u64, first: u32, months_each: u32) -> String {
    let most = heights.iter().copied().max().unwrap_or(0);
    let column = heights.iter().position(|height| *height == most).unwrap_or(0);
    let month = first + u32::try_from(column).unwrap_or(0) * months_each;
    format!("{} · most {}", thousands(total), month_text(month))
}

/// Months since year 0; `None` where the text is no month.
fn month_number(text: &str) -> Option<u32> {
    let (year, month) = text.split_once('-')?;
    let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
    ((1..=12).contains(&month) && year < 10_000).then_some(year * 12 + month - 1)
}

fn month_text(number: u32) -> String {
    format!("{:04}-{:02}", number / 12, number % 12 + 1)
}

/// Returns how many months one column stands for so that all fit: 1, 3, or whole years.
fn months_per_column(months: u32, room: usize) -> u32 {
    let room = u32::try_from(room).unwrap_or(u32::MAX).max(1);
    match months.div_ceil(room) {
        0 | 1 => 1,
        2 | 3 => 3,
        more => more.div_ceil(12) * 12,
    }
}

fn period_name(months_each: u32) -> String {
    match months_each {
        1 => "month".to_owned(),
        3 => "quarter".to_owned(),
        12 => "year".to_owned(),
        more => format!("{} years", more / 12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_histories_are_gathered_into_quarters_and_years() {
        assert_eq!(months_per_column(20, 40), 1);
        assert_eq!(months_per_column(100, 40), 3);
        assert_eq!(months_per_column(400, 40), 12);
        assert_eq!(months_per_column(119_000, 40), 2976);
    }

    #[test]
    fn a_single_line_is_seen_beside_a_million() {
        assert_eq!(sparkline(&[0, 1, 1_000_000]), " ▁█");
    }
}
