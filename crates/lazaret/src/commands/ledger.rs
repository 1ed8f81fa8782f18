//! `lazaret ledger`: publishes what was done, proves single entries, and verifies all of it.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use lazaret_pipeline::house::{House, named};
use lazaret_pipeline::ledger::{LedgerReport, VerifyRequest, publish, verify};
use lazaret_seal::{CosignatureVerifier, Cosigner, NoteSigner, NoteVerifier, PublicKey, SecretKey};
use lazaret_store::{EntryProof, NamedDuties, PublicLog, Publisher, Shelf, TrustedLog, Witness};

use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::gate::admission::ReportFormat;
use crate::commands::hold::vault_of;
use crate::commands::key::read_secret;
use crate::exit::ExitCode;
use crate::house::{StoreArgs, environment, house_error};
use crate::output::Output;
use crate::report::json::write_line;
use crate::runtime::block_on;
use crate::screen::Screen;
use crate::speech;
use crate::text::{count, plain_line};

/// Arguments of `lazaret ledger`.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
enum LedgerCommand {
    /// Publish the entries that are not published yet
    Publish {
        /// The file of the ledger's secret key
        #[arg(long, value_name = "FILE")]
        ledger_key: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Write the verifier key of a store's ledger
    Key(StoreArgs),
    /// Take cosignatures over into the published checkpoint
    Adopt {
        /// The checkpoint as a witness cosigned it
        #[arg(value_name = "CHECKPOINT")]
        cosigned: PathBuf,
        /// A witness's verifier key, or a file that holds it; may be given more than once
        #[arg(long, value_name = "VKEY", required = true)]
        witness: Vec<String>,
        /// The file of the ledger's secret key
        #[arg(long, value_name = "FILE")]
        ledger_key: PathBuf,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Hold database, vault and public log against the entries
    ///
    /// Every entry is done again by the rules under which it was made. With a store, all three are looked at. A third party names the public log alone, and the key or keys to trust.
    Verify(VerifyArgs),
    /// Write the proof that an entry is in the published ledger
    Prove {
        /// The number of the entry
        #[arg(value_name = "ENTRY")]
        seq: u64,
        #[command(flatten)]
        public: PublicArgs,
        /// Write to a file, which appears only when it is whole, instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Check such a proof without the ledger
    Check {
        /// The file of the proof
        #[arg(value_name = "PROOF")]
        proof: PathBuf,
        /// The file of the entry
        #[arg(value_name = "ENTRY")]
        entry: PathBuf,
        #[command(flatten)]
        trust: TrustArgs,
    },
    /// Write an entry as it is published
    Show {
        /// The number of the entry
        #[arg(value_name = "ENTRY")]
        seq: u64,
        #[command(flatten)]
        public: PublicArgs,
    },
    /// Cosign the published checkpoint from another machine
    ///
    /// A checkpoint that does not continue the last one is refused. The witness remembers what it has seen in a folder of its own. The cosigned checkpoint is written to standard
    /// output; who runs the ledger adopts it.
    Witness {
        /// The folder in which the witness remembers; made where it is not there
        #[arg(long, value_name = "DIR")]
        state: PathBuf,
        /// The witness's name, such as `audit.example/witness`
        #[arg(long, value_name = "NAME")]
        name: String,
        /// The file of the witness's secret key
        #[arg(long, value_name = "FILE")]
        witness_key: PathBuf,
        #[command(flatten)]
        public: PublicArgs,
    },
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The store, with its vault and its public log
    #[command(flatten)]
    store: StoreArgs,
    /// The public log alone: a folder or an object store
    #[arg(long, value_name = "PLACE")]
    log: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    /// A checkpoint of the log that was verified and kept earlier
    #[arg(long, value_name = "FILE")]
    kept: Option<PathBuf>,
    /// Policies in Cedar that the store ever worked under, besides the built-in ones; may be given more than once
    #[arg(long, value_name = "FILE")]
    duties: Vec<PathBuf>,
    /// How to write what was found
    #[arg(long, value_enum, default_value = "human")]
    format: ReportFormat,
}

#[derive(Debug, Args)]
struct PublicArgs {
    /// The public log: a folder or an object store
    #[arg(long, value_name = "PLACE")]
    log: String,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, Args)]
struct TrustArgs {
    /// The ledger's verifier key, `name+hash+key`, or a file that holds it
    #[arg(long, value_name = "VKEY")]
    trust: Option<String>,
    /// A witness's verifier key, or a file that holds it; may be given more than once
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many of the witnesses must have cosigned; all of them by default
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
}

/// Runs the command.
pub(crate) fn run(args: &LedgerArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    match &args.command {
        LedgerCommand::Publish { ledger_key, store } => publish_entries(ledger_key, store, global),
        LedgerCommand::Key(store) => {
            let key = block_on(async { own_key(&store.open().await?) })?;
            Output::open(None)?.write(|out| writeln!(out, "{key}"))?;
            Ok(ExitCode::Success)
        }
        LedgerCommand::Adopt { cosigned, witness, ledger_key, store } => {
            adopt(cosigned, witness, ledger_key, store, global)
        }
        LedgerCommand::Verify(args) => verify_ledger(args),
        LedgerCommand::Prove { seq, public, output } => {
            let proof = block_on(async {
                let log = public.open().await?;
                log.prove(*seq)
                    .await
                    .map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
            })?;
            Output::open(output.as_deref())?.write(|out| write!(out, "{proof}"))?;
            Ok(ExitCode::Success)
        }
        LedgerCommand::Check { proof, entry, trust } => check(proof, entry, trust, global),
        LedgerCommand::Show { seq, public } => show(*seq, public),
        LedgerCommand::Witness { state, name, witness_key, public } => {
            cosign(state, name, witness_key, public, global)
        }
    }
}

fn publish_entries(key: &Path, store: &StoreArgs, global: &GlobalArgs) -> Result<ExitCode, CommandError> {
    let key = read_secret(key)?;
    let published = block_on(async {
        let house = store.open().await?;
        let (signer, shelf) =
            (signer(&house, &key)?, house.ledger_shelf(&environment()).map_err(house_error)?);
        let published = publish(house.store.database(), shelf, &signer).await;
        published.map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
    })?;
    let (new, size) = (count(published.new_entries, "entry", "entries"), published.checkpoint.size);
    say(&format!("published {new}; there are {size} now"), global);
    Ok(ExitCode::Success)
}

fn adopt(
    cosigned: &Path,
    witnesses: &[String],
    key: &Path,
    store: &StoreArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let (cosigned, key) = (read_file(cosigned)?, read_secret(key)?);
    let witnesses = witness_keys(witnesses)?;
    let adopted = block_on(async {
        let house = store.open().await?;
        let (signer, shelf) =
            (signer(&house, &key)?, house.ledger_shelf(&environment()).map_err(house_error)?);
        let adopted = Publisher::new(shelf, &signer).adopt(&cosigned, &witnesses).await;
        adopted.map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
    })?;
    say(&format!("took over {}", count(adopted.len() as u64, "cosignature", "cosignatures")), global);
    Ok(ExitCode::Success)
}

/// Returns what signs the checkpoints of a store, if the key is that of its ledger.
fn signer<'a>(house: &House, key: &'a SecretKey) -> Result<NoteSigner<'a>, CommandError> {
    if house.charter.ledger_key.0 != *key.public().as_bytes() {
        return Err(CommandError::new(ExitCode::Failure, "this is not the key of the store's ledger")
            .hint("give the secret key whose public one the store was made with"));
    }
    NoteSigner::new(&house.charter.name, key)
        .map_err(|error| CommandError::from_error(ExitCode::Failure, error))
}

