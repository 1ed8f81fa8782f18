//! The one mixing step under all hashes of tokens.

/// Returns both halves of a 128-bit product, folded by exclusive or: every bit of the input reaches every bit of
/// the output.
#[inline]
pub(crate) fn mix(value: u64, multiplier: u64) -> u64 {
    let (low, high) = value.carrying_mul(multiplier, 0);
    low ^ high
}

/// Returns a hash of bytes: their length, then eight bytes at a time.
#[inline]
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    // Multiplied, so that a length cannot be made up for by a letter.
    let mut state = SEED.wrapping_add((bytes.len() as u64).wrapping_mul(BODY));
    for word in words {
        state = mix(state ^ u64::from_le_bytes(*word), BODY);
    }
    mix(state ^ tail(rest), TAIL)
}

/// Packs fewer than eight bytes; with their number known, different bytes give different values.
#[inline]
fn tail(rest: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) | (u64::from(u32::from_le_bytes(*last)) << 32);
    }
    match *rest {
        [a] => u64::from(a),
        [a, b] => u64::from(a) | (u64::from(b) << 8),
        [a, b, c] => u64::from(a) | (u64::from(b) << 8) | (u64::from(c) << 16),
        _ => 0,
    }
}

// Odd numbers without a pattern: the fractions of the square roots of 2, 3 and 5.
const SEED: u64 = 0x6a09_e667_f3bc_c909;
const BODY: u64 = 0xbb67_ae85_84ca_a73b;
const TAIL: u64 = 0x3c6e_f372_fe94_f82b;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::hash;

    #[test]
    fn short_words_do_not_collide() {
        let letters = b"ab0_\xff";
        let mut words: Vec<Vec<u8>> = vec![Vec::new()];
        for _ in 0..6 {
            let longer = words
                .iter()
                .flat_map(|word| letters.iter().map(move |&letter| [word.as_slice(), &[letter]].concat()));
            words = words.iter().cloned().chain(longer).collect::<HashSet<_>>().into_iter().collect();
        }
        let hashes: HashSet<u64> = words.iter().map(|word| hash(word)).collect();
        assert_eq!(hashes.len(), words.len());
    }

    #[test]
    fn every_length_reads_every_byte() {
        for length in 1..40 {
            let word = vec![7_u8; length];
            for place in 0..length {
                let mut other = word.clone();
                other[place] ^= 1;
                assert_ne!(hash(&word), hash(&other), "byte {place} of {length}");
            }
        }
    }

    #[test]
    fn the_hash_is_the_one_on_the_format_page() {
        let found =
            [&b""[..], b"{", b"fn", b"letter", b"fingerprint", b"a_name_of_24_bytes_in_all"].map(hash);
        let hexadecimal = found.map(|hash| format!("{hash:016x}")).join(" ");
        insta::assert_snapshot!(hexadecimal, @"e087f6299ff1b481 4cf1300e919f5df6 6506f75268b64ac8 37842e3ce0923fa8 9d63d8a2f918218b 7b693ab198396187");
    }
}
