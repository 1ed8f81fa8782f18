//! Takes the chunks of one shard through the gate: judged by several threads at once, read and acted on in their order.
//!
//! A thread reads the chunk that comes next, judges it while others read and judge theirs, and waits for its turn to act
//! on it. So what is written is the same for any number of threads, and no more chunks are in memory than there are
//! threads.

use std::panic;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use lazaret_shard::{Chunk, ShardReader};

use super::shard::GateShardError;

/// Reads a shard to its end, or to the first chunk that cannot be read or acted on: everything before it was acted on,
/// in order, and nothing after it.
pub(super) fn each_in_turn<V>(
    reader: Box<dyn ShardReader>,
    n_threads: usize,
    judge: impl Fn(&Chunk) -> V + Sync,
    act: impl FnMut(&Chunk, V) -> Result<(), GateShardError> + Send,
) -> Result<(), GateShardError> {
    let line = Line {
        reading: Mutex::new(Reading { reader, n_read: 0, has_ended: false }),
        acting: Mutex::new(Acting { act, n_done: 0, is_stopped: false, error: None }),
        moved_on: Condvar::new(),
        judge,
    };
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..n_threads).map(|_| scope.spawn(|| line.work())).collect();
        line.work();
        for helper in helpers {
            // A bug in one thread is a bug of the whole.
            helper.join().unwrap_or_else(|bug| panic::resume_unwind(bug));
        }
    });
    let acting = line.acting.into_inner().unwrap_or_else(PoisonError::into_inner);
    acting.error.map_or(Ok(()), Err)
}

/// Where the threads meet.
struct Line<J, A> {
    reading: Mutex<Reading>,
    acting: Mutex<Acting<A>>,
    /// Somebody's turn is over.
    moved_on: Condvar,
    judge: J,
}

struct Reading {
    reader: Box<dyn ShardReader>,
    n_read: u64,
    has_ended: bool,
}

struct Acting<A> {
    act: A,
    n_done: u64,
    /// Whether a chunk failed, so that none after it is acted on.
    is_stopped: bool,
    error: Option<GateShardError>,
}

impl<J, A> Line<J, A> {
    fn work<V>(&self)
    where
        J: Fn(&Chunk) -> V,
        A: FnMut(&Chunk, V) -> Result<(), GateShardError>,
    {
        while let Some((number, read)) = self.read() {
            // Whoever panics from here on lets nobody wait for its turn.
            let mut turn = Turn { line: self, is_over: false };
            let judged = read.map(|chunk| {
                let verdicts = (self.judge)(&chunk);
                (chunk, verdicts)
            });
            let mut acting = locked(&self.acting);
            while acting.n_done != number && !acting.is_stopped {
                acting = self.moved_on.wait(acting).unwrap_or_else(PoisonError::into_inner);
            }
            if !acting.is_stopped {
                let acted = judged.and_then(|(chunk, verdicts)| (acting.act)(&chunk, verdicts));
                acting.n_done += 1;
                acting.is_stopped = acted.is_err();
                acting.error = acted.err();
            }
            let is_stopped = acting.is_stopped;
            drop(acting);
            turn.is_over = true;
            self.moved_on.notify_all();
            if is_stopped {
                return;
            }
        }
    }

    /// Returns the next chunk, or why there is none, and its number; `None` once all was read.
    fn read(&self) -> Option<(u64, Result<Chunk, GateShardError>)> {
        let mut reading = locked(&self.reading);
        if reading.has_ended {
            return None;
        }
        // It has, if the reader panics.
        reading.has_ended = true;
        let read = reading.reader.next_chunk().transpose()?;
        reading.has_ended = read.is_err();
        let number = reading.n_read;
        reading.n_read += 1;
        Some((number, read.map_err(Into::into)))
    }
}

/// The turn of a thread that has a chunk: nobody after it acts unless it ends well.
struct Turn<'a, J, A> {
    line: &'a Line<J, A>,
    is_over: bool,
}

impl<J, A> Drop for Turn<'_, J, A> {
    fn drop(&mut self) {
        if !self.is_over {
            locked(&self.line.acting).is_stopped = true;
            self.line.moved_on.notify_all();
        }
    }
}

/// A thread that panicked left nothing half done that another relies on: after it nobody reads or acts.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    use lazaret_shard::{FactsBuilder, Lines, Record, Rows, ShardError};

    use super::*;

    /// Gives so many chunks of one record each, numbered by its row, and then ends or fails.
    struct Counting {
        at: u64,
        end: u64,
        fails: bool,
    }

    impl ShardReader for Counting {
        fn next_chunk(&mut self) -> Result<Option<Chunk>, ShardError> {
            if self.at == self.end {
                let what = "the test's".to_owned();
                return if self.fails { Err(ShardError::Unsupported { what }) } else { Ok(None) };
            }
            let mut facts = FactsBuilder::new();
            facts.push(&Record { row: self.at, ..Record::default() });
            self.at += 1;
            Ok(Some(Chunk { facts: facts.finish().unwrap(), rows: Rows::Lines(Lines::default()) }))
        }

        fn bytes_read(&self) -> u64 {
            0
        }
    }

    fn row(chunk: &Chunk) -> u64 {
        let mut row = 0;
        chunk.facts.for_each(|_, record| row = record.row);
        row
    }

    /// Judges the earlier of neighbours for longer, so that the later ones have to wait.
    fn judge(chunk: &Chunk) -> u64 {
        let row = row(chunk);
        thread::sleep(Duration::from_micros(300 * (3 - row % 4)));
        row
    }

    fn acted(reader: Counting, n_threads: usize, fails_at: Option<u64>) -> (Vec<u64>, bool) {
        let mut seen = Vec::new();
        let done = each_in_turn(Box::new(reader), n_threads, judge, |chunk, verdict| {
            assert_eq!(row(chunk), verdict);
            if fails_at == Some(verdict) {
                return Err(GateShardError::Changed);
            }
            seen.push(verdict);
            Ok(())
        });
        (seen, done.is_ok())
    }

    #[test]
    fn chunks_are_acted_on_in_order_up_to_the_first_that_fails() {
        for n_threads in 1..6 {
            let reader = |fails| Counting { at: 0, end: 23, fails };
            let all: Vec<u64> = (0..23).collect();
            assert_eq!(acted(reader(false), n_threads, None), (all.clone(), true), "{n_threads}");
            assert_eq!(acted(reader(true), n_threads, None), (all, false), "{n_threads}");
            assert_eq!(acted(reader(true), n_threads, Some(9)), ((0..9).collect(), false), "{n_threads}");
        }
    }

    #[test]
    fn a_panic_in_one_thread_ends_all_of_them() {
        for n_threads in 1..5 {
            let mut seen = Vec::new();
            let run = || {
                let reader = Counting { at: 0, end: 40, fails: false };
                let judge = |chunk: &Chunk| {
                    let row = judge(chunk);
                    assert!(row != 5, "a bug in the judge");
                    row
                };
                each_in_turn(Box::new(reader), n_threads, judge, |_, row| {
                    seen.push(row);
                    Ok(())
                })
            };
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "{n_threads}");
            assert!(seen.len() <= 5 && seen.iter().zip(0..).all(|(row, nth)| *row == nth), "{seen:?}");
        }
    }
}