/// Returns the verifier key that a store's own charter names.
fn own_key(house: &House) -> Result<NoteVerifier, CommandError> {
    let key = PublicKey::from_bytes(&house.charter.ledger_key.0);
    key.and_then(|key| NoteVerifier::new(&house.charter.name, key).ok()).ok_or_else(|| {
        CommandError::new(ExitCode::LedgerInvalid, "the store's charter names no key for its ledger")
            .hint("`lazaret ledger verify` says what else is wrong")
    })
}

fn say(message: &str, global: &GlobalArgs) {
    if !global.quiet {
        speech::note(message, &Screen::stderr(global.color));
    }
}

fn verify_ledger(args: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let report = block_on(async {
        let kept = args.kept.as_deref().map(read_checkpoint).transpose()?;
        if let Some(log) = &args.log {
            let (shelf, trusted) = (shelf(log)?, args.trust.log(None)?);
            let duties = duties(&args.duties)?;
            let kept = kept.map(|bytes| trusted.read(&bytes)).transpose().map_err(untrusted)?;
            let kept = kept.as_ref().map(|head| &head.checkpoint);
            let request = VerifyRequest {
                store: None,
                vault: None,
                public: Some((&shelf, &trusted)),
                kept,
                duties: &duties,
            };
            return verify(&request).await.map_err(unreadable);
        }
        let house = args.store.open().await?;
        let (vault, shelf) = (vault_of(&house)?, house.ledger_shelf(&environment()).map_err(house_error)?);
        let trusted = args.trust.log(Some(own_key(&house)?))?;
        let kept = kept.map(|bytes| trusted.read(&bytes)).transpose().map_err(untrusted)?;
        let duties = house.all_duties().await.map_err(house_error)?;
        // Before the first publication there is no log that could be wrong; a log that cannot be read, or that has
        // lost its checkpoint, is one.
        let is_asked_for = kept.is_some() || !args.trust.witness.is_empty();
        let is_published = is_asked_for || !is_empty(&shelf).await?;
        let request = VerifyRequest {
            store: Some(&house.store),
            vault: Some(&vault),
            public: is_published.then_some((&shelf, &trusted)),
            kept: kept.as_ref().map(|head| &head.checkpoint),
            duties: &duties,
        };
        let mut report = verify(&request).await.map_err(unreadable)?;
        if !is_published {
            report
                .notes
                .push("nothing is published yet: a store that was rolled back would not be found".to_owned());
        }
        Ok(report)
    })?;
    write_report(&report, args.format)?;
    Ok(if report.faults.is_empty() { ExitCode::Success } else { ExitCode::LedgerInvalid })
}

