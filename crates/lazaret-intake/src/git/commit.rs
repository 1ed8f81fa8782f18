//! Takes raw commit objects apart, byte for byte, without judging encodings.

use lazaret_core::{CommitFact, ObjectId, Signature};

/// A commit's fields, borrowed from its raw object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawCommit<'a> {
    /// The hexadecimal name of the tree.
    pub tree: ObjectId,
    /// The author.
    pub author: Signature<'a>,
    /// The committer.
    pub committer: Signature<'a>,
    /// The message: everything after the first empty line.
    pub message: &'a [u8],
    parents: &'a [u8],
}

impl<'a> RawCommit<'a> {
    /// Takes a raw commit apart; `None` where it names no tree or no valid parent.
    ///
    /// A missing author or committer line, or a date that is no number, does not make a commit unreadable: the
    /// signature is then empty and its date 0.
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let rest = raw.strip_prefix(b"tree ")?;
        let (tree, mut rest) = take_line(rest);
        let tree = parse_id(tree)?;
        let parents_start = rest;
        while let Some(after) = rest.strip_prefix(b"parent ") {
            let (parent, after) = take_line(after);
            parse_id(parent)?;
            rest = after;
        }
        let parents = parents_start.get(..parents_start.len() - rest.len())?;
        let mut commit = Self {
            tree,
            author: Signature { name: b"", email: b"", seconds: 0 },
            committer: Signature { name: b"", email: b"", seconds: 0 },
            message: b"",
            parents,
        };
        loop {
            if rest.is_empty() {
                return Some(commit);
            }
            let (line, after) = take_line(rest);
            rest = after;
            if line.is_empty() {
                commit.message = rest;
                return Some(commit);
            }
            if let Some(author) = line.strip_prefix(b"author ") {
                commit.author = parse_signature(author);
            } else if let Some(committer) = line.strip_prefix(b"committer ") {
                commit.committer = parse_signature(committer);
            }
        }
    }

    /// Returns the parents in order.
    pub fn parents(&self) -> impl Iterator<Item = ObjectId> + 'a {
        let mut rest = self.parents;
        std::iter::from_fn(move || {
            let (line, after) = take_line(rest);
            rest = after;
            parse_id(line.strip_prefix(b"parent ")?)
        })
    }

    /// Returns the commit as a fact.
    #[must_use]
    pub fn fact(&self, id: ObjectId) -> CommitFact<'a> {
        CommitFact {
            id,
            author: self.author,
            committer: self.committer,
            n_parents: self.parents().count(),
            message: self.message,
        }
    }
}

fn take_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, b""),
    }
}

fn parse_id(hex: &[u8]) -> Option<ObjectId> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    let len = hex.len() / 2;
    for (pair, out) in hex.chunks_exact(2).zip(bytes.get_mut(..len)?) {
        let [high, low] = pair else { return None };
        *out = digit(*high)? << 4 | digit(*low)?;
    }
    ObjectId::from_bytes(bytes.get(..len)?)
}

/// Takes `Name <address> seconds zone` apart; the address ends at the last `>`.
fn parse_signature(line: &[u8]) -> Signature<'_> {
    let Some(close) = memchr::memrchr(b'>', line) else {
        return Signature { name: line.trim_ascii(), email: b"", seconds: 0 };
    };
    let (before, after) = line.split_at(close);
    let (name, email) = match memchr::memchr(b'<', before) {
        Some(open) => (before.get(..open).unwrap_or_default(), before.get(open + 1..).unwrap_or_default()),
        None => (before, &b""[..]),
    };
    let date = after.get(1..).unwrap_or_default().trim_ascii_start();
    let end = date.iter().position(u8::is_ascii_whitespace).unwrap_or(date.len());
    let seconds = std::str::from_utf8(date.get(..end).unwrap_or_default()).ok();
    Signature {
        name: name.trim_ascii(),
        email: email.trim_ascii(),
        seconds: seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn fields_are_taken_byte_for_byte() {
        let raw = format!(
            "tree {TREE}\nparent {TREE}\nparent {TREE}\nauthor A <a> b> <a@b.example> 12 +0100\n\
             committer  <> -5 +0000\nencoding latin1\ngpgsig x\n y\n\nsubject\n\nbody \u{ff}"
        );
        let commit = RawCommit::parse(raw.as_bytes()).unwrap();
        assert_eq!(commit.parents().count(), 2);
        assert_eq!(commit.author.name, b"A");
        assert_eq!(commit.author.email, b"a> b> <a@b.example");
        assert_eq!(commit.author.seconds, 12);
        assert_eq!((commit.committer.name, commit.committer.email), (&b""[..], &b""[..]));
        assert_eq!(commit.committer.seconds, -5);
        assert_eq!(commit.message, "subject\n\nbody \u{ff}".as_bytes());
    }

    #[test]
    fn odd_commits_are_read_as_far_as_they_go() {
        let no_message = format!("tree {TREE}\nauthor x\n");
        let commit = RawCommit::parse(no_message.as_bytes()).unwrap();
        assert_eq!((commit.author.name, commit.author.seconds, commit.message), (&b"x"[..], 0, &b""[..]));
        for bad in ["", "tree zz\n", "parent x\n", &format!("tree {TREE}\nparent 12\n\n")] {
            assert!(RawCommit::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
