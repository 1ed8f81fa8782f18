//! `lazaret case propose`: how a case is to end, with every taint named and refuted where it is to be cleared.

use std::collections::BTreeSet;

use lazaret_core::Digest;
use lazaret_store::{
    Act, Aggregate, Case, CaseId, ExemptionId, Justification, Key, Refutation, Refuted, Resolution,
};

use super::act::{Outcomes, cases, keep};
use super::{ProposeArgs, ResolutionChoice, delta};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::hold::read_identities;
use crate::exit::ExitCode;
use crate::house::{parse_number, store_error};
use crate::runtime::block_on;

/// The fewest digits by which a taint is named.
const PREFIX_MIN: usize = 4;

/// Runs the command.
pub(super) fn run(args: &ProposeArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let many = &args.remarked.many;
    let cases = cases(many)?;
    let ending = Ending::read(args)?;
    let identities = args.identity.as_deref().map(read_identities).transpose()?;
    if args.deltas.is_empty() && identities.is_some() {
        return Err(CommandError::new(ExitCode::Usage, "`--identity` goes with `--delta-of`"));
    }
    let outcomes = block_on(async {
        let house = many.store.open().await?;
        let actor = many.actor.enter(&house).await?;
        let mut outcomes = Outcomes::default();
        for id in cases {
            let Some(Aggregate::Case(case)) = house.store.get(Key::Case(id)).await.map_err(store_error)?
            else {
                outcomes.refuse(id, no_such(id));
                continue;
            };
            let mut resolution = ending.of(&case);
            if let (Ok(cleared), Some(identities)) = (&mut resolution, &identities) {
                let by = (&house, &actor, global);
                let changed = delta::as_change(by, &case, &args.deltas, identities, cleared).await;
                resolution = changed.and(resolution);
            }
            match resolution {
                Ok(resolution) => {
                    let remark = keep(&house, args.remarked.remark.as_deref()).await?;
                    let act = Act::ProposeResolution { case: id, resolution, remark };
                    outcomes.apply(&house, &actor, id, act, global.now()).await;
                }
                Err(error) => outcomes.refuse(id, error),
            }
        }
        Ok(outcomes)
    })?;
    outcomes.finish(global)
}

/// Says that there is no such case.
pub(super) fn no_such(id: CaseId) -> CommandError {
    CommandError::new(ExitCode::Failure, format!("there is no case {id}"))
        .hint("`lazaret case list` lists them")
}

/// How the cases are to end, as far as it is the same for all of them.
enum Ending {
    Cleared {
        justification: Justification,
        refutations: Vec<(String, Refuted)>,
        statements: BTreeSet<Digest>,
    },
    Plain(Resolution),
}

impl Ending {
    fn read(args: &ProposeArgs) -> Result<Self, CommandError> {
        let usage = |message: &str| CommandError::new(ExitCode::Usage, message);
        let clears = args.resolution == ResolutionChoice::Cleared;
        if !clears
            && (args.justification.is_some()
                || !args.refutations.is_empty()
                || !args.statements.is_empty()
                || !args.deltas.is_empty())
        {
            return Err(usage(
                "only a clearing takes a justification, refutations, statements and `--delta-of`",
            ));
        }
        if args.exemption.is_some() != (args.resolution == ResolutionChoice::ExemptLabelled) {
            return Err(usage(
                "`--exemption` goes with `--resolution exempt-labelled`, and with nothing else",
            ));
        }
        Ok(match args.resolution {
            ResolutionChoice::Removed => Self::Plain(Resolution::Removed),
            ResolutionChoice::KeptHeld => Self::Plain(Resolution::KeptHeld),
            ResolutionChoice::ExemptLabelled => {
                let exemption = args.exemption.as_deref().unwrap_or_default();
                let exemption = ExemptionId(parse_number('E', exemption)?);
                Self::Plain(Resolution::ExemptLabelled { exemption })
            }
            ResolutionChoice::Cleared => Self::Cleared {
                justification: justification(args.justification.as_deref().unwrap_or_default())?,
                refutations: args
                    .refutations
                    .iter()
                    .map(|text| refutation(text))
                    .collect::<Result<_, _>>()?,
                statements: args.statements.iter().map(|text| digest(text)).collect::<Result<_, _>>()?,
            },
        })
    }

    /// Returns the resolution of one case, with its own taints.
    fn of(&self, case: &Case) -> Result<Resolution, CommandError> {
        match self {
            Self::Plain(resolution) => Ok(resolution.clone()),
            Self::Cleared { justification, refutations, statements } => {
                let mut named = BTreeSet::new();
                for (prefix, refuted) in refutations {
                    named.insert(Refutation { evidence: evidence(case, prefix)?, refuted: *refuted });
                }
                Ok(Resolution::Cleared {
                    justification: *justification,
                    refutations: named,
                    statements: statements.clone(),
                    deltas: BTreeSet::new(),
                })
            }
        }
    }
}

/// Finds a taint of a case by the beginning of its digest.
fn evidence(case: &Case, prefix: &str) -> Result<Digest, CommandError> {
    let fits = |digest: &Digest| {
        let written = digest.to_string();
        written.strip_prefix("sha256:").is_some_and(|hex| hex.starts_with(prefix))
    };
    let found: Vec<Digest> = case.evidence.iter().map(|one| one.evidence).filter(fits).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(CommandError::new(
            ExitCode::Failure,
            format!("no taint of case {} begins with `{prefix}`", case.case),
        )
        .hint(format!("`lazaret case show {}` tells of each", case.case))),
        _ => Err(CommandError::new(
            ExitCode::Failure,
            format!("{} taints of case {} begin with `{prefix}`; write more digits", found.len(), case.case),
        )),
    }
}

fn justification(text: &str) -> Result<Justification, CommandError> {
    let found = Justification::ALL.into_iter().find(|one| one.as_str() == text);
    found.ok_or_else(|| {
        let error = CommandError::new(ExitCode::Usage, "a clearing needs a justification of the closed list");
        Justification::ALL
            .iter()
            .fold(error, |error, one| error.hint(format!("`{}`: {}", one.as_str(), one.caution())))
    })
}

fn refutation(text: &str) -> Result<(String, Refuted), CommandError> {
    let error = || {
        let words: Vec<&str> = Refuted::ALL.iter().map(|one| one.as_str()).collect();
        CommandError::new(ExitCode::Usage, format!("`{text}` refutes nothing")).hint(format!(
            "write `EVIDENCE=WHY` with {PREFIX_MIN} digits or more, and one of {}",
            words.join(", ")
        ))
    };
    let (prefix, why) = text.split_once('=').ok_or_else(error)?;
    let prefix = prefix.strip_prefix("sha256:").unwrap_or(prefix).to_lowercase();
    let refuted = Refuted::ALL.into_iter().find(|one| one.as_str() == why).ok_or_else(error)?;
    if prefix.len() < PREFIX_MIN || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(error());
    }
    Ok((prefix, refuted))
}

fn digest(text: &str) -> Result<Digest, CommandError> {
    text.parse().map_err(|error| CommandError::from_error(ExitCode::Usage, error))
}