fn write_report(report: &LedgerReport, format: ReportFormat) -> Result<(), CommandError> {
    Output::open(None)?.write(|out| match format {
        ReportFormat::Json => write_line(report, out),
        ReportFormat::Human => {
            for fault in &report.faults {
                writeln!(out, "FAULT    {}: {}", plain_line(&fault.place), plain_line(&fault.what))?;
            }
            for note in &report.notes {
                writeln!(out, "note     {}", plain_line(note))?;
            }
            writeln!(out, "entries  {} done again, root {}", report.entries, report.root)?;
            if let Some(rows) = report.rows {
                writeln!(out, "rows     {rows} held against them")?;
            }
            if let Some(findings) = report.findings.filter(|findings| *findings > 0) {
                writeln!(out, "findings {findings} held against them")?;
            }
            if let Some(objects) = report.objects {
                writeln!(out, "vault    {}", count(objects, "object", "objects"))?;
            }
            if let Some(published) = report.published {
                let witnesses = count(report.witnesses as u64, "witness", "witnesses");
                writeln!(out, "public   {}, {witnesses}", count(published, "entry", "entries"))?;
            }
            let verdict = if report.faults.is_empty() {
                "everything is as the ledger says"
            } else {
                "NOT as the ledger says"
            };
            writeln!(out, "{verdict}")
        }
    })
}

fn check(
    proof: &Path,
    entry: &Path,
    trust: &TrustArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let text = String::from_utf8_lossy(&read_file(proof)?).into_owned();
    let proof =
        EntryProof::parse(&text).map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))?;
    let bytes = read_file(entry)?;
    let head = proof
        .verify(bytes.strip_suffix(b"\n").unwrap_or(&bytes), &trust.log(None)?)
        .map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))?;
    if !global.quiet {
        let message =
            format!("entry {} is among the {} that were signed", proof.index(), head.checkpoint.size);
        speech::note(&message, &Screen::stderr(global.color));
    }
    Ok(ExitCode::Success)
}

fn show(seq: u64, public: &PublicArgs) -> Result<ExitCode, CommandError> {
    use futures_util::StreamExt as _;
    let entry = block_on(async {
        let log = public.open().await?;
        let mut entries = std::pin::pin!(log.entries(seq..seq.saturating_add(1)));
        let entry = entries.next().await.ok_or_else(|| {
            CommandError::new(ExitCode::Usage, format!("there is no entry {seq} in the published ledger"))
        })?;
        entry.map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
    })?;
    Output::open(None)?.write(|out| {
        out.write_all(&entry.1)?;
        writeln!(out)
    })?;
    Ok(ExitCode::Success)
}

