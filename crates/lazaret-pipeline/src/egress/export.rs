//! Exports: what the policy stops, in the words of the equipment that people run.
//!
//! Every format says the same, as far as it can: rows that a decision would deny, minus the more specific names that it
//! would not, minus the networks where the policy does not enforce or an exemption helps. What a format cannot say
//! stands in its head. The same policy, catalog, exemptions and time give the same bytes.

mod barrier;
mod envoy;
mod head;
mod networks;
mod nftables;
mod pac;
mod rpz;
mod sigma;
mod squid;
mod suricata;
mod tenants;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lazaret_evidence::Catalog;
use lazaret_policy::egress::{EgressExemption, EgressPolicy};

use self::barrier::Barrier;
use self::head::Head;
use super::KeptExemptions;

/// Who reads the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExportFormat {
    /// A response policy zone, for Unbound, BIND and other resolvers.
    Rpz,
    /// The networks alone that a zone lets through, as a zone that stands before it.
    RpzPasses,
    /// Access lists of Squid, by the host of a request.
    Squid,
    /// Access lists of Squid, by the name in the TLS greeting.
    SquidSni,
    /// A filter of Envoy, by the host of a request.
    Envoy,
    /// A filter of Envoy, by the name in the TLS greeting.
    EnvoySni,
    /// Rules of Suricata.
    Suricata,
    /// A table of nftables.
    Nftables,
    /// A file by which browsers choose their proxy.
    Pac,
    /// Sigma rules over logs of proxies, resolvers and firewalls.
    Sigma,
    /// Lines of Squid that keep allowed tools to the house's own accounts.
    TenantHeaders,
}

impl ExportFormat {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Rpz,
        Self::RpzPasses,
        Self::Squid,
        Self::SquidSni,
        Self::Envoy,
        Self::EnvoySni,
        Self::Suricata,
        Self::Nftables,
        Self::Pac,
        Self::Sigma,
        Self::TenantHeaders,
    ];

    /// Whether the equipment stops calls by it; otherwise it only tells of them, leads them elsewhere or marks them.
    #[must_use]
    pub fn stops(self) -> bool {
        match self {
            Self::Rpz
            | Self::RpzPasses
            | Self::Squid
            | Self::SquidSni
            | Self::Envoy
            | Self::EnvoySni
            | Self::Nftables => true,
            Self::Suricata | Self::Pac | Self::Sigma | Self::TenantHeaders => false,
        }
    }
}

/// What is exported, and how.
#[derive(Debug, Clone, Copy)]
pub struct ExportRequest<'a> {
    /// For whom.
    pub format: ExportFormat,
    /// The policy.
    pub policy: &'a EgressPolicy,
    /// The catalog it was held against.
    pub catalog: &'a Catalog,
    /// The exemptions by which networks pass.
    pub exemptions: &'a KeptExemptions,
    /// How long it takes until the export is made anew: an exemption that does not last as long is left out.
    pub every: SignedDuration,
    /// Whether the equipment is to tell what `enforce` would stop, and to stop nothing.
    pub is_log_only: bool,
    /// Where browsers send what is stopped, such as `PROXY proxy.acme.example:3128`; only for [`ExportFormat::Pac`].
    pub proxy: Option<&'a str>,
    /// Where browsers send everything else.
    pub otherwise: &'a str,
    /// When it is made.
    pub now: Timestamp,
}

/// Why there is no export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The policy enforces nowhere, so that the export would stop nothing.
    #[error("the policy `{policy}` enforces nowhere, so the export would stop nothing")]
    Unenforced {
        /// What people call the policy.
        policy: String,
    },
    /// The policy bans nothing that the export could stop.
    #[error("the policy `{policy}` bans nobody whose services the catalog knows to be a model's alone")]
    Nothing {
        /// What people call the policy.
        policy: String,
    },
    /// Nothing in the format can say what is stopped.
    #[error("all that the policy `{policy}` stops is of a kind that this format cannot say")]
    Unsayable {
        /// What people call the policy.
        policy: String,
    },
    /// Nobody says where browsers send what is stopped.
    #[error("nothing says where browsers are to send what is stopped")]
    NoProxy,
    /// That is no place where browsers could send anything.
    #[error("`{text}` is no list of proxies such as `PROXY proxy.acme.example:3128; DIRECT`")]
    Proxy {
        /// What was given.
        text: String,
    },
    /// The policy lists no accounts to which a header could keep people.
    #[error("the policy `{policy}` lists no own account of a provider that can be kept to accounts")]
    NoAccounts {
        /// What people call the policy.
        policy: String,
    },
}

/// Makes an export.
///
/// # Errors
/// [`ExportError`] where it would stop nothing, or nothing says what it needs.
pub fn export(request: &ExportRequest<'_>) -> Result<String, ExportError> {
    let policy = || request.policy.name.clone();
    if request.format == ExportFormat::TenantHeaders {
        return tenants::render(request).ok_or_else(|| ExportError::NoAccounts { policy: policy() });
    }
    let stops = request.format.stops();
    // What only tells or leads says it of every network, and of everybody.
    let exemptions: Vec<&EgressExemption> =
        if stops { request.exemptions.active(request.now, request.every) } else { Vec::new() };
    let barrier = Barrier::new(
        request.policy,
        request.catalog.endpoints(),
        &exemptions,
        request.is_log_only || !stops,
        request.now,
    );
    if barrier.is_empty() {
        return Err(ExportError::Nothing { policy: policy() });
    }
    if barrier.unenforced == networks::everywhere() {
        return Err(ExportError::Unenforced { policy: policy() });
    }
    let head = Head::new(request, &barrier);
    let text = match request.format {
        ExportFormat::Rpz => Some(rpz::render(&barrier, &head, request.now)),
        ExportFormat::RpzPasses => Some(rpz::render_passes(&barrier, &head, request.now)),
        ExportFormat::Squid => squid::render(&barrier, &head, squid::By::Host, request.is_log_only),
        ExportFormat::SquidSni => squid::render(&barrier, &head, squid::By::Greeting, request.is_log_only),
        ExportFormat::Envoy => envoy::render(&barrier, &head, envoy::By::Host, request.is_log_only),
        ExportFormat::EnvoySni => envoy::render(&barrier, &head, envoy::By::Greeting, request.is_log_only),
        ExportFormat::Suricata => Some(suricata::render(&barrier, &head)),
        ExportFormat::Nftables => nftables::render(&barrier, &head, request.is_log_only),
        ExportFormat::Pac => {
            let proxy = request.proxy.ok_or(ExportError::NoProxy)?;
            for text in [proxy, request.otherwise] {
                if !pac::is_list_of_proxies(text) {
                    return Err(ExportError::Proxy { text: text.chars().take(80).collect() });
                }
            }
            Some(pac::render(&barrier, &head, proxy, request.otherwise))
        }
        ExportFormat::Sigma => Some(sigma::render(&barrier, &head)),
        ExportFormat::TenantHeaders => None,
    };
    text.ok_or_else(|| ExportError::Unsayable { policy: policy() })
}

/// Returns texts as a list for people.
fn listed<T: ToString>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: BTreeSet<String> = texts.into_iter().map(|text| text.to_string()).collect();
    texts.into_iter().collect::<Vec<_>>().join(", ")
}
