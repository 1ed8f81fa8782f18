//! Reads entries and checks their signatures, many at once and ahead of those who do them again.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lazaret_core::Digest;
use lazaret_seal::{PublicKey, Signed, all_verify_as, leaf_hash};

use super::replay::ReplayFault;
use crate::entry::{FORMAT, SignedEntry};

/// So many signatures are checked by one computation: beyond that it gains nothing.
const SIGNATURES: usize = 512;

/// So many pages are read ahead of the one that is done again: one for each of two processors, and one for the next.
pub const PAGES_AHEAD: usize = 3;

/// An entry that was read: what it says, or what is wrong with it by itself.
#[derive(Debug, Clone)]
pub struct ReadEntry {
    /// What it says, with a signature by the key that it names.
    pub signed: Result<SignedEntry, ReplayFault>,
    /// Its leaf in the tree.
    pub leaf: Digest,
}

/// Reads a page of entries in the background: those from a number on, with what each is.
pub async fn read_aside<T: Send + Sync + 'static>(
    first: u64,
    page: Vec<T>,
    body: fn(&T) -> &[u8],
) -> Vec<(T, ReadEntry)> {
    let page = Arc::new(page);
    let read = {
        let page = Arc::clone(&page);
        move || {
            let bodies: Vec<&[u8]> = page.iter().map(body).collect();
            read_share(first, &bodies)
        }
    };
    let read = tokio::task::spawn_blocking(read).await;
    let read = read.unwrap_or_else(|_panic| {
        (first..).zip(page.iter().map(body)).map(|(seq, body)| broken((seq, &body))).collect()
    });
    // Nobody else holds the page any more.
    Arc::try_unwrap(page).unwrap_or_default().into_iter().zip(read).collect()
}

fn broken<B: AsRef<[u8]>>((seq, body): (u64, &B)) -> ReadEntry {
    let what = "the program broke while it read the entry".to_owned();
    ReadEntry { signed: Err(ReplayFault { seq, what }), leaf: leaf_hash(body.as_ref()) }
}

fn read_share<B: AsRef<[u8]>>(first: u64, bodies: &[B]) -> Vec<ReadEntry> {
    let mut keys: HashMap<[u8; 32], Option<PublicKey>> = HashMap::new();
    let mut read = Vec::with_capacity(bodies.len());
    for (first, bodies) in (first..).step_by(SIGNATURES).zip(bodies.chunks(SIGNATURES)) {
        read_batch(first, bodies, &mut keys, &mut read);
    }
    read
}

fn read_batch<B: AsRef<[u8]>>(
    first: u64,
    bodies: &[B],
    keys: &mut HashMap<[u8; 32], Option<PublicKey>>,
    read: &mut Vec<ReadEntry>,
) {
    let fault = |seq, what: String| ReplayFault { seq, what };
    let parsed: Vec<Result<SignedEntry, ReplayFault>> = (first..)
        .zip(bodies)
        .map(|(seq, body)| SignedEntry::parse(body.as_ref()).map_err(|error| fault(seq, error.to_string())))
        .collect();
    for signed in parsed.iter().flatten() {
        keys.entry(signed.key.0).or_insert_with(|| PublicKey::from_bytes(&signed.key.0));
    }
    let signatures: Vec<Option<Vec<u8>>> =
        parsed.iter().map(|signed| STANDARD.decode(&signed.as_ref().ok()?.signature).ok()).collect();
    let items = parsed.iter().zip(bodies).zip(&signatures).map(|((signed, body), signature)| {
        let key = keys.get(&signed.as_ref().ok()?.key.0)?.as_ref()?;
        let message = SignedEntry::covered(body.as_ref());
        Some(Signed { key, message, signature: signature.as_ref()? })
    });
    let all_good = items.collect::<Option<Vec<_>>>().is_some_and(|items| all_verify_as(FORMAT, &items));
    for ((seq, signed), body) in (first..).zip(parsed).zip(bodies) {
        let signed = signed.and_then(|signed| {
            if !all_good {
                // Somewhere in the batch something is wrong: each is looked at by itself, to say which.
                let key = keys.get(&signed.key.0).and_then(Option::as_ref);
                let key = key.ok_or_else(|| fault(seq, "its key is none".to_owned()))?;
                signed.verify(key).map_err(|error| fault(seq, error.to_string()))?;
            }
            Ok(signed)
        });
        read.push(ReadEntry { signed, leaf: leaf_hash(body.as_ref()) });
    }
}
