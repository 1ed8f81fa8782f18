//! Builds evidence from marks: who, what role, how strong, and a reason that names the mark and nothing else.

use std::borrow::Cow;

use lazaret_core::{Claim, DetectorId, Directness, Evidence, Role, Span, Strength, Taint};

use crate::catalog::{Mark, NamedModel};
use crate::message::Standing;

/// What a detector has seen of a mark, before it becomes evidence.
#[derive(Debug)]
pub(crate) struct Sighting<'a> {
    pub(crate) mark: &'a Mark,
    pub(crate) role: Role,
    pub(crate) model: Option<NamedModel>,
    pub(crate) span: Option<Span>,
    /// Why the mark is worth less here than elsewhere; names a circumstance.
    pub(crate) weakened: Option<&'static str>,
}

impl<'a> Sighting<'a> {
    pub(crate) fn new(mark: &'a Mark, role: Role) -> Self {
        Self { mark, role: mark.role.unwrap_or(role), model: None, span: None, weakened: None }
    }

    pub(crate) fn model(mut self, model: Option<NamedModel>) -> Self {
        self.model = model;
        self
    }

    pub(crate) fn span(mut self, span: Option<Span>) -> Self {
        self.span = span;
        self
    }

    pub(crate) fn weakened(mut self, weakened: Option<&'static str>) -> Self {
        self.weakened = weakened;
        self
    }

    /// Makes the evidence; `seen` says what stands there, in words of the detector.
    pub(crate) fn evidence(self, detector: &'static str, seen: &str) -> Evidence {
        let Self { mark, role, model, span, weakened } = self;
        let cap = if weakened.is_some() { Strength::Circumstantial } else { Strength::Recorded };
        let taint = Taint {
            tool: mark.tool.clone(),
            provider: mark.provider.clone(),
            model_provider: model.as_ref().map(|model| model.provider.clone()),
            model: model.map(|model| model.model),
            role,
            strength: mark.strength.min(cap),
            directness: Directness::Direct,
        };
        let circumstance = weakened.map(|text| format!(", {text}")).unwrap_or_default();
        evidence(detector, span, taint, format!("{seen}{circumstance} (mark {})", mark.id))
    }
}

/// Wraps a taint.
pub(crate) fn evidence(detector: &'static str, span: Option<Span>, taint: Taint, why: String) -> Evidence {
    Evidence { detector: id(detector), span, claim: Claim::Taint(taint), why }
}

/// Says what a standing takes from a mark; `None` where it takes nothing.
pub(crate) fn weakness(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Stands => None,
        Standing::Embedded => Some("within prose"),
        Standing::Quoted => Some("within a quotation"),
    }
}

/// Strongest first, without repetitions.
pub(crate) fn sorted(mut all: Vec<Evidence>) -> Vec<Evidence> {
    let strength = |evidence: &Evidence| evidence.taint().map(|taint| (taint.role.writes(), taint.strength));
    all.sort_by(|a, b| strength(b).cmp(&strength(a)).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

#[expect(clippy::expect_used, reason = "the ids are constants, and a test reads them all")]
fn id(detector: &'static str) -> DetectorId {
    DetectorId::new(Cow::Borrowed(detector)).expect("detector ids are kebab-case")
}
