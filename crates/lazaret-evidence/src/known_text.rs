//! Claims that lines are a copy of text that a tool is known to have written.

use lazaret_core::{Claim, DetectorId, Directness, Evidence, ModelId, Role, Span, Strength, Taint, ToolId};

use crate::catalog::Catalog;
use crate::detectors::Detectors;

/// The id of these claims' detector.
pub const KNOWN_TEXT: &str = "known-text";

/// A copy that was found, as far as a claim speaks of it.
#[derive(Debug, Clone, Copy)]
pub struct Copied<'a> {
    /// The copied lines.
    pub here: Span,
    /// The tool that wrote the known text, as the index names it; may be empty.
    pub tool: &'a str,
    /// The model, likewise.
    pub model: &'a str,
    /// Where the known text was found.
    pub origin: &'a str,
    /// Its lines.
    pub there: Span,
    /// How many tokens the two share.
    pub n_tokens: u32,
    /// Whether the two are the same but for names.
    pub is_renamed: bool,
}

impl Detectors {
    /// Claims that lines are a copy of a tool's text.
    #[must_use]
    pub fn copied(&self, copied: &Copied<'_>) -> Evidence {
        let Copied { here, there, origin, n_tokens, is_renamed, .. } = copied;
        let how = if *is_renamed { "the same but for names as" } else { "the same as" };
        let lines = if there.start() == there.end() {
            format!("line {}", there.start())
        } else {
            format!("lines {} to {}", there.start(), there.end())
        };
        Evidence {
            detector: DetectorId::new(KNOWN_TEXT).unwrap_or_else(|_| DetectorId::unnamed()),
            span: Some(*here),
            claim: Claim::Taint(taint(self.spellings.catalog(), copied.tool, copied.model)),
            why: format!("{n_tokens} tokens {how} {lines} of `{origin}`, which a tool wrote"),
        }
    }
}

/// The index names tools by the catalog's ids or as a session log spells them.
fn taint(catalog: &Catalog, tool: &str, model: &str) -> Taint {
    let by_id = ToolId::new(tool.to_owned()).ok().filter(|id| catalog.roster().tools.contains_key(id));
    let tool = by_id.or_else(|| catalog.names().recorded_tool(tool).cloned());
    let provider = tool.as_ref().and_then(|tool| catalog.roster().tools.get(tool));
    let named = catalog.names().model(model.as_bytes());
    let model_id = ModelId::new(model.to_owned()).ok().filter(|id| catalog.roster().models.contains_key(id));
    let maker = model_id.as_ref().and_then(|id| catalog.roster().models.get(id));
    Taint {
        provider: provider.map(|tool| tool.provider.clone()),
        tool,
        model_provider: maker
            .map(|model| model.provider.clone())
            .or_else(|| named.as_ref().map(|named| named.provider.clone())),
        model: model_id.or_else(|| named.map(|named| named.model)),
        role: Role::Author,
        strength: Strength::Matched,
        directness: Directness::Direct,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_names_its_tool_its_place_and_nothing_of_its_text() {
        let detectors = Detectors::new(&Catalog::built_in());
        let span = |start, end| Span::new(start, end).unwrap();
        let copied = Copied {
            here: span(3, 9),
            tool: "claude-code",
            model: "claude-opus-4-6",
            origin: "session 1 src/gate.rs",
            there: span(12, 18),
            n_tokens: 70,
            is_renamed: false,
        };
        let claim = detectors.copied(&copied);
        let taint = claim.taint().unwrap();
        assert_eq!(claim.span, Some(span(3, 9)));
        assert_eq!(taint.tool.as_ref().unwrap().as_str(), "claude-code");
        assert_eq!(taint.provider.as_ref().unwrap().as_str(), "anthropic");
        assert_eq!(taint.model_provider.as_ref().unwrap().as_str(), "anthropic");
        assert_eq!((taint.role, taint.strength), (Role::Author, Strength::Matched));
        let expected = "70 tokens the same as lines 12 to 18 of `session 1 src/gate.rs`, which a tool wrote";
        assert_eq!(claim.why, expected);
        let nobody = detectors.copied(&Copied { tool: "", model: "", ..copied });
        assert_eq!(nobody.taint().unwrap().tool, None);
    }
}
