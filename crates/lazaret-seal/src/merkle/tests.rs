//! Tests of Merkle trees against the recursive definition, known roots, and everything a proof must not prove.

use proptest::prelude::*;

use super::*;

/// RFC 6962, 2.1, word for word.
fn defined(leaves: &[Vec<u8>]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => leaf_hash(leaf),
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&defined(&leaves[..k]), &defined(&leaves[k..]))
        }
    }
}

fn leaves(count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|number| number.to_be_bytes().to_vec()).collect()
}

fn grown(leaves: &[Vec<u8>]) -> (Frontier, NodeList) {
    let (mut frontier, mut nodes) = (Frontier::new(), NodeList::default());
    for leaf in leaves {
        frontier.push(leaf);
        nodes.push_hash(leaf_hash(leaf));
    }
    (frontier, nodes)
}

#[test]
fn known_roots_are_reproduced() {
    // The eight leaves that implementations of certificate transparency test themselves with.
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    for (nth, root) in roots.iter().enumerate() {
        assert_eq!(frontier.root().to_string(), format!("sha256:{root}"), "{nth} leaves");
        if let Some(leaf) = leaves.get(nth) {
            frontier.push(leaf);
        }
    }
}

#[test]
fn every_small_tree_has_the_defined_root_and_few_peaks() {
    let leaves = leaves(130);
    let mut frontier = Frontier::new();
    for (nth, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), defined(&leaves[..nth]));
        let again = Frontier::resume(frontier.size(), frontier.peaks().to_vec()).unwrap();
        assert_eq!(again, frontier);
        assert!(frontier.peaks().len() <= 8);
        frontier.push(leaf);
    }
    assert_eq!(Frontier::resume(3, vec![empty_root()]), Err(MerkleError::Peaks { size: 3, found: 1 }));
}

#[test]
fn every_leaf_of_every_small_tree_is_proven() {
    let leaves = leaves(40);
    let (_, nodes) = grown(&leaves);
    for size in 1..=40 {
        let root = defined(&leaves[..size]);
        for (index, leaf) in leaves.iter().take(size).enumerate() {
            let proof = prove_inclusion(index as u64, size as u64, |node| nodes.get(node)).unwrap();
            assert_eq!(proof.verify(&leaf_hash(leaf), &root), Ok(()), "{index} of {size}");
        }
    }
}

#[test]
fn every_pair_of_small_trees_is_proven() {
    let leaves = leaves(40);
    let (_, nodes) = grown(&leaves);
    for new in 0..=40 {
        for old in 0..=new {
            let proof = prove_consistency(old as u64, new as u64, |node| nodes.get(node)).unwrap();
            let roots = (defined(&leaves[..old]), defined(&leaves[..new]));
            assert_eq!(proof.verify(&roots.0, &roots.1), Ok(()), "{old} of {new}");
        }
    }
}

