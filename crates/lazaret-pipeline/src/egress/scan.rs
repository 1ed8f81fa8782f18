//! `egress scan`: says what logs of network equipment show about calls to banned services.
//!
//! Sources: the logs, read line by line. Evidence: [`Watch`] holds each call against the catalog; callers that showed a
//! tool and not its service are looked at a second time. Verdict: by the policy and the exemptions of the time. Action and
//! ledger: none; what matches nothing is counted and forgotten.

use std::collections::BTreeSet;

use lazaret_core::{Endpoint, ProviderId, TrafficFact, Visibility};
use lazaret_evidence::Catalog;
use lazaret_evidence::endpoints::EndpointIndex;
use lazaret_evidence::traffic::{
    Evasions, Glance, Grants, LinePlace, Permits, Relays, Shapes, ShapesError, TrafficDetector, Watch,
    Watched, conclude,
};
use lazaret_traffic::{Glimpse, Place};

use super::callers::{Names, Naming};
use super::leave::Leave;
use super::logs::{Log, LogError, Opener, Progress, Span, input_report, read_log};
use super::report::{
    Blind, CallCounts, EGRESS_REPORT_FORMAT, EgressReport, Gathered, InputReport, findings, timeline,
};
use crate::report::VERSION;

/// What to look at and how.
#[expect(missing_debug_implementations, reason = "it holds functions")]
pub struct EgressScanRequest<'a> {
    /// The logs, ordered by name.
    pub logs: Vec<Log<'a>>,
    /// The policy and the exemptions.
    pub leave: &'a Leave,
    /// The catalog.
    pub catalog: &'a Catalog,
    /// How callers are named.
    pub naming: &'a Naming,
    /// Whether streams to unknown hosts are scored as well.
    pub scores: bool,
    /// How many threads to use.
    pub n_threads: usize,
    /// Told of each log before it is read, with its name and whether it is read a second time.
    pub progress: &'a mut Progress<'a>,
}

/// Logs could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum EgressScanError {
    /// A log could not be opened, or not read at all.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A log changed between the two times that it was read.
    #[error("the log `{name}` changed while it was read; scan a copy, or a log that is closed")]
    Changed {
        /// Its name.
        name: String,
    },
    /// The catalog's shapes of calls do not compile.
    #[error(transparent)]
    Shapes(#[from] ShapesError),
}

/// Looks at logs.
///
/// # Errors
/// [`EgressScanError`] where a log cannot be opened or read at all; what could not be understood of it is in the report.
pub fn scan(request: EgressScanRequest<'_>) -> Result<EgressReport, EgressScanError> {
    let EgressScanRequest { mut logs, leave, catalog, naming, scores, n_threads, progress } = request;
    let names: Vec<String> = logs.iter().map(|log| log.name.clone()).collect();
    // sources, evidence
    let Looked { watch, mut watched, inputs } = look(&mut logs, leave, catalog, scores, n_threads, progress)?;
    let has_systems = catalog.endpoints().has_announced();
    let mut blind = blind_detectors(&inputs, &watch, &watched, has_systems);
    let relays =
        look_again(&mut logs, &inputs, &watch, catalog, &mut watched, &mut blind, (n_threads, progress))?;
    conclude(&mut watched, relays);
    // verdict
    let gathered: Vec<Gathered> = watched
        .findings
        .into_iter()
        .map(|(key, calls)| {
            let exemption = key.exemption.and_then(|number| leave.name(number)).map(str::to_owned);
            (key, calls, exemption)
        })
        .collect();
    // action, ledger: none
    let naming_word = naming.as_str();
    let callers = gathered.iter().map(|(key, calls, _)| (&key.caller, (calls.first, calls.first_line)));
    let caller_names = Names::new(naming, callers);
    let timeline = timeline(&gathered);
    let findings = findings(gathered, catalog.endpoints().rows(), &names, &caller_names);
    let calls = CallCounts {
        read: inputs.iter().map(|input| input.calls).sum(),
        told: findings.iter().map(|finding| finding.calls).sum(),
    };
    Ok(EgressReport {
        format: EGRESS_REPORT_FORMAT,
        version: VERSION,
        policy: leave.policy().policy,
        catalog: catalog.digest(),
        callers: naming_word,
        inputs,
        calls,
        blind: blind.into_iter().collect(),
        findings,
        timeline,
    })
}

/// What the first look at logs gathered.
pub(super) struct Looked {
    watch: Watch,
    /// What was told of single calls.
    pub(super) watched: Watched,
    /// What was read.
    pub(super) inputs: Vec<InputReport>,
}

