//! Reads one input with several threads: chunks are cut in order, read by whoever is free, and given back in order.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::chunks::Chunk;
use crate::counts::Counts;
use crate::error::TrafficError;
use crate::format::Format;
use crate::reader::{Reading, Watch, Worker, begin};

/// How many chunks a thread has at once: one that it reads, and one that waits.
const CHUNKS_OF_THREAD: usize = 2;

/// A chunk that was read, and what came of it.
type Done<W> = (Vec<u8>, W, Counts);

/// Reads an input as [`read`](crate::read) does, with several threads. `begin` makes a watch for every chunk, and `end`
/// is given each of them back, in the order of the input: whatever the number of threads, the same watches in the same
/// order have seen the same lines.
///
/// # Errors
/// As [`read`](crate::read).
pub fn read_in_parallel<W: Watch + Send>(
    input: impl Read,
    format: Option<&Format>,
    threads: usize,
    begin_watch: impl Fn() -> W + Sync,
    mut end_watch: impl FnMut(W),
) -> Result<Reading, TrafficError> {
    let (mut chunks, format) = begin(Box::new(input), format)?;
    let mut counts = Counts::default();
    thread::scope(|scope| {
        let mut lanes: Vec<(SyncSender<Chunk>, Receiver<Done<W>>)> = Vec::new();
        for _ in 0..threads.max(1) {
            let (send_chunk, chunks_of_thread) = sync_channel::<Chunk>(CHUNKS_OF_THREAD);
            let (send_done, done) = sync_channel::<Done<W>>(CHUNKS_OF_THREAD);
            let begin_watch = &begin_watch;
            scope.spawn(move || {
                let mut worker = Worker::default();
                for chunk in chunks_of_thread {
                    let (mut watch, mut counts) = (begin_watch(), Counts::default());
                    worker.read(&chunk, &mut watch, &mut counts);
                    if send_done.send((chunk.bytes, watch, counts)).is_err() {
                        return;
                    }
                }
            });
            lanes.push((send_chunk, done));
        }
        // Chunk n goes to lane n modulo their number, and comes back from there: that is the order.
        let (mut n_sent, mut n_back) = (0_usize, 0_usize);
        let mut free: Vec<Vec<u8>> = Vec::new();
        let mut take_back = |n_back: &mut usize, free: &mut Vec<Vec<u8>>| {
            let lane = lanes.get(*n_back % lanes.len());
            *n_back += 1;
            if let Some((bytes, watch, of_chunk)) = lane.and_then(|(_, done)| done.recv().ok()) {
                counts.join(of_chunk);
                end_watch(watch);
                free.push(bytes);
            }
        };
        while let Some(chunk) = chunks.next(free.pop().unwrap_or_default()) {
            if n_sent - n_back >= lanes.len() * CHUNKS_OF_THREAD {
                take_back(&mut n_back, &mut free);
            }
            let lane = lanes.get(n_sent % lanes.len());
            if lane.is_none_or(|(chunks, _)| chunks.send(chunk).is_err()) {
                // The thread has panicked; the scope says so.
                break;
            }
            n_sent += 1;
        }
        while n_back < n_sent {
            take_back(&mut n_back, &mut free);
        }
        drop(lanes);
    });
    counts.join(std::mem::take(&mut chunks.counts));
    Ok(Reading { format, counts, broken: chunks.error() })
}
