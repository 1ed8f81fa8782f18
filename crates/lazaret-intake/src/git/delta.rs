//! Applies a pack's delta to its base.
//!
//! The format is git's, as described in `gitformat-pack(5)`: two sizes, then instructions to copy from the base
//! or to insert bytes that follow.

/// Returns the object that `delta` makes of `base`; `None` where the delta is malformed, does not fit the base,
/// or would make more than `bytes_max` bytes.
pub(super) fn apply(base: &[u8], delta: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    let mut rest = delta;
    let base_size = take_size(&mut rest)?;
    let size = take_size(&mut rest)?;
    if base_size != base.len() || size > bytes_max {
        return None;
    }
    // A copy instruction takes two bytes at least and makes at most 2^24: no honest delta is larger than that.
    if size > rest.len().saturating_mul(1 << 24) {
        return None;
    }
    let mut out = Vec::with_capacity(size);
    while let Some((&instruction, after)) = rest.split_first() {
        rest = after;
        let bytes = if instruction & 0x80 != 0 {
            let offset = take_bits(&mut rest, instruction, 4)?;
            let length = take_bits(&mut rest, instruction >> 4, 3)?;
            let length = if length == 0 { 0x10000 } else { length };
            base.get(offset..offset.checked_add(length)?)?
        } else if instruction == 0 {
            return None;
        } else {
            let (inserted, after) = rest.split_at_checked(usize::from(instruction))?;
            rest = after;
            inserted
        };
        if out.len() + bytes.len() > size {
            return None;
        }
        out.extend_from_slice(bytes);
    }
    (out.len() == size).then_some(out)
}

/// Takes a size: seven bits a byte, lowest first, the top bit set on all but the last.
fn take_size(rest: &mut &[u8]) -> Option<usize> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// Takes up to `n_bytes` bytes of a little-endian number; bit `i` of `present` says whether byte `i` is there.
fn take_bits(rest: &mut &[u8], present: u8, n_bytes: u32) -> Option<usize> {
    let mut value = 0_usize;
    for byte_ix in 0..n_bytes {
        if present & (1 << byte_ix) != 0 {
            let (&byte, after) = rest.split_first()?;
            *rest = after;
            value |= usize::from(byte) << (8 * byte_ix);
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn copies_and_inserts() {
        // base of 5 bytes, result of 7: copy 3 from offset 1, insert "xy", copy 2 from offset 0
        let delta = [5, 7, 0b1001_0001, 1, 3, 2, b'x', b'y', 0b1001_0000, 2];
        assert_eq!(apply(b"abcde", &delta, 100).unwrap(), b"bcdxyab");
    }

    #[test]
    fn malformed_deltas_are_refused() {
        let refused: &[&[u8]] = &[
            &[],
            &[5],
            &[4, 1, 1, b'x'],                      // another base
            &[5, 1],                               // nothing made
            &[5, 1, 0],                            // reserved instruction
            &[5, 2, 1, b'x'],                      // too little made
            &[5, 1, 2, b'x', b'y'],                // too much made
            &[5, 3, 0b1001_0001, 4, 3],            // past the base's end
            &[0x80, 0x80, 0x80, 0x80, 0x80],       // a size without end
            &[5, 0xff, 0xff, 0xff, 0x7f, 1, b'x'], // over the limit
        ];
        for delta in refused {
            assert_eq!(apply(b"abcde", delta, 100), None, "{delta:?}");
        }
    }
}
