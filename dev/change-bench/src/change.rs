//! What an agent might have done.

use std::fs;

use domain::Digest;
use domain::ids::{CommitSha, Generation, Revision, TicketKey, WorkflowId};
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Serialize;

use crate::tree::{Tree, text};

/// One round's change of the tree, made in it.
pub(crate) struct Change {
    pub(crate) ticket: TicketKey,
    pub(crate) workflow: WorkflowId,
    files: Vec<(String, FileAction)>,
}

/// How many files of each sort.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Counts {
    /// With another content.
    pub modified: usize,
    /// New.
    pub added: usize,
    /// Gone.
    pub deleted: usize,
}

impl Change {
    /// Changes `count` files, evenly spread over the tree: of five, three are modified, one is new and one is gone. Every
    /// round changes the same files, to other contents.
    pub(crate) fn make(tree: &Tree, count: u32, round: u32) -> anyhow::Result<Self> {
        let mut random = StdRng::seed_from_u64(1_000 + u64::from(round));
        let stride = tree.paths.len() / count as usize;
        let mut files = Vec::new();
        // Not the first file, which is the ignore rules.
        for (n, path) in tree.paths.iter().skip(1).step_by(stride).take(count as usize).enumerate() {
            let (path, action) = match n % 5 {
                3 => (format!("{path}.new.md"), FileAction::Create),
                4 => (path.clone(), FileAction::Delete),
                _ => (path.clone(), FileAction::Modify),
            };
            let file = tree.root.join(&path);
            match action {
                FileAction::Delete if round > 0 => {}
                FileAction::Delete => fs::remove_file(file)?,
                FileAction::Create | FileAction::Modify => fs::write(file, text(&mut random))?,
            }
            files.push((path, action));
        }
        // Each round has a ticket of its own, hence a branch and a pull request of its own.
        let ticket = TicketKey::flux_lens(format!("FL-{}", round + 1));
        let workflow = WorkflowId::derive(&ticket, Generation::FIRST);
        Ok(Self { ticket, workflow, files })
    }

    /// The SPEC that allows just this.
    pub(crate) fn spec(&self, base_commit: &CommitSha) -> anyhow::Result<Spec> {
        let files = self.files.iter().map(|(path, action)| {
            Ok(SpecFile {
                path: path.parse()?,
                action: *action,
                reason: "It is measured.".to_owned(),
                protection: None,
            })
        });
        Ok(Spec {
            version: SPEC_VERSION,
            workflow_id: self.workflow.clone(),
            revision: Revision::FIRST,
            ticket: self.ticket.clone(),
            ticket_digest: Digest::of("ticket"),
            base_commit: base_commit.clone(),
            files: files.collect::<anyhow::Result<_>>()?,
            amendment: None,
            text: SpecText {
                title: "Change some files".to_owned(),
                problem_statement: "They are as they were.".to_owned(),
                proposed_solution: "They become otherwise.".to_owned(),
                confidence: 1.0,
                ..SpecText::default()
            },
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        let count = |wanted| self.files.iter().filter(|(_, action)| *action == wanted).count();
        Counts {
            modified: count(FileAction::Modify),
            added: count(FileAction::Create),
            deleted: count(FileAction::Delete),
        }
    }
}
