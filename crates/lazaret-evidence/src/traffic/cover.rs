//! Times that are accounted for: the union of spans, gathered in any order and asked afterwards.

/// Spans of time, both ends included, in microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Default)]
pub struct Spans {
    spans: Vec<(i64, i64)>,
    /// How many there were when those that touch were last put together.
    settled: usize,
}

/// How many spans are gathered before those that touch are put together for the first time.
const SPANS_MIN: usize = 64;

/// Times that are accounted for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover(Vec<(i64, i64)>);

impl Spans {
    /// Adds a span. One that ends before it begins is the moment at which it begins.
    pub fn put(&mut self, begin: i64, end: i64) {
        self.spans.push((begin, end.max(begin)));
        if self.spans.len() >= SPANS_MIN.max(self.settled * 2) {
            settle(&mut self.spans);
            self.settled = self.spans.len();
        }
    }

    /// Adds what was gathered elsewhere; the order does not matter.
    pub fn add(&mut self, other: Self) {
        for (begin, end) in other.spans {
            self.put(begin, end);
        }
    }

    /// Returns the times that they cover.
    #[must_use]
    pub fn cover(mut self) -> Cover {
        settle(&mut self.spans);
        Cover(self.spans)
    }
}

impl Cover {
    /// Whether a moment is covered.
    #[must_use]
    pub fn contains(&self, moment: i64) -> bool {
        let after = self.0.partition_point(|(begin, _)| *begin <= moment);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, end)| moment <= *end)
    }
}

/// Sorts spans and puts those together that touch.
fn settle(spans: &mut Vec<(i64, i64)>) {
    spans.sort_unstable();
    let mut settled: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
    for (begin, end) in spans.drain(..) {
        match settled.last_mut() {
            Some((_, last)) if begin <= *last => *last = end.max(*last),
            _ => settled.push((begin, end)),
        }
    }
    *spans = settled;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cover_covers_what_any_of_its_spans_does(
            spans in prop::collection::vec((-1000_i64..1000, 0_i64..80), 0..300),
            moments in prop::collection::vec(-1100_i64..1100, 1..50),
        ) {
            let mut gathered = Spans::default();
            let mut elsewhere = Spans::default();
            for (number, (begin, length)) in spans.iter().enumerate() {
                if number % 3 == 0 { &mut elsewhere } else { &mut gathered }.put(*begin, begin + length);
            }
            elsewhere.add(gathered);
            let cover = elsewhere.cover();
            for moment in moments {
                let covered = spans.iter().any(|(begin, length)| (*begin..=begin + length).contains(&moment));
                prop_assert_eq!(cover.contains(moment), covered);
            }
        }
    }
}
