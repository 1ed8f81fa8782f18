//! What people do to a store that is measured: many of them at once, each one act after the other.

use std::sync::Arc;

use anyhow::Result;
use jiff::Timestamp;
use lazaret_core::{DetectorId, Digest, Directness, Strength, ToolId};
use lazaret_store::{
    Act, Actor, CaseEvidence, CaseId, Cause, CauseKind, ContentKind, HeldContent, Place, Resolution, Store,
};

use super::crew::Crew;

/// How far a content is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// A case is opened and stays open: one act.
    Open,
    /// A case is opened, its content seen elsewhere, the case claimed, its end proposed and agreed with: five acts.
    Whole,
}

/// Somebody who submits one act after the other.
pub(super) struct Submitter {
    pub(super) store: Store,
    pub(super) crew: Arc<Crew>,
    /// No two submitters of a store may have the same, or they would hold the same contents.
    pub(super) name: String,
    /// Whether each act that is acknowledged is said on standard output.
    pub(super) tells: bool,
}

/// Lets people submit at once until it is over, which each asks before a new content, and returns how many acts were
/// done. `name` must be another for each call on the same store.
pub(super) async fn submit(
    store: &Store,
    crew: &Arc<Crew>,
    (name, n_submitters): (&str, usize),
    course: Course,
    is_over: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> Result<usize> {
    let is_over = Arc::new(is_over);
    let submitters: Vec<_> = (0..n_submitters)
        .map(|nth| {
            let (store, crew) = (store.clone(), Arc::clone(crew));
            let submitter = Submitter { store, crew, name: format!("{name}/{nth}"), tells: false };
            let is_over = Arc::clone(&is_over);
            tokio::spawn(async move { submitter.work(course, &*is_over).await })
        })
        .collect();
    let mut n_done = 0;
    for submitter in submitters {
        n_done += submitter.await??;
    }
    Ok(n_done)
}

impl Submitter {
    /// Submits until it is over, by the number of the last entry.
    pub(super) async fn work(
        &self,
        course: Course,
        is_over: &(impl Fn(u64) -> bool + Sync),
    ) -> Result<usize> {
        let (mut n_done, mut last) = (0, 0);
        while !is_over(last) {
            let content = Digest::of(format!("{} {n_done}", self.name).as_bytes());
            let Crew { steward, reviewer, second, .. } = &*self.crew;
            last = self.act(steward, self.opening(content, n_done)?).await?;
            n_done += 1;
            if course == Course::Open {
                continue;
            }
            let case = CaseId(last);
            let resolution = Resolution::Removed;
            let acts = [
                (steward, Act::Sight { content, place: place("src/harbour/copy.rs") }),
                (reviewer, Act::ClaimCase { case }),
                (reviewer, Act::ProposeResolution { case, resolution, remark: None }),
                (second, Act::AgreeResolution { case, resolution: None }),
            ];
            for (actor, act) in acts {
                last = self.act(actor, act).await?;
                n_done += 1;
            }
        }
        Ok(n_done)
    }

    /// Opens a case over one content.
    fn opening(&self, content: Digest, nth: usize) -> Result<Act> {
        let held = HeldContent {
            content,
            blob: None,
            kind: ContentKind::File,
            bytes: 4000,
            lines: 100,
            place: place("src/harbour/tide.rs"),
        };
        let authors = &self.crew.authors;
        let author = nth.checked_rem(authors.len()).and_then(|nth| authors.get(nth));
        Ok(Act::OpenCase {
            cause: Cause { kind: CauseKind::Commit, name: content.to_string() },
            contents: vec![held],
            evidence: [taint(content)?].into(),
            catalog: Digest::of(b"catalog"),
            shaped_by: author.into_iter().copied().collect(),
        })
    }

    /// Does something, and returns the number of its entry.
    async fn act(&self, actor: &Actor, act: Act) -> Result<u64> {
        let name = if self.tells { Some(name_of_act(&act)?) } else { None };
        let done = self.store.apply(actor, act, Timestamp::now()).await?;
        if let Some(name) = name {
            println!("{} {name} .", done.seq);
        }
        Ok(done.seq)
    }
}

/// Returns a digest by which an act is known again in the ledger.
pub(super) fn name_of_act(act: &Act) -> Result<Digest> {
    Ok(Digest::of(&serde_json::to_vec(act)?))
}

fn place(path: &str) -> Place {
    Place { origin: "git:/srv/example/app@main".to_owned(), path: path.to_owned(), lines: None }
}

fn taint(content: Digest) -> Result<CaseEvidence> {
    Ok(CaseEvidence {
        evidence: Digest::of(content.as_bytes()),
        detector: DetectorId::new("commit-trailer")?,
        tool: Some(ToolId::new("claude-code")?),
        strength: Strength::Declared,
        directness: Directness::Direct,
    })
}
