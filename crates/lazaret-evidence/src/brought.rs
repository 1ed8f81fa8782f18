//! Claims that rest on what people bring: signed statements, signed commits, records of approved tools, sets of dated
//! hashes. Whether any of them is accepted is for the policy to say.

use jiff::civil::Date;
use lazaret_core::{
    Claim, Coverage, DetectorId, Digest, Directness, Evidence, KeyName, ModelId, Proof, Role, Span, Strength,
    Taint, ToolId,
};

/// The ids of these claims' detectors, sorted.
pub const BROUGHT: [&str; 4] = [AUTHOR_STATEMENT, DATED_SET, SIGNED_COMMIT, TOOL_RECEIPT];

const AUTHOR_STATEMENT: &str = "author-statement";
const DATED_SET: &str = "dated-set";
const SIGNED_COMMIT: &str = "signed-commit";
const TOOL_RECEIPT: &str = "tool-receipt";

/// Claims that somebody signed a statement about these bytes.
#[must_use]
pub fn author_statement(key: KeyName, covers: Coverage) -> Evidence {
    let why = format!("a statement about these bytes, signed by {key}");
    proof(AUTHOR_STATEMENT, Proof::Attested { key, signers: None, trailer: None, covers, origin: None }, why)
}

/// Claims that the author of a commit signed it, and says by a trailer how it was written.
#[must_use]
pub fn signed_commit(key: KeyName, signers: Option<Digest>, trailer: String) -> Evidence {
    let why = format!("the commit says `{trailer}` and is signed by {key}");
    let (trailer, covers) = (Some(trailer), Coverage::Any);
    proof(SIGNED_COMMIT, Proof::Attested { key, signers, trailer, covers, origin: None }, why)
}

/// Claims that a tool's signed record names these bytes or lines: for clean origin where the policy approves of the
/// tool, and for taint where it bans it.
#[must_use]
pub fn tool_receipt(tool: &ToolId, model: Option<&ModelId>, key: KeyName, version: &str) -> [Evidence; 2] {
    let why = format!("a record of `{tool}` {version} names these bytes, signed by {key}");
    let taint = Taint {
        tool: Some(tool.clone()),
        provider: None,
        model: model.cloned(),
        model_provider: None,
        role: Role::Author,
        strength: Strength::Recorded,
        directness: Directness::Direct,
    };
    let record = Proof::ApprovedTool { tool: tool.clone(), model: model.cloned(), key: Some(key) };
    let claim = Claim::Taint(taint);
    [
        proof(TOOL_RECEIPT, record, why.clone()),
        Evidence { detector: detector(TOOL_RECEIPT), span: None, claim, why },
    ]
}

/// Claims that a set of dated hashes holds these bytes.
#[must_use]
pub fn dated_set(on: Date, set: Digest, name: &str) -> Evidence {
    let why = format!("the set of dated hashes `{name}` of {on} holds these bytes");
    proof(DATED_SET, Proof::Predates { on, origin: None, set: Some(set) }, why)
}

/// Returns the id that claims of signed commits bear.
#[must_use]
pub fn signed_commit_detector() -> DetectorId {
    detector(SIGNED_COMMIT)
}

/// Narrows a claim to lines.
#[must_use]
pub fn about_lines(claim: &Evidence, span: Span) -> Evidence {
    Evidence { span: Some(span), ..claim.clone() }
}

fn proof(id: &'static str, proof: Proof, why: String) -> Evidence {
    Evidence { detector: detector(id), span: None, claim: Claim::Proof(proof), why }
}

fn detector(id: &'static str) -> DetectorId {
    // The ids above are well formed; a test holds them to it.
    DetectorId::new(id).unwrap_or_else(|_| DetectorId::unnamed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_well_formed() {
        for id in BROUGHT {
            assert_eq!(detector(id).as_str(), id);
        }
    }
}
