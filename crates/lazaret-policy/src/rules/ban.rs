//! Who is banned: by tool, by the tool's provider, by model, and by the model's maker.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lazaret_core::{Coverage, Model, ModelId, Provider, ProviderId, Roster, Taint, Tool, ToolId};
use toml::Spanned;

use crate::file::{Approve, Ban};
use crate::reason::{Reason, Reasons};

/// What the policy says of a taint's tool and model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// One of them is banned, or nothing shows that neither is; why.
    Banned(Reasons),
    /// Neither is banned; what is known of them.
    Free(Reason),
}

/// What the policy says of one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Banned(Reason),
    Approved,
    Neutral,
}

/// The bans and approvals of a policy, worked out for every id of a roster.
#[derive(Debug, Clone)]
pub(crate) struct BanTable {
    rivals: bool,
    banned_tools: Vec<ToolId>,
    tools: BTreeMap<ToolId, (Tool, Standing)>,
    providers: BTreeMap<ProviderId, (Provider, ProviderStanding)>,
    families: Vec<Model>,
    banned_models: Vec<ModelId>,
    approved_models: Vec<ModelId>,
    first_availability: Option<Date>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProviderStanding {
    /// Banned by name: nothing of it can be approved.
    BannedByName,
    /// Banned because not all of it is approved.
    Rival,
    Free,
}

/// What the policy says of the models that one provider makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ModelsStanding {
    /// Whether one of them is banned by its name or its family's.
    pub(crate) by_name: bool,
    /// Whether one of them is banned at all.
    pub(crate) banned: bool,
    /// Whether there are some and all of them are approved.
    pub(crate) all_approved: bool,
}

impl BanTable {
    pub(super) fn new(ban: &Ban, approve: &Approve, roster: &Roster) -> Self {
        let mut table = Self {
            rivals: ban.rivals,
            banned_tools: ban.tools.iter().map(|id| id.get_ref().clone()).collect(),
            tools: BTreeMap::new(),
            providers: BTreeMap::new(),
            families: roster.models.values().cloned().collect(),
            banned_models: ban.models.iter().map(|id| id.get_ref().clone()).collect(),
            approved_models: approve.models.iter().map(|id| id.get_ref().clone()).collect(),
            first_availability: None,
        };
        for (id, provider) in &roster.providers {
            let standing = if names(&ban.providers, id) {
                ProviderStanding::BannedByName
            } else if ban.rivals && !table.approves_all_of(id, approve, roster) {
                ProviderStanding::Rival
            } else {
                ProviderStanding::Free
            };
            table.providers.insert(id.clone(), (provider.clone(), standing));
        }
        for (id, tool) in &roster.tools {
            let standing = if names(&ban.tools, id) {
                Standing::Banned(Reason::BannedTool)
            } else if table.bans_by_name(&tool.provider) {
                Standing::Banned(Reason::BannedProvider)
            } else if names(&approve.tools, id) {
                Standing::Approved
            } else if ban.rivals {
                Standing::Banned(Reason::BannedTool)
            } else {
                Standing::Neutral
            };
            table.tools.insert(id.clone(), (tool.clone(), standing));
        }
        let makers = table.banned_makers();
        let days = table.tools().map(|tool| tool.first_available.date);
        let days = days.chain(table.providers().map(|provider| provider.first_available.date));
        table.first_availability = days.chain(makers).min();
        table
    }

