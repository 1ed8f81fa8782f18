//! Reasons for a decision about a request: a code for machines, a meaning and a way out for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the reasons in the order in which they are told; the code is stable.
macro_rules! reasons {
    ($($name:ident, $code:literal, $meaning:literal, $help:literal;)*) => {
        /// Why a request is allowed or denied.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EgressReason {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl EgressReason {
            /// All reasons, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the code, in kebab-case; stable.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Returns what the reason means, as the rest of a sentence that begins with "because".
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// Returns what would make the request pass, or what to keep in mind where nothing stands in its way.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

reasons! {
    BannedProvider, "banned-provider", "the policy bans the provider that is reached there",
        "use what the policy approves, or ask for an exemption";
    BannedTool, "banned-tool", "the policy bans a tool that calls it",
        "use what the policy approves, or ask for an exemption";
    BannedModel, "banned-model", "the policy bans a model that answers there",
        "use what the policy approves, or ask for an exemption";
    OtherAccount, "other-account", "the policy lists the accounts and plans of this provider that are our own, and this is none of them",
        "sign in with the company's account, or ask the policy's owner about `egress.account`";
    NoExemption, "no-exemption", "no active exemption is for the tools that call it",
        "ask for an exemption: `lazaret exempt request`";
    NobodyNamed, "nobody-named", "an exemption is for the tools that call it, but nothing says who calls",
        "sign in at the proxy, and have the login listed under `egress.subject`";
    ExemptionForOthers, "exemption-for-others", "an exemption is for the tools that call it, but for somebody else",
        "ask for an exemption of your own: `lazaret exempt request`";
    ExemptionElsewhere, "exemption-elsewhere", "an exemption is for the caller, but not from this network",
        "call from the network that the exemption names; `lazaret exempt show` tells which";
    ExemptionForOtherPurpose, "exemption-for-other-purpose", "an exemption is for the caller, but not for the purpose of this network or proxy",
        "call from a network for the purpose of the exemption; `lazaret exempt show` tells which";
    Exempted, "exempted", "an active exemption allows it",
        "nothing to do; what comes of it stays tainted";
    Observing, "observing", "the policy only observes there",
        "nothing to do; in the mode `enforce` it would be denied";
    Warning, "warning", "the policy only warns there",
        "nothing to do now; in the mode `enforce` it would be denied";
    ApprovedTool, "approved-tool", "an approved tool calls it",
        "nothing to do";
    ApprovedModel, "approved-model", "every model of the provider is approved",
        "nothing to do";
    ApprovedAccount, "approved-account", "it is called under an account or plan that the policy lists as our own",
        "nothing to do";
    NotBanned, "not-banned", "the policy bans nobody who is reached there",
        "nothing to do";
    NotExclusive, "not-exclusive", "others are served there too, so that a call alone shows nothing",
        "nothing to do";
    NotInference, "not-inference", "no model answers there",
        "nothing to do";
    NotListed, "not-listed", "the catalog lists nothing that is reached there",
        "nothing to do";
    Unreadable, "unreadable", "neither a name nor an address of what is called could be read",
        "look at the request in the proxy's log: it asks for no host that could be a service";
}

impl fmt::Display for EgressReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
