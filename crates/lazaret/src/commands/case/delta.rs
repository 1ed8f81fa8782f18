//! `lazaret case diff`, and clearings of changes: what changed is counted from the bytes by whoever answers for it.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lazaret_core::Digest;
use lazaret_pipeline::house::House;
use lazaret_pipeline::quarantine::{DiffLine, Difference, Quarantine};
use lazaret_policy::Policy;
use lazaret_store::{
    Act, Actor, Aggregate, Case, Delta, Hold, Identities, Key, Query, Refutation, Resolution,
};

use super::AgreeArgs;
use super::act::{Outcomes, cases};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::hold::{by, find_content, quarantine_error, read_identities, vault_of};
use crate::exit::ExitCode;
use crate::house::{ActorArgs, StoreArgs, house_error, store_error};
use crate::output::Output;
use crate::runtime::block_on;
use crate::screen::{Ink, Screen};
use crate::text::{count, plain};

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 3;

/// Which contents to compare.
#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// The content, or enough of its digest to tell it from others
    #[arg(value_name = "CONTENT")]
    content: String,
    /// The content that it is a change of
    #[arg(long, value_name = "BASE")]
    from: String,
    /// The file of the secret key that opens the vault
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    actor: ActorArgs,
}

/// Shows what changed.
pub(super) fn show(args: &DiffArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let identities = read_identities(&args.identity)?;
    let difference = block_on(async {
        let house = args.store.open().await?;
        let (actor, vault) = (args.actor.enter(&house).await?, vault_of(&house)?);
        let content = find_content(&house, &args.content).await?;
        let base = find_content(&house, &args.from).await?;
        let quarantine = by(&house, &vault, &actor, global);
        quarantine.difference(content, base, &identities).await.map_err(quarantine_error)
    })?;
    let screen = Screen::stdout(global.color);
    Output::open(None)?.write(|out| write(&difference, &screen, out))?;
    Ok(ExitCode::Success)
}

fn write(difference: &Difference, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
    let Delta { content, base, lines } = difference.delta;
    writeln!(out, "{}", screen.paint(Ink::Heading, &format!("{content} since {base}")))?;
    let changed = |line: &DiffLine| line.old.is_none() || line.new.is_none();
    let is_near = |at: usize| {
        let around = difference.lines.iter().skip(at.saturating_sub(CONTEXT));
        around.take(CONTEXT + 1 + at.min(CONTEXT)).any(changed)
    };
    let number = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    let mut is_cut = false;
    for (at, line) in difference.lines.iter().enumerate() {
        if !is_near(at) {
            if !is_cut {
                writeln!(out, "  ...")?;
            }
            is_cut = true;
            continue;
        }
        is_cut = false;
        let sign = match (line.old, line.new) {
            (None, _) => '+',
            (_, None) => '-',
            _ => ' ',
        };
        let text = String::from_utf8_lossy(&line.text);
        let text = plain(text.trim_end_matches('\n'));
        writeln!(out, "{:>7} {:>7} {sign} {text}", number(line.old), number(line.new))?;
    }
    writeln!(out, "{} came in", count(lines, "line", "lines"))
}

/// Agrees with what is proposed; where only what changed was read, it is counted again.
pub(super) fn agree(args: &AgreeArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let cases = cases(&args.many)?;
    let identities = args.identity.as_deref().map(read_identities).transpose()?;
    let outcomes = block_on(async {
        let house = args.many.store.open().await?;
        let actor = args.many.actor.enter(&house).await?;
        let mut outcomes = Outcomes::default();
        for id in cases {
            let row = house.store.get(Key::Case(id)).await.map_err(store_error)?;
            // What is agreed with is what was read here: counting lines takes a while, and a proposal may be exchanged.
            let (checked, resolution) = match row {
                Some(Aggregate::Case(case)) => (
                    recount(&house, &actor, &case, identities.as_ref(), global).await,
                    case.proposal.map(|proposal| proposal.resolution.digest()),
                ),
                Some(_) | None => (Ok(()), None),
            };
            match checked {
                Ok(()) => {
                    let act = Act::AgreeResolution { case: id, resolution };
                    outcomes.apply(&house, &actor, id, act, global.now()).await;
                }
                Err(error) => outcomes.refuse(id, error),
            }
        }
        Ok(outcomes)
    })?;
    outcomes.finish(global)
}

/// Counts again what a proposal says has changed.
pub(super) async fn recount(
    house: &House,
    actor: &Actor,
    case: &Case,
    identities: Option<&Identities>,
    global: &GlobalArgs,
) -> Result<(), CommandError> {
    let Some(deltas) = case.proposal.as_ref().and_then(|proposal| proposal.resolution.deltas()) else {
        return Ok(());
    };
    let Some(identities) = identities else {
        let message = format!("{} is to be cleared as a change of what was cleared", case.case);
        return Err(CommandError::new(ExitCode::Usage, message)
            .hint("name the key of the vault by `--identity`, so that the lines are counted again")
            .hint("`lazaret case diff` shows them"));
    };
    let vault = vault_of(house)?;
    let quarantine = by(house, &vault, actor, global);
    for delta in deltas {
        let found = quarantine.difference(delta.content, delta.base, identities).await;
        let found = found.map_err(quarantine_error)?.delta;
        if found.lines > delta.lines {
            let message = format!(
                "{} lines of {} are new, and the proposal for {} says {}",
                found.lines, delta.content, case.case, delta.lines
            );
            return Err(CommandError::new(ExitCode::Failure, message)
                .hint("turn the proposal down: it does not say what was there to read"));
        }
    }
    Ok(())
}