/// Looks at every call of some logs.
pub(super) fn look(
    logs: &mut [Log<'_>],
    leave: &Leave,
    catalog: &Catalog,
    scores: bool,
    n_threads: usize,
    progress: &mut Progress<'_>,
) -> Result<Looked, EgressScanError> {
    let watch = watch_of(leave, catalog, scores)?;
    let mut watched = Watched::default();
    let mut inputs = Vec::new();
    for (input, log) in (0..).zip(logs) {
        progress(&log.name, false);
        let begin = || First {
            endpoints: catalog.endpoints(),
            watch: &watch,
            leave,
            input,
            span: Span::default(),
            watched: Watched::default(),
        };
        let mut span = Span::default();
        let reading = read_log(log, n_threads, begin, |first| {
            span.add(&first.span);
            watched.add(first.watched);
        })?;
        inputs.push(input_report(&log.name, reading, &span));
    }
    Ok(Looked { watch, watched, inputs })
}

/// Makes the watch that a policy and a catalog ask for.
fn watch_of(leave: &Leave, catalog: &Catalog, scores: bool) -> Result<Watch, EgressScanError> {
    let shapes = Shapes::new(catalog.shapes().cloned().collect())?;
    let evasions = Evasions::new(catalog.evasions().cloned().collect());
    let standing = |row: &Endpoint| leave.standing(row);
    let is_banned = |provider: &ProviderId| leave.policy().bans_provider(provider);
    let rows = catalog.endpoints().rows();
    Ok(Watch::new(rows, standing, is_banned, permits(leave, catalog), shapes, evasions, scores))
}

fn permits(leave: &Leave, catalog: &Catalog) -> Permits {
    let policy = leave.policy();
    let providers: BTreeSet<_> = catalog.endpoints().rows().iter().map(|row| &row.provider).collect();
    let own = providers.into_iter().map(|provider| (provider.clone(), leave.own_of(provider)));
    Permits { own: own.collect(), hosts: policy.own_hosts.iter().map(|host| host.as_str().into()).collect() }
}

/// The first look: every call.
struct First<'a> {
    endpoints: &'a EndpointIndex,
    watch: &'a Watch,
    leave: &'a Leave,
    input: u32,
    span: Span,
    watched: Watched,
}

impl lazaret_traffic::Watch for First<'_> {
    fn is_of_interest(&mut self, _place: Place, glimpse: &Glimpse<'_>) -> bool {
        self.span.note(glimpse);
        let glance = Glance {
            host: glimpse.host,
            sni: glimpse.sni,
            path: glimpse.path,
            server: glimpse.server,
            port: glimpse.port,
        };
        self.watch.may_tell(self.endpoints, &glance)
    }

    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>) {
        let place = LinePlace { input: self.input, line: place.line };
        let rows = self.endpoints.rows();
        let exemption = |row: u32| self.leave.exemption_of(rows.get(usize::try_from(row).ok()?)?, fact);
        let evasion = |id: &str, host: Option<&str>| self.leave.permits_evasion(id, host, fact);
        let grants = Grants { exemption: &exemption, evasion: &evasion };
        self.watch.see(self.endpoints, fact, place, grants, &mut self.watched);
    }
}

/// The second look: calls of those who showed a tool whose service they did not use.
struct Second<'a> {
    endpoints: &'a EndpointIndex,
    watch: &'a Watch,
    input: u32,
    lines: u64,
    relays: Relays,
}

impl lazaret_traffic::Watch for Second<'_> {
    fn is_of_interest(&mut self, _place: Place, glimpse: &Glimpse<'_>) -> bool {
        self.lines += 1;
        glimpse.visibility != Visibility::Dns
    }

    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>) {
        let place = LinePlace { input: self.input, line: place.line };
        self.relays.see(self.watch, self.endpoints, fact, place);
    }
}

/// Returns which detectors had no log in which they could see anything.
fn blind_detectors(
    inputs: &[InputReport],
    watch: &Watch,
    watched: &Watched,
    has_systems: bool,
) -> BTreeSet<Blind> {
    let seen: BTreeSet<Visibility> =
        inputs.iter().flat_map(|input| input.visibility.iter().copied()).collect();
    let mut blind = BTreeSet::new();
    for detector in TrafficDetector::ALL {
        let why = if detector == TrafficDetector::RareStream && !watch.scores() {
            "scores were not asked for".to_owned()
        } else if detector == TrafficDetector::RareStream && watched.streams.overflowed() {
            "there are too many hosts with such streams".to_owned()
        } else if detector == TrafficDetector::ProviderNetwork && !has_systems {
            "no table says which system announces which addresses".to_owned()
        } else if detector.needs().iter().all(|kind| !seen.contains(kind)) {
            let needs: Vec<&str> = detector.needs().iter().map(|kind| kind.as_str()).collect();
            format!("no log shows what it needs: {}", needs.join(", "))
        } else {
            continue;
        };
        blind.insert(Blind { detector, why });
    }
    blind
}

/// Reads the logs a second time where there is anybody to look at again.
fn look_again(
    logs: &mut [Log<'_>],
    inputs: &[InputReport],
    watch: &Watch,
    catalog: &Catalog,
    watched: &mut Watched,
    blind: &mut BTreeSet<Blind>,
    (n_threads, progress): (usize, &mut Progress<'_>),
) -> Result<Relays, EgressScanError> {
    let relays = Relays::new(watched);
    if relays.is_empty() {
        return Ok(relays);
    }
    let mut relays = relays;
    for ((number, log), input) in (0..).zip(logs).zip(inputs) {
        if matches!(log.open, Opener::Once(_)) {
            let why = format!("`{}` could not be read a second time", input.name);
            blind.insert(Blind { detector: TrafficDetector::RelayedTool, why });
            continue;
        }
        progress(&log.name, true);
        let question = relays.unanswered();
        let begin = || Second {
            endpoints: catalog.endpoints(),
            watch,
            input: number,
            lines: 0,
            relays: question.unanswered(),
        };
        let mut lines = 0;
        read_log(log, n_threads, begin, |second| {
            lines += second.lines;
            relays.add(second.relays);
        })?;
        // A log that grows shows more calls the second time; one that was replaced shows others.
        if lines < input.calls {
            return Err(EgressScanError::Changed { name: input.name.clone() });
        }
    }
    if !relays.is_measured() {
        let why =
            "no log states bytes both ways and durations of the calls of those who showed a tool".to_owned();
        blind.insert(Blind { detector: TrafficDetector::RelayedTool, why });
    }
    Ok(relays)
}
