//! One door for all changes of a process: commands that wait are carried out together and made durable at once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lazaret_core::Digest;
use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};

use super::Database;
use super::connection::{Access, connect};
use super::error::DatabaseError;
use super::transaction::{Doubt, Transaction, Unkept};
use super::url::StoreUrl;

/// Carries out commands, many in one transaction, and answers when they are durable.
///
/// It ends when its last clone is dropped and everything that waited is done.
#[derive(Debug, Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// A command was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError<E> {
    /// The command itself refused; nothing of it was kept.
    #[error(transparent)]
    Refused(E),
    /// The database failed; nothing of the command was kept.
    #[error("nothing of the command was kept")]
    NotKept {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// The database failed while it made the command durable, and could not be asked afterwards.
    #[error("it is not known whether the command was kept; look at the last entries before trying again")]
    Unknown {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// The command panicked; nothing of it was kept.
    #[error("the command came to an end that nobody foresaw; nothing of it was kept")]
    Panicked,
    /// The writer has ended.
    #[error("the store was closed; nothing of the command was kept")]
    Closed,
}

/// So many commands at most share a transaction.
const BATCH_JOBS_MAX: usize = 256;
/// So many may wait before those who come are held up.
const WAITING_JOBS_MAX: usize = 1024;
/// How long a server that does not answer is left alone before it is asked again.
const SETTLE_PAUSE: Duration = Duration::from_millis(200);

impl Writer {
    /// Starts one for this process, on the runtime that calls. Other processes may have theirs.
    #[must_use]
    pub fn start(database: &Database) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_JOBS_MAX);
        let worker = Worker { url: database.url().clone(), connection: None };
        drop(tokio::spawn(worker.work(waiting)));
        Self { jobs }
    }

    /// Carries out a command, and returns when what it did is durable.
    ///
    /// A command that refuses leaves nothing behind and hurts none of its neighbours. A command whose caller stops
    /// waiting is carried out all the same.
    ///
    /// # Errors
    /// [`WriterError::Refused`] with the command's own error; the others when the database fails.
    pub async fn run<T, E, F>(&self, job: F) -> Result<T, WriterError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        F: FnOnce(&mut Transaction) -> BoxFuture<'_, Result<T, E>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let command = Command { job: Some(job), outcome: None, reply };
        self.jobs.send(Box::new(command)).await.map_err(|_closed| WriterError::Closed)?;
        answer.await.unwrap_or(Err(WriterError::Closed))
    }
}

/// Whether the transaction around a command was made durable.
enum Fate {
    Kept,
    NotKept(DatabaseError),
    Unknown(DatabaseError),
}

/// A command, whatever it answers with.
trait Job: Send {
    /// Carries it out, and says whether what it did is to be kept.
    fn run<'t>(&'t mut self, transaction: &'t mut Transaction) -> BoxFuture<'t, bool>;

    /// Answers whoever waits.
    fn answer(self: Box<Self>, fate: &Fate);
}

struct Command<F, T, E> {
    job: Option<F>,
    outcome: Option<Result<T, WriterError<E>>>,
    reply: oneshot::Sender<Result<T, WriterError<E>>>,
}

impl<F, T, E> Job for Command<F, T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    F: FnOnce(&mut Transaction) -> BoxFuture<'_, Result<T, E>> + Send + 'static,
{
    fn run<'t>(&'t mut self, transaction: &'t mut Transaction) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(job) = self.job.take() else { return false };
            // A command that panics must not take its neighbours with it.
            let outcome = AssertUnwindSafe(async { job(transaction).await }).catch_unwind().await;
            let outcome = match outcome {
                Ok(Ok(_)) if transaction.is_refused() => {
                    Err(WriterError::NotKept { source: DatabaseError::Ignored })
                }
                Ok(outcome) => outcome.map_err(WriterError::Refused),
                Err(_panic) => Err(WriterError::Panicked),
            };
            self.outcome.insert(outcome).is_ok()
        })
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let answer = match (fate, self.outcome) {
            (Fate::Kept, Some(outcome)) => outcome,
            (Fate::Kept, None) => Err(WriterError::Closed),
            // A refusal may rest on what a neighbour did, and that was not kept either.
            (Fate::NotKept(source), _) => Err(WriterError::NotKept { source: source.clone() }),
            (Fate::Unknown(source), _) => Err(WriterError::Unknown { source: source.clone() }),
        };
        // Who stopped waiting needs no answer.
        drop(self.reply.send(answer));
    }
}

