//! What `CoreDNS` writes with the plugin `log`, in its formats `common` and `combined`.
//!
//! Documented at coredns.io/plugins/log; read by that documentation, not held against the program:
//! `[INFO] {remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}`.
//! It writes no time of its own; a date of RFC 3339 before `[INFO]`, as container logs have it, is read.

use lazaret_core::Visibility;
use memchr::memmem;

use super::words::Words;
use crate::counts::Fault;
use crate::grammar::{Grammar, Manner, Taken, Told};
use crate::row::{Row, Slot};
use crate::values::number::Unit;
use crate::values::time::Clock;

/// The log of `CoreDNS`.
#[derive(Debug)]
pub(crate) struct CoreDns {
    manner: Manner,
}

impl CoreDns {
    pub(crate) fn new() -> Self {
        Self { manner: Manner { clock: Clock::Rfc3339, duration: Unit::Seconds, time_is_end: true } }
    }
}

impl Grammar for CoreDns {
    fn take<'l>(&'l self, line: &'l [u8], row: &mut Row) -> Result<Taken<'l>, Fault> {
        let level = memmem::find(line, b"[INFO] ").or_else(|| memmem::find(line, b"[ERROR] "));
        let level = level.ok_or(Fault::Malformed)?;
        let mut words = Words::new(line, level);
        words.next();
        let (said, count) = words.several::<14>();
        let [client, dash, _, kind, class, name, _, _, _, size, _, _, _, duration] = said;
        let is_call = kind.bytes.starts_with(b"\"") && size.bytes.ends_with(b"\"") && dash.bytes == b"-";
        if !is_call {
            let is_own =
                [&b"plugin/"[..], b"CoreDNS", b"SIG"].iter().any(|start| client.bytes.starts_with(start));
            return if is_own { Ok(Taken::Beside(b"message")) } else { Err(Fault::Malformed) };
        }
        let seconds = duration.bytes.strip_suffix(b"s").ok_or(Fault::Cut);
        if count != 14 || class.bytes != b"IN" && class.bytes != b"CH" {
            return Err(Fault::Malformed);
        }
        let stamp = line.get(..level).unwrap_or_default();
        let (stamp, _) = Words::new(stamp, 0).several::<1>();
        let [stamp] = stamp;
        stamp.put(row, Slot::Time);
        client.put(row, Slot::Client);
        name.put_name(row);
        Words::put(row, Slot::Duration, duration.start, duration.start + seconds?.len());
        Ok(Taken::Call(Told::whole(Visibility::Dns)))
    }

    fn manner(&self) -> &Manner {
        &self.manner
    }
}