    pub(super) fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools
            .values()
            .filter(|(_, standing)| matches!(standing, Standing::Banned(_)))
            .map(|(tool, _)| tool)
    }

    pub(super) fn providers(&self) -> impl Iterator<Item = &Provider> {
        let banned = |standing: ProviderStanding| standing != ProviderStanding::Free;
        self.providers.values().filter(move |(_, standing)| banned(*standing)).map(|(provider, _)| provider)
    }

    /// Whether a person's word about so many tools speaks of everything that is banned. What is banned because it is
    /// not approved has no end, so that no list covers it.
    pub(super) fn is_covered(&self, covers: &Coverage) -> bool {
        let (tools, providers) = match covers {
            Coverage::Any => return true,
            Coverage::Named { .. } if self.rivals => return false,
            Coverage::Named { tools, providers } => (tools, providers),
        };
        let maker = |model: &ModelId| family_of(model, &self.families).map(|family| &family.provider);
        self.providers().all(|banned| providers.contains(&banned.id))
            && self.tools().all(|banned| tools.contains(&banned.id) || providers.contains(&banned.provider))
            && self
                .banned_models
                .iter()
                .all(|banned| maker(banned).is_some_and(|maker| providers.contains(maker)))
    }

    pub(super) fn first_availability(&self) -> Option<Date> {
        self.first_availability
    }

    /// Whether nothing of the roster is banned.
    pub(super) fn is_empty(&self) -> bool {
        self.first_availability.is_none() && self.banned_models.is_empty()
    }

    pub(super) fn answer(&self, taint: &Taint) -> Answer {
        let tool = self.tool_standing(taint.tool.as_ref(), taint.provider.as_ref());
        let model = self.model_standing(taint.model.as_ref(), taint.model_provider.as_ref());
        let mut banned = Reasons::NONE;
        for standing in [tool, model] {
            if let Standing::Banned(reason) = standing {
                banned.insert(reason);
            }
        }
        if banned.is_empty() && taint.tool.is_none() && taint.model.is_none() {
            banned.insert(Reason::UnknownTool);
        }
        if !banned.is_empty() {
            return Answer::Banned(banned);
        }
        Answer::Free(match (tool, model) {
            (Standing::Approved, _) => Reason::ApprovedTool,
            (_, Standing::Approved) => Reason::ApprovedModel,
            _ => Reason::NotBanned,
        })
    }

    fn tool_standing(&self, tool: Option<&ToolId>, provider: Option<&ProviderId>) -> Standing {
        if provider.is_some_and(|provider| self.bans_by_name(provider)) {
            return Standing::Banned(Reason::BannedProvider);
        }
        match (tool.map(|tool| self.tools.get(tool)), provider) {
            (Some(Some((_, standing))), _) => *standing,
            (Some(None), _) if self.rivals => Standing::Banned(Reason::UnlistedTool),
            (None, Some(provider)) if self.is_rival(provider) => Standing::Banned(Reason::BannedProvider),
            (Some(None) | None, _) => Standing::Neutral,
        }
    }

    fn model_standing(&self, model: Option<&ModelId>, maker: Option<&ProviderId>) -> Standing {
        if maker.is_some_and(|maker| self.bans_by_name(maker)) {
            return Standing::Banned(Reason::BannedModelProvider);
        }
        let Some(model) = model else {
            let rival = maker.is_some_and(|maker| self.is_rival(maker));
            return if rival { Standing::Banned(Reason::BannedModelProvider) } else { Standing::Neutral };
        };
        let family = family_of(model, &self.families);
        if covered(model, &self.banned_models) {
            Standing::Banned(Reason::BannedModel)
        } else if family.is_some_and(|family| self.bans_by_name(&family.provider)) {
            Standing::Banned(Reason::BannedModelProvider)
        } else if covered(model, &self.approved_models) {
            Standing::Approved
        } else if self.rivals {
            Standing::Banned(if family.is_some() { Reason::BannedModel } else { Reason::UnlistedModel })
        } else {
            Standing::Neutral
        }
    }

    /// Whether the provider is banned by its own id.
    pub(crate) fn bans_by_name(&self, provider: &ProviderId) -> bool {
        self.providers.get(provider).is_some_and(|(_, standing)| *standing == ProviderStanding::BannedByName)
    }

    /// Whether the tool is banned by its own id.
    pub(crate) fn bans_tool_by_name(&self, tool: &ToolId) -> bool {
        self.banned_tools.contains(tool)
    }

    /// Returns what the policy says of a listed tool, whichever model it calls; `None` where it says nothing.
    pub(crate) fn answer_for_tool(&self, tool: &ToolId) -> Option<Answer> {
        match self.tools.get(tool)?.1 {
            Standing::Banned(reason) => Some(Answer::Banned([reason].into_iter().collect())),
            Standing::Approved => Some(Answer::Free(Reason::ApprovedTool)),
            Standing::Neutral => None,
        }
    }

    /// Returns what the policy says of the models that a provider makes.
    pub(crate) fn models_of(&self, provider: &ProviderId) -> ModelsStanding {
        let families: Vec<&Model> =
            self.families.iter().filter(|family| family.provider == *provider).collect();
        let standings = families.iter().map(|family| self.model_standing(Some(&family.id), None));
        let by_name = |model: &ModelId| family_of(model, &self.families).map(|family| &family.provider);
        ModelsStanding {
            by_name: self.banned_models.iter().any(|model| by_name(model) == Some(provider)),
            banned: standings.clone().any(|standing| matches!(standing, Standing::Banned(_))),
            all_approved: !families.is_empty() && standings.clone().all(|one| one == Standing::Approved),
        }
    }

    /// Whether `rivals` reaches a provider that a mark names without naming its tool or model.
    pub(crate) fn is_rival(&self, provider: &ProviderId) -> bool {
        let standing = self.providers.get(provider).map(|(_, standing)| *standing);
        self.rivals && standing != Some(ProviderStanding::Free)
    }

    /// Whether everything listed of the provider is approved: then it is one of us. One that nothing is listed of
    /// is not.
    fn approves_all_of(&self, provider: &ProviderId, approve: &Approve, roster: &Roster) -> bool {
        let tools = roster.tools.values().filter(|tool| tool.provider == *provider);
        let models = roster.models.values().filter(|model| model.provider == *provider);
        let approvals: Vec<bool> = tools
            .map(|tool| names(&approve.tools, &tool.id))
            .chain(models.map(|model| covered(&model.id, &self.approved_models)))
            .collect();
        !approvals.is_empty() && approvals.iter().all(|approved| *approved)
    }

    /// Returns the first days of the makers of banned models: the roster dates no model by itself.
    fn banned_makers(&self) -> Vec<Date> {
        let by_name = self.banned_models.iter().filter_map(|model| family_of(model, &self.families));
        let as_rival = self.families.iter().filter(|family| {
            matches!(self.model_standing(Some(&family.id), Some(&family.provider)), Standing::Banned(_))
        });
        by_name
            .chain(as_rival)
            .filter_map(|family| self.providers.get(&family.provider))
            .map(|(provider, _)| provider.first_available.date)
            .collect()
    }
}