/// What carries out the commands, one transaction after the other.
struct Worker {
    url: StoreUrl,
    /// From the last transaction, if that ended well.
    connection: Option<AnyConnection>,
}

type Waiting = mpsc::Receiver<Box<dyn Job>>;

impl Worker {
    async fn work(mut self, mut waiting: Waiting) {
        while let Some(first) = waiting.recv().await {
            let mut batch = Vec::new();
            let fate = self.carry_out(first, &mut waiting, &mut batch).await;
            for job in batch {
                job.answer(&fate);
            }
        }
    }

    /// Carries out a command, and those that have come meanwhile, in one transaction.
    async fn carry_out(
        &mut self,
        first: Box<dyn Job>,
        waiting: &mut Waiting,
        batch: &mut Vec<Box<dyn Job>>,
    ) -> Fate {
        match self.begin().await {
            Ok(mut transaction) => {
                let mut next = Some(first);
                while let Some(mut job) = next {
                    let attempted = attempt(&mut transaction, job.as_mut()).await;
                    batch.push(job);
                    if let Err(error) = attempted {
                        // The connection goes with the transaction, and what it did with the connection.
                        return Fate::NotKept(error);
                    }
                    let room = batch.len() < BATCH_JOBS_MAX;
                    next = if room { waiting.try_recv().ok() } else { None };
                }
                self.commit(transaction).await
            }
            Err(error) => {
                // Whoever waits has waited as long as the first.
                batch.push(first);
                batch.extend(std::iter::from_fn(|| waiting.try_recv().ok()));
                Fate::NotKept(error)
            }
        }
    }

    async fn begin(&mut self) -> Result<Transaction, DatabaseError> {
        if let Some(connection) = self.connection.take() {
            match Transaction::begin(connection, &self.url).await {
                // The server may have been started anew since.
                Err(DatabaseError::Unreachable { .. }) => {}
                begun => return begun,
            }
        }
        Transaction::begin(connect(&self.url, Access::Write).await?, &self.url).await
    }

    async fn commit(&mut self, transaction: Transaction) -> Fate {
        match transaction.commit().await {
            Ok(connection) => {
                self.connection = Some(connection);
                Fate::Kept
            }
            Err(Unkept::No(error)) => Fate::NotKept(error),
            Err(Unkept::Doubtful(doubt)) => self.settle(doubt).await,
        }
    }

    /// Finds out what became of a transaction whose end was not answered.
    ///
    /// A new transaction waits for the old one to end, on either engine, and then sees its last entry or does not. A
    /// server that is just started anew is waited for as long as a lock would be.
    async fn settle(&mut self, Doubt { source, last_entry }: Doubt) -> Fate {
        let Some((seq, expected)) = last_entry else { return Fate::Unknown(source) };
        let patience = self.url.patience();
        let asking = async {
            loop {
                if let Ok(leaf) = self.leaf(seq).await {
                    return leaf;
                }
                tokio::time::sleep(SETTLE_PAUSE).await;
            }
        };
        match tokio::time::timeout(patience, asking).await {
            Ok(Some(leaf)) if leaf == expected => Fate::Kept,
            Ok(_) => Fate::NotKept(source),
            Err(_elapsed) => Fate::Unknown(source),
        }
    }

    async fn leaf(&mut self, seq: u64) -> Result<Option<Digest>, DatabaseError> {
        self.begin().await?.leaf(seq).await
    }
}

/// Carries out one command, and leaves nothing of it where it is not to be kept.
async fn attempt(transaction: &mut Transaction, job: &mut dyn Job) -> Result<(), DatabaseError> {
    let mark = transaction.mark().await?;
    if job.run(transaction).await { transaction.keep().await } else { transaction.undo(mark).await }
}
