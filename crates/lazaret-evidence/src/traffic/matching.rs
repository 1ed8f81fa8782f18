//! Holds the names and addresses of a call against the catalog's endpoints.

use std::net::IpAddr;

use lazaret_core::TrafficFact;

use super::watch::{Call, Grants, Watch, Watched};
use super::{LinePlace, Relays};
use crate::endpoints::{EndpointIndex, Host, HostBuffer, Matches, read_host};

/// What of a call decides whether any detector could tell it: all that has to be read of most lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct Glance<'a> {
    /// The name asked for, as written.
    pub host: Option<&'a [u8]>,
    /// The name in the TLS greeting, as written.
    pub sni: Option<&'a [u8]>,
    /// The path of the request.
    pub path: Option<&'a [u8]>,
    /// Who was called, as an address.
    pub server: Option<IpAddr>,
    /// The port that was called.
    pub port: Option<u16>,
}

impl<'a> Glance<'a> {
    /// Returns what a whole line states of it.
    #[must_use]
    pub fn of(fact: &TrafficFact<'a>) -> Self {
        Self { host: fact.host, sni: fact.sni, path: fact.path, server: fact.server, port: fact.port }
    }
}

impl Watch {
    /// Whether a detector of single calls could tell the call; says yes without need, never no wrongly.
    #[must_use]
    pub fn may_tell(&self, endpoints: &EndpointIndex, glance: &Glance<'_>) -> bool {
        let mut buffer = HostBuffer::default();
        let mut knows = |written: &[u8]| match read_host(written, &mut buffer) {
            Some(host) => {
                !endpoints.read(host, glance.path).is_empty()
                    || matches!(host, Host::Name(name) if self.knows_name(name.as_bytes()))
            }
            None => false,
        };
        self.scores()
            || glance.host.is_some_and(&mut knows)
            || glance.sni.is_some_and(&mut knows)
            || glance.server.is_some_and(|server| !endpoints.address(server).is_empty())
            || glance.path.is_some_and(|path| self.knows_path(path))
            || self.knows_port(glance.port)
    }

    /// Notes a call.
    pub fn see(
        &self,
        endpoints: &EndpointIndex,
        fact: &TrafficFact<'_>,
        place: LinePlace,
        grants: Grants<'_>,
        watched: &mut Watched,
    ) {
        let mut asked_buffer = HostBuffer::default();
        let mut greeted_buffer = HostBuffer::default();
        let asked = fact.host.and_then(|written| read_host(written, &mut asked_buffer));
        let greeted = fact.sni.and_then(|written| read_host(written, &mut greeted_buffer));
        // A line that states a greeting alone asks for nothing else.
        let (host, greeted) = if fact.host.is_some() { (asked, greeted) } else { (greeted, None) };
        let rows = |host: Option<Host<'_>>| {
            host.map_or_else(Vec::new, |host| numbers(&endpoints.read(host, fact.path)))
        };
        let named = match host {
            Some(Host::Name(_)) => rows(host),
            // An address that was asked for is an address that was called.
            Some(Host::Address(_)) | None => Vec::new(),
        };
        // What a client asks for is its own choice, so the address that was connected to counts beside it.
        let asked_for = match host {
            Some(Host::Address(address)) => Some(address),
            Some(Host::Name(_)) | None => None,
        };
        let servers = asked_for.into_iter().chain(fact.server.filter(|server| Some(*server) != asked_for));
        let mut addressed: Vec<_> = servers.flat_map(|server| numbers(&endpoints.address(server))).collect();
        addressed.sort_unstable();
        addressed.dedup();
        let host_text = host.map(text);
        let greeted_text = greeted.map(text);
        self.note(
            &Call {
                fact,
                place,
                host: host_text.as_deref(),
                named: &named,
                greeted_host: greeted_text.as_deref(),
                greeted: &rows(greeted),
                addressed: &addressed,
                grants,
            },
            watched,
        );
    }
}

impl Relays {
    /// Notes a call of a caller who is looked at again, where the catalog does not know its host.
    pub fn see(
        &mut self,
        watch: &Watch,
        endpoints: &EndpointIndex,
        fact: &TrafficFact<'_>,
        place: LinePlace,
    ) {
        let mut buffer = HostBuffer::default();
        let Some(written) = fact.host.or(fact.sni) else {
            if let Some(server) = fact.server
                && endpoints.address(server).is_empty()
            {
                self.note(&server.to_canonical().to_string(), fact, place);
            }
            return;
        };
        let Some(host) = read_host(written, &mut buffer) else { return };
        let host_text = text(host);
        if endpoints.read(host, fact.path).is_empty() && !watch.is_ours(&host_text) {
            self.note(&host_text, fact, place);
        }
    }
}

fn numbers(matches: &Matches<'_>) -> Vec<u32> {
    matches.places().filter_map(|place| u32::try_from(place).ok()).collect()
}

fn text(host: Host<'_>) -> String {
    match host {
        Host::Name(name) => name.to_owned(),
        Host::Address(address) => address.to_string(),
    }
}