proptest! {
    #[test]
    fn the_root_is_the_defined_one(leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..200)) {
        let (frontier, nodes) = grown(&leaves);
        prop_assert_eq!(frontier.root(), defined(&leaves));
        prop_assert_eq!(frontier.size(), leaves.len() as u64);
        prop_assert_eq!(nodes.size(), leaves.len() as u64);
    }

    #[test]
    fn any_other_order_has_another_root(count in 2..80_u64, a: usize, b: usize) {
        let original = leaves(count);
        let mut other = original.clone();
        let (a, b) = (a % other.len(), b % other.len());
        other.swap(a, b);
        prop_assert_eq!(defined(&other) == defined(&original), a == b);
        let digests = |leaves: &[Vec<u8>]| root(leaves.iter().map(|leaf| Digest::of(leaf)));
        prop_assert_eq!(digests(&other) == digests(&original), a == b);
    }

    #[test]
    fn a_changed_proof_of_inclusion_proves_nothing(
        size in 1..300_u64, index: u64, change in 0..6_u8, at: usize, byte in 0..32_usize, bit in 0..8_u8,
    ) {
        let (frontier, nodes) = grown(&leaves(size));
        let index = index % size;
        let mut proof = prove_inclusion(index, size, |node| nodes.get(node)).unwrap();
        let mut leaf = leaf_hash(&index.to_be_bytes());
        prop_assert_eq!(proof.verify(&leaf, &frontier.root()), Ok(()));
        let flip = |digest: &mut Digest| {
            let mut bytes = *digest.as_bytes();
            bytes[byte] ^= 1 << bit;
            *digest = Digest::from_bytes(bytes);
        };
        let n_digests = proof.path.len();
        match change {
            0 => flip(&mut leaf),
            1 if n_digests > 0 => flip(&mut proof.path[at % n_digests]),
            2 if n_digests > 0 => drop(proof.path.remove(at % n_digests)),
            3 => proof.path.insert(at % (n_digests + 1), leaf),
            4 => proof.index = size + at as u64 % 9,
            _ if size > 1 => proof.index = (index + 1 + at as u64 % (size - 1)) % size,
            _ => return Ok(()),
        }
        prop_assert!(proof.verify(&leaf, &frontier.root()).is_err());
    }

    #[test]
    fn a_changed_proof_of_consistency_proves_nothing(
        new in 2..300_u64, old: u64, change in 0..5_u8, at: usize, byte in 0..32_usize, bit in 0..8_u8,
    ) {
        let (_, nodes) = grown(&leaves(new));
        let old = old % new;
        let mut proof = prove_consistency(old, new, |node| nodes.get(node)).unwrap();
        let mut old_root = defined(&leaves(old));
        let mut new_root = defined(&leaves(new));
        prop_assert_eq!(proof.verify(&old_root, &new_root), Ok(()));
        let flip = |digest: &mut Digest| {
            let mut bytes = *digest.as_bytes();
            bytes[byte] ^= 1 << bit;
            *digest = Digest::from_bytes(bytes);
        };
        let n_digests = proof.path.len();
        match change {
            0 => flip(&mut old_root),
            // Every tree begins with the empty one.
            1 if old > 0 => flip(&mut new_root),
            2 if n_digests > 0 => flip(&mut proof.path[at % n_digests]),
            3 if n_digests > 0 => drop(proof.path.remove(at % n_digests)),
            _ => proof.path.insert(at % (n_digests + 1), old_root),
        }
        prop_assert!(proof.verify(&old_root, &new_root).is_err());
    }
}

#[test]
fn what_is_not_there_is_not_proven() {
    let (_, nodes) = grown(&leaves(5));
    let outside = Err(MerkleError::Outside { index: 5, size: 5 });
    assert_eq!(prove_inclusion(5, 5, |node| nodes.get(node)), outside);
    let proof = InclusionProof { index: 5, size: 5, path: Vec::new() };
    assert!(proof.verify(&empty_root(), &empty_root()).is_err());
    let missing = prove_inclusion(0, 9, |node| nodes.get(node)).unwrap_err();
    assert!(matches!(missing, MerkleError::Missing { .. }));
    let backwards = prove_consistency(6, 5, |node| nodes.get(node)).unwrap_err();
    assert_eq!(backwards, MerkleError::Outside { index: 6, size: 5 });
    let empty = ConsistencyProof { old_size: 0, new_size: 3, path: Vec::new() };
    assert!(empty.verify(&leaf_hash(b"a"), &leaf_hash(b"b")).is_err());
}

#[test]
fn the_largest_sizes_do_no_harm() {
    let path = vec![empty_root(); 64];
    for (index, size) in [(u64::MAX - 1, u64::MAX), (0, u64::MAX), (u64::MAX / 2, u64::MAX)] {
        let proof = InclusionProof { index, size, path: path.clone() };
        assert!(proof.verify(&empty_root(), &empty_root()).is_err());
        let proof = ConsistencyProof { old_size: index, new_size: size, path: path.clone() };
        assert!(proof.verify(&empty_root(), &empty_root()).is_err());
        assert!(prove_inclusion(index, size, |_| Some(empty_root())).is_ok());
        assert!(prove_consistency(index, size, |_| Some(empty_root())).is_ok());
    }
}