/// Clears a case as a change: names for each of its contents how it differs from what was cleared, and takes over the
/// refutations of taints that were refuted there.
pub(super) async fn as_change(
    (house, actor, global): (&House, &Actor, &GlobalArgs),
    case: &Case,
    named: &[String],
    identities: &Identities,
    resolution: &mut Resolution,
) -> Result<(), CommandError> {
    let Resolution::Cleared { refutations, deltas, .. } = resolution else { return Ok(()) };
    let vault = vault_of(house)?;
    let quarantine = by(house, &vault, actor, global);
    let mut inherited: Option<BTreeSet<Refutation>> = None;
    for (content, base) in pairs(house, case, named).await? {
        let delta = compare(&quarantine, content, base, identities).await?;
        deltas.insert(delta);
        let refuted = refuted_of(house, base).await?;
        inherited = Some(match inherited {
            // What counts against one of several contents was refuted only where it was refuted for all of them.
            Some(so_far) => so_far.intersection(&refuted).cloned().collect(),
            None => refuted,
        });
    }
    let own: BTreeSet<Digest> = refutations.iter().map(|one| one.evidence).collect();
    let of_case: BTreeSet<Digest> = case.evidence.iter().map(|one| one.evidence).collect();
    let needed = |one: &Refutation| of_case.contains(&one.evidence) && !own.contains(&one.evidence);
    refutations.extend(inherited.into_iter().flatten().filter(needed));
    is_accepted(house, deltas).await
}

async fn compare(
    quarantine: &Quarantine<'_>,
    content: Digest,
    base: Digest,
    identities: &Identities,
) -> Result<Delta, CommandError> {
    let found = quarantine.difference(content, base, identities).await;
    Ok(found.map_err(quarantine_error)?.delta)
}

/// Finds the contents that are named: `CONTENT=BASE`, or the base alone where the case has one content.
async fn pairs(house: &House, case: &Case, named: &[String]) -> Result<Vec<(Digest, Digest)>, CommandError> {
    let mut pairs = Vec::new();
    for text in named {
        pairs.push(match text.split_once('=') {
            Some((content, base)) => (find_content(house, content).await?, find_content(house, base).await?),
            None => (only_content(house, case).await?, find_content(house, text).await?),
        });
    }
    Ok(pairs)
}

async fn only_content(house: &House, case: &Case) -> Result<Digest, CommandError> {
    let query = Query::of("hold").owner(&Key::Case(case.case).id()).limit(2);
    let rows = house.store.list(&query).await.map_err(store_error)?;
    match rows.as_slice() {
        [Aggregate::Hold(Hold { content, .. })] => Ok(*content),
        _ => Err(CommandError::new(ExitCode::Usage, format!("{} has more than one content", case.case))
            .hint("write `--delta-of CONTENT=BASE`, once for each of them")),
    }
}

async fn refuted_of(house: &House, base: Digest) -> Result<BTreeSet<Refutation>, CommandError> {
    let Some(Aggregate::Hold(hold)) = house.store.get(Key::Hold(base)).await.map_err(store_error)? else {
        return Ok(BTreeSet::new());
    };
    let case = house.store.get(Key::Case(hold.case)).await.map_err(store_error)?;
    let Some(Aggregate::Case(case)) = case else { return Ok(BTreeSet::new()) };
    Ok(match case.standing(house.charter.basis.policy).map(|decision| &decision.resolution) {
        Some(Resolution::Cleared { refutations, .. }) => refutations.clone(),
        Some(_) | None => BTreeSet::new(),
    })
}

/// The store takes what two agree on; whether it proves anything is for the policy, and nobody should read in vain.
async fn is_accepted(house: &House, deltas: &BTreeSet<Delta>) -> Result<(), CommandError> {
    let text = house.document(house.charter.basis.policy).await.map_err(house_error)?;
    let Ok(policy) = Policy::parse(&text) else { return Ok(()) };
    let most = u64::from(policy.sections().review.delta_lines);
    match deltas.iter().find(|delta| most == 0 || delta.lines > most) {
        None => Ok(()),
        Some(delta) => {
            let lines = count(delta.lines, "line", "lines");
            let message = format!("{lines} came in, and the store's policy accepts {most} of a change");
            Err(CommandError::new(ExitCode::Denied, message).hint(
                "have the whole content reviewed, or ask the policy's owner about `review.delta-lines`",
            ))
        }
    }
}
