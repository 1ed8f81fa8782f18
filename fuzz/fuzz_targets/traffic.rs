//! Any bytes as a log of every format: reading never panics, every line is in exactly one number of the account, threads
//! change nothing, and what the scanner takes for JSON is what `serde_json` does.
#![no_main]

use std::sync::LazyLock;

use lazaret_core::TrafficFact;
use lazaret_traffic::{Counts, Fault, Format, Glimpse, Place, Watch, read, read_in_parallel};
use libfuzzer_sys::fuzz_target;

const MAP: &str = "name = \"m\"\nshape = \"separated\"\nseparator = \",\"\nquote = '\"'\nheader = true\npercent = true\n\
    visibility = \"http\"\n[time]\nformat = \"%d/%b/%Y:%H:%M:%S %z\"\n[fields]\ntime = \"t\"\nurl = \"u\"\n";
const OBJECT: &str = "name = \"o\"\nshape = \"json\"\nvisibility = \"http\"\n[time]\nformat = \"rfc3339\"\n[fields]\n\
    time = \"t\"\nhost = \"h\"\n";
const LINE: &str = "%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru \"%{User-Agent}>h\" [%>h]";

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let named = Format::names().map(|name| Format::named(name).unwrap());
    named.chain([Format::from_field_map(MAP).unwrap(), Format::squid_logformat(LINE).unwrap()]).collect()
});
static JSON: LazyLock<Format> = LazyLock::new(|| Format::from_field_map(OBJECT).unwrap());

#[derive(Default)]
struct All(u64);

impl Watch for All {
    fn is_of_interest(&mut self, _: Place, _: &Glimpse<'_>) -> bool {
        true
    }

    fn fact(&mut self, _: Place, fact: &TrafficFact<'_>) {
        self.0 += 1;
        assert!(fact.path.is_none_or(|path| !path.contains(&b'?') && !path.contains(&b'#')));
    }
}

fn is_whole(counts: &Counts) -> bool {
    let beside: u64 = counts.beside.values().sum();
    counts.lines == counts.facts + counts.passed + counts.blank + beside + counts.not_understood()
}

fuzz_target!(|data: &[u8]| {
    if let Ok(reading) = read(data, None, &mut All::default()) {
        assert!(is_whole(&reading.counts));
    }
    for format in &*FORMATS {
        let mut all = All::default();
        let Ok(reading) = read(data, Some(format), &mut all) else { continue };
        assert!(is_whole(&reading.counts) && all.0 == reading.counts.facts);
        let again = read_in_parallel(data, Some(format), 2, All::default, drop).unwrap();
        assert_eq!(again.counts, reading.counts);
    }
    // One line, so that its fault is the only one.
    let Ok(text) = str::from_utf8(data) else { return };
    if text.chars().any(|character| character < ' ') || text.trim().is_empty() || !text.starts_with('{') {
        return;
    }
    let Ok(reading) = read(data, Some(&JSON), &mut All::default()) else { return };
    let faulty = &reading.counts.faulty;
    let is_refused = faulty.contains_key(&Fault::Malformed) || faulty.contains_key(&Fault::Cut);
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => assert!(reading.counts.facts == 1 || !faulty.contains_key(&Fault::Malformed)),
        // A number that no float holds is JSON all the same; names with escapes are refused before the line is read on.
        Err(error) if error.to_string().contains("number out of range") => {}
        Err(_) => assert!(is_refused || !faulty.is_empty()),
    }
});