/// Whether a list of the policy has the id.
pub(super) fn names<T: PartialEq>(list: &[Spanned<T>], id: &T) -> bool {
    list.iter().any(|listed| listed.get_ref() == id)
}

/// Whether one of the listed models is the model or the beginning of its name.
pub(super) fn covered(model: &ModelId, listed: &[ModelId]) -> bool {
    listed.iter().any(|listed| covers(listed, model))
}

/// Returns the family with the longest name that the model belongs to.
pub(super) fn family_of<'a>(
    model: &ModelId,
    families: impl IntoIterator<Item = &'a Model>,
) -> Option<&'a Model> {
    families
        .into_iter()
        .filter(|family| covers(&family.id, model))
        .max_by_key(|family| family.id.as_str().len())
}

/// Whether `model` is `listed` or is named after it: `gpt` covers `gpt-4o` and `gpt4`, but not `gptx`.
pub(super) fn covers(listed: &ModelId, model: &ModelId) -> bool {
    let Some(rest) = model.as_str().strip_prefix(listed.as_str()) else { return false };
    let ends_in_digit = listed.as_str().ends_with(|last: char| last.is_ascii_digit());
    rest.chars().next().is_none_or(|next| match next {
        '-' | '.' | '_' => true,
        // `claude-3` must not cover `claude-35`.
        '0'..='9' => !ends_in_digit,
        _ => false,
    })
}
