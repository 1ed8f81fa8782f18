//! From a line taken apart to what a consumer sees of it: first a glimpse, then, if it is of interest, a fact.

use core::net::IpAddr;

use lazaret_core::{TrafficFact, Visibility};

use crate::counts::Fault;
use crate::grammar::{Manner, Told};
use crate::row::{Many, Row, Slot};
use crate::values::address::{address, address_and_port, host_and_port, port};
use crate::values::number::{count, micros};
use crate::values::url;

/// A request has fewer headers than this; of one with more, the names of the others are not told.
const HEADERS_MAX: usize = 64;

/// Enough of a line to say whether it is of interest: most lines are not, and the rest of them need not be read.
#[derive(Debug, Clone, Copy)]
pub struct Glimpse<'a> {
    /// How much the observer saw.
    pub visibility: Visibility,
    /// As [`TrafficFact::time`].
    pub time: Option<i64>,
    /// As [`TrafficFact::host`].
    pub host: Option<&'a [u8]>,
    /// As [`TrafficFact::sni`].
    pub sni: Option<&'a [u8]>,
    /// As [`TrafficFact::server`]; where a resolver was asked, the resolver.
    pub server: Option<IpAddr>,
    /// As [`TrafficFact::port`].
    pub port: Option<u16>,
    /// As [`TrafficFact::method`].
    pub method: Option<&'a [u8]>,
    /// As [`TrafficFact::path`].
    pub path: Option<&'a [u8]>,
    /// As [`TrafficFact::agent`].
    pub agent: Option<&'a [u8]>,
    /// As [`TrafficFact::model`].
    pub model: Option<&'a [u8]>,
    /// As [`TrafficFact::answers`].
    pub answers: &'a [IpAddr],
}

/// A row whose codings are undone, with all that its values borrow from.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) row: &'a Row,
    pub(crate) line: &'a [u8],
    pub(crate) decoded: &'a [u8],
    pub(crate) answers: &'a [IpAddr],
    pub(crate) headers: &'a [Vec<u8>],
}