fn cosign(
    state: &Path,
    name: &str,
    key: &Path,
    public: &PublicArgs,
    global: &GlobalArgs,
) -> Result<ExitCode, CommandError> {
    let key = read_secret(key)?;
    let cosigner =
        Cosigner::new(name, &key).map_err(|error| CommandError::from_error(ExitCode::Usage, error))?;
    let log_key = public.trust.key()?;
    let cosigned = block_on(async {
        let witness = Witness::new(state, &cosigner);
        if !state.exists() {
            witness.create().await.map_err(|error| CommandError::from_error(ExitCode::Failure, error))?;
        }
        let cosigned = witness.cosign(&shelf(&public.log)?, &log_key, global.now()).await;
        cosigned.map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
    })?;
    Output::open(None)?.write(|out| write!(out, "{}", cosigned.note))?;
    say(&format!("the verifier key of this witness is {}", cosigner.verifier()), global);
    Ok(ExitCode::Success)
}

impl PublicArgs {
    async fn open(&self) -> Result<PublicLog, CommandError> {
        let log = PublicLog::open(shelf(&self.log)?, &self.trust.log(None)?).await;
        log.map_err(|error| CommandError::from_error(ExitCode::LedgerInvalid, error))
    }
}

impl TrustArgs {
    fn key(&self) -> Result<NoteVerifier, CommandError> {
        let Some(trust) = &self.trust else {
            return Err(CommandError::new(ExitCode::Usage, "no key is given to trust")
                .hint("give `--trust` the ledger's verifier key; whoever runs the store gets it from `lazaret ledger key`"));
        };
        NoteVerifier::parse(key_text(trust)?.trim())
            .map_err(|error| CommandError::from_error(ExitCode::Usage, error))
    }

    /// Returns whom to trust; `own` where the store itself says which key its ledger has.
    fn log(&self, own: Option<NoteVerifier>) -> Result<TrustedLog, CommandError> {
        let key = match (&self.trust, own) {
            (None, Some(own)) => own,
            _ => self.key()?,
        };
        let witnesses = witness_keys(&self.witness)?;
        let quorum = self.quorum.unwrap_or(witnesses.len());
        TrustedLog::new(key)
            .with_witnesses(witnesses, quorum)
            .map_err(|error| CommandError::from_error(ExitCode::Usage, error))
    }
}

fn witness_keys(texts: &[String]) -> Result<Vec<CosignatureVerifier>, CommandError> {
    let keys = texts.iter().map(|text| {
        CosignatureVerifier::parse(key_text(text)?.trim())
            .map_err(|error| CommandError::from_error(ExitCode::Usage, error))
    });
    keys.collect()
}

/// A verifier key has plus signs in it, and a file may be named anything: the file comes first.
fn key_text(text: &str) -> Result<String, CommandError> {
    let path = Path::new(text);
    if path.is_file() {
        Ok(String::from_utf8_lossy(&read_file(path)?).into_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, CommandError> {
    std::fs::read(path).map_err(|error| {
        CommandError::new(ExitCode::Failure, format!("cannot read `{}`", path.display())).because(error)
    })
}

fn read_checkpoint(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(path)
}

/// Whether nothing was ever published on a shelf.
async fn is_empty(shelf: &Shelf) -> Result<bool, CommandError> {
    use futures_util::StreamExt as _;
    match shelf.list("").next().await {
        None => Ok(true),
        Some(Ok(_)) => Ok(false),
        Some(Err(error)) => Err(CommandError::from_error(ExitCode::Failure, error)),
    }
}

fn shelf(place: &str) -> Result<Shelf, CommandError> {
    Shelf::parse(place, &environment()).map_err(|error| CommandError::from_error(ExitCode::Usage, error))
}

fn duties(paths: &[PathBuf]) -> Result<Vec<NamedDuties>, CommandError> {
    let mut all = vec![named(&lazaret_authority::Duties::built_in())];
    for path in paths {
        let text = String::from_utf8_lossy(&read_file(path)?).into_owned();
        let duties = lazaret_authority::Duties::parse(&text)
            .map_err(|error| CommandError::from_error(ExitCode::PolicyInvalid, error))?;
        all.push(named(&duties));
    }
    Ok(all)
}

fn untrusted(error: lazaret_store::TrustError) -> CommandError {
    CommandError::from_error(ExitCode::LedgerInvalid, error)
}

fn unreadable(error: lazaret_pipeline::ledger::VerifyError) -> CommandError {
    CommandError::from_error(ExitCode::Failure, error)
}
