//! Rows of tenant restrictions: headers by which a provider keeps people to the accounts that they name.

use lazaret_core::ProviderId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::data::Day;
use super::expression;

/// A header by which a provider keeps the people of a network to the accounts of its house.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TenantRestrictionData {
    /// The row's id, unique among its kind.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// Who checks it.
    pub provider: ProviderId,
    /// The header.
    pub header: String,
    /// What stands between several accounts; one account alone is taken where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Hosts that check it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Hosts that check it, with all names below them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suffixes: Vec<String>,
    /// The form of the accounts that it takes, as an anchored expression.
    pub accounts: String,
    /// Where this is known from.
    pub source: String,
    /// When the source was last looked at.
    pub verified: Day,
    /// What a reader of the row should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl TenantRestrictionData {
    /// Whether the header takes an account of this form.
    #[must_use]
    pub fn takes(&self, account: &str) -> bool {
        // Whatever the row says, an account that could end the header or its quotation is none.
        let is_plain = account.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\,".contains(&byte));
        is_plain && expression::compile(&self.accounts).is_ok_and(|form| form.is_match(account))
    }

    /// Returns the field that breaks a rule, and how.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_name = |name: &String| {
            name.contains('.')
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        };
        if self.header.is_empty() || !self.header.bytes().all(is_token) {
            Some(("header", "is no name of a header"))
        } else if !matches!(self.separator.as_deref(), None | Some("," | ", ")) {
            Some(("separator", "is neither a comma nor a comma and a blank"))
        } else if self.names.is_empty() && self.suffixes.is_empty() {
            Some(("names` or `suffixes", "name no host"))
        } else if !self.names.iter().chain(&self.suffixes).all(is_name) {
            Some(("names` or `suffixes", "hold a name that is not in lower case, in ASCII, with a dot"))
        } else if expression::compile(&self.accounts).is_err() {
            Some(("accounts", "is no anchored expression"))
        } else {
            None
        }
    }
}