impl<'a> View<'a> {
    #[inline]
    fn get(&self, slot: Slot) -> Option<&'a [u8]> {
        let piece = self.row.piece(slot);
        piece.of(if piece.is_decoded() { self.decoded } else { self.line })
    }

    #[inline]
    fn number(&self, slot: Slot) -> Result<Option<u64>, Fault> {
        self.get(slot).map(|bytes| count(bytes).ok_or(Fault::Value)).transpose()
    }

    /// A clock that was set back makes durations negative; those say nothing.
    #[inline]
    fn duration(&self, manner: &Manner) -> Result<Option<u64>, Fault> {
        match self.get(Slot::Duration) {
            Some(bytes) if bytes.first() != Some(&b'-') => {
                micros(bytes, manner.duration).map(Some).ok_or(Fault::Value)
            }
            Some(_) => Ok(None),
            None => Ok(self.ended(manner)),
        }
    }

    fn ended(&self, manner: &Manner) -> Option<u64> {
        let ended = manner.clock.read(self.get(Slot::Ended)?)?;
        let began = manner.clock.read(self.get(Slot::Began)?)?;
        u64::try_from(ended.checked_sub(began)?).ok()
    }

    #[inline]
    fn time(&self, manner: &Manner) -> Option<i64> {
        let began = self.get(Slot::Began).and_then(|bytes| manner.clock.read(bytes));
        if began.is_some() {
            return began;
        }
        let time = manner.clock.read(self.get(Slot::Time)?)?;
        if !manner.time_is_end {
            return Some(time);
        }
        let duration = self.duration(manner).ok().flatten().and_then(|duration| i64::try_from(duration).ok());
        time.checked_sub(duration.unwrap_or(0))
    }

    /// Returns what the first look shows.
    ///
    /// # Errors
    /// [`Fault::Value`] where an address or a port is none, [`Fault::NobodyCalled`] where nobody is named.
    #[inline]
    pub(crate) fn glimpse(&self, told: Told, manner: &Manner) -> Result<Glimpse<'a>, Fault> {
        let mut glimpse = Glimpse {
            visibility: told.visibility,
            time: self.time(manner),
            host: self.get(Slot::Question),
            sni: self.get(Slot::Sni),
            server: None,
            port: None,
            method: self.get(Slot::Method),
            path: None,
            agent: self.get(Slot::Agent),
            model: self.get(Slot::Model),
            answers: self.answers,
        };
        let mut server_port = None;
        if let Some(server) = self.get(Slot::Server) {
            let (server, port) = address_and_port(server).ok_or(Fault::Value)?;
            (glimpse.server, server_port) = (Some(server), port);
        }
        if let Some(bytes) = self.get(Slot::Url) {
            let url = url::split(bytes).ok_or(Fault::Value)?;
            (glimpse.host, glimpse.port, glimpse.path) = (Some(url.host), url.port, url.path);
        }
        if let Some(bytes) = self.get(Slot::Host) {
            let (host, port) = host_and_port(bytes).ok_or(Fault::Value)?;
            (glimpse.host, glimpse.port) = (Some(host), port.or(glimpse.port));
        }
        if let Some(bytes) = self.get(Slot::Path) {
            glimpse.path = match bytes.first() {
                Some(b'/' | b'*') => Some(url::path(bytes)),
                _ => url::split(bytes).and_then(|url| url.path),
            };
        }
        glimpse.port = match self.get(Slot::Port) {
            Some(bytes) => Some(port(bytes).ok_or(Fault::Value)?),
            None => glimpse.port.or(server_port),
        };
        if glimpse.server.is_none() && told.visibility != Visibility::Dns {
            glimpse.server = glimpse.host.filter(|host| may_be_address(host)).and_then(address);
        }
        if glimpse.host.is_none() && glimpse.sni.is_none() && glimpse.server.is_none() {
            return Err(Fault::NobodyCalled);
        }
        Ok(glimpse)
    }

    /// Reads the rest and hands the fact on.
    ///
    /// # Errors
    /// [`Fault::Value`] where something holds what it cannot hold.
    pub(crate) fn fact(
        &self,
        told: Told,
        manner: &Manner,
        tell: &mut dyn FnMut(&TrafficFact<'_>),
    ) -> Result<(), Fault> {
        let Glimpse { visibility, time, host, sni, server, port, method, path, agent, model, answers } =
            self.glimpse(told, manner)?;
        let mut names = [&b""[..]; HEADERS_MAX];
        let named = self.header_names(&mut names);
        let client_piece = self.get(Slot::Client);
        let client = client_piece.and_then(address_and_port).map(|(client, _)| client);
        tell(&TrafficFact {
            visibility,
            time,
            duration: self.duration(manner)?,
            client,
            user: self.get(Slot::User),
            // A client that is no address is a name: some equipment looks it up.
            device: self.get(Slot::Device).or(client_piece.filter(|_| client.is_none())),
            server,
            port,
            host,
            sni,
            method,
            path,
            agent,
            header_names: names.get(..named).unwrap_or_default(),
            ja4: self.get(Slot::Ja4),
            sent: self.number(Slot::Sent)?,
            received: self.number(Slot::Received)?,
            answers,
            account: self.get(Slot::Account),
            model,
            decision: self.get(Slot::Decision),
            outcome: told.outcome,
            part: told.part,
        });
        Ok(())
    }

    fn header_names(&self, names: &mut [&'a [u8]; HEADERS_MAX]) -> usize {
        let listed = self.row.headers.iter().filter_map(|header| self.headers.get(usize::from(*header)));
        let stated = self.row.many.iter().filter(|(many, _)| *many == Many::HeaderName);
        let stated = stated
            .filter_map(|(_, piece)| piece.of(if piece.is_decoded() { self.decoded } else { self.line }));
        let mut named = 0;
        for (place, name) in names.iter_mut().zip(listed.map(Vec::as_slice).chain(stated)) {
            *place = name;
            named += 1;
        }
        named
    }
}

/// Whether it is worth trying to read a host as an address.
#[inline]
fn may_be_address(host: &[u8]) -> bool {
    host.last().is_some_and(u8::is_ascii_digit) || host.contains(&b':')
}

/// Puts the addresses that a resolver answered with into `answers`.
#[inline]
pub(crate) fn read_answers(row: &Row, line: &[u8], decoded: &[u8], answers: &mut Vec<IpAddr>) {
    answers.clear();
    for (many, piece) in &row.many {
        if *many == Many::Answer {
            let bytes = piece.of(if piece.is_decoded() { decoded } else { line });
            answers.extend(bytes.and_then(address));
        }
    }
}
