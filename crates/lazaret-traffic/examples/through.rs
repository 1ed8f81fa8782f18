//! Reads logs as fast as it can, with an interest in a few names, and prints the account: what `cargo xtask bench traffic`
//! measures. Usage: `through THREADS NAMES FILE…`, where `NAMES` has one name a line and means what is below it too.

use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;

use lazaret_core::TrafficFact;
use lazaret_traffic::{Glimpse, Place, Watch, read_in_parallel};
use rustc_hash::FxHashSet;

struct Named<'n> {
    names: &'n FxHashSet<Vec<u8>>,
    facts: u64,
}

impl Named<'_> {
    /// Whether a name is listed, or one above it.
    fn is_listed(&self, host: &[u8]) -> bool {
        let mut lower = [0_u8; 256];
        let host = host.strip_suffix(b".").unwrap_or(host);
        let Some(lower) = lower.get_mut(..host.len()) else { return false };
        lower.copy_from_slice(host);
        lower.make_ascii_lowercase();
        let mut rest = &*lower;
        loop {
            if self.names.contains(rest) {
                return true;
            }
            let Some(dot) = rest.iter().position(|byte| *byte == b'.') else { return false };
            rest = rest.get(dot + 1..).unwrap_or_default();
        }
    }
}

impl Watch for Named<'_> {
    fn is_of_interest(&mut self, _: Place, glimpse: &Glimpse<'_>) -> bool {
        glimpse.host.into_iter().chain(glimpse.sni).any(|host| self.is_listed(host))
    }

    fn fact(&mut self, _: Place, fact: &TrafficFact<'_>) {
        self.facts += u64::from(fact.time.is_some());
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let threads = args.next().and_then(|threads| threads.to_str()?.parse::<usize>().ok());
    let names = args.next().and_then(|names| std::fs::read(names).ok());
    let (Some(threads), Some(names)) = (threads, names) else {
        return ExitCode::from(2);
    };
    let names: FxHashSet<Vec<u8>> = names.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut is_good = true;
    for path in args {
        let read = File::open(&path).map_err(|error| error.to_string()).and_then(|file| {
            let mut facts = 0;
            let begin = || Named { names: &names, facts: 0 };
            let reading = read_in_parallel(file, None, threads, begin, |watch| facts += watch.facts);
            reading.map(|reading| (reading, facts)).map_err(|error| error.to_string())
        });
        let line = match read {
            Ok((reading, facts)) => format!("{} {} {facts}", reading.format, reading.counts.lines),
            Err(error) => {
                is_good = false;
                error
            }
        };
        is_good &= writeln!(std::io::stdout(), "{line}").is_ok();
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
