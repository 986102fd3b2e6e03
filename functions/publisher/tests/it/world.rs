//! A simulator with one repository, a ticket with an approved SPEC, and a verified change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::budget::Ledger;
use domain::change_set::{Change, MANIFEST_VERSION, Manifest, ManifestEntry};
use domain::failure::Failure;
use domain::ids::{Generation, Revision, TicketKey, WorkflowId};
use domain::path::ProtectedPaths;
use domain::person::Person;
use domain::secrets::KnownSecrets;
use domain::spec::{FileAction, SPEC_VERSION, Spec, SpecFile, SpecText};
use domain::ticket::Priority;
use domain::verify::{BaseFile, BaseFiles, BaseKind, VerifiedChangeSet, VerifyContext, VerifyPolicy, verify};
use domain::workflow::{PullRequestRef, TicketSummary};
use domain::{Attempt, CommitSha, Digest};
use github::{Access, Host, Repo, RetryPolicy, TokenGrant};
use github_sim::{Fault, Outcome, Sha, When};
use publisher::publish::{Publication, Published, publish};
use testkit::{CodeHost, sample};

pub(crate) const BASE_URL: &str = "https://tickets.example";

pub(crate) struct World {
    pub(crate) host: CodeHost,
    pub(crate) title: String,
    pub(crate) generation: u32,
    token: github::MintedToken,
}

impl World {
    pub(crate) async fn start() -> Self {
        let files = [("README.md", "# Web\n"), ("src/app.js", "one\ntwo\nthree\n"), ("src/old.js", "old\n")];
        let host = CodeHost::start_with_app(&files).await;
        // What the deployed write entry grants.
        let permissions = [
            ("metadata", Access::Read),
            ("checks", Access::Read),
            ("statuses", Access::Read),
            ("contents", Access::Write),
            ("pull_requests", Access::Write),
        ];
        let grant = TokenGrant {
            repository: "acme/web".parse().unwrap(),
            permissions: permissions.into_iter().map(|(name, access)| (name.to_owned(), access)).collect(),
        };
        let key = &CodeHost::app_key().private_pem;
        let app = Host::new(&host.api_url()).unwrap().with_app(CodeHost::APP_ID, key).unwrap();
        let token = app.mint(&grant).await.unwrap();
        Self { host, title: "Keep sessions for 30 minutes".to_owned(), generation: 1, token }
    }

    pub(crate) fn repo(&self) -> Repo {
        self.repo_with(RetryPolicy { first_pause: Duration::from_millis(1), ..RetryPolicy::default() })
    }

    /// A client that never tries again, so that every fault is a crash of the step.
    pub(crate) fn fragile(&self) -> Repo {
        self.repo_with(RetryPolicy { repeats: 0, ..RetryPolicy::default() })
    }

    fn repo_with(&self, retry: RetryPolicy) -> Repo {
        let host = Host::new(&self.host.sim.api_base()).unwrap().with_retry(retry);
        host.with_token(self.token.token.clone()).unwrap().repo(&"acme/web".parse().unwrap())
    }

    pub(crate) fn workflow(&self) -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens("FL-1"), Generation::new(self.generation))
    }

    pub(crate) fn branch(&self) -> String {
        format!("pi-tickets/fl-1-{}", self.workflow().short())
    }

    fn ticket(&self) -> TicketSummary {
        TicketSummary {
            key: TicketKey::flux_lens("FL-1"),
            version: 1,
            digest: Digest::of("t"),
            title: self.title.clone(),
            url: "https://tracker.example/FL-1".to_owned(),
            priority: Priority::Normal,
            is_bug: false,
            requester: Person::from_email("rita@example.com"),
            repository: "acme/web".parse().unwrap(),
            base_branch: "main".to_owned(),
        }
    }

    /// Publishes a change, as the step does.
    pub(crate) async fn publish(&self, change: &TestChange) -> Result<Published, Failure> {
        self.publish_with(&self.repo(), change).await
    }

    pub(crate) async fn publish_with(&self, repo: &Repo, change: &TestChange) -> Result<Published, Failure> {
        let workflow = self.workflow();
        let base = repo.tree(&repo.commit(&change.base).await?.tree).await?;
        let base_paths: BTreeSet<String> = base.paths().map(str::to_owned).collect();
        let (spec, changes) = change.verified(&workflow, &self.title, &base_paths);
        let qa = sample::qa_of(&workflow, change.attempt, &change.base, Digest::of("c"));
        let publication = Publication {
            workflow: &workflow,
            ticket: &self.ticket(),
            spec: &spec,
            base: &base,
            changes: &changes,
            qa: &qa,
            refused_connections: 0,
            ledger: &Ledger::default(),
            review_rounds: 0,
            previous: change.previous.as_ref(),
            date: "2026-11-22T10:00:00Z".parse().unwrap(),
            public_base_url: BASE_URL,
            known: &KnownSecrets::default(),
        };
        publish(repo, &publication).await
    }

    /// The files of a commit as text.
    pub(crate) async fn files(&self, commit: &CommitSha) -> BTreeMap<String, String> {
        let snapshot = self.repo().snapshot(commit, github::SnapshotLimits::default()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        snapshot.files.into_iter().map(|(path, file)| (path, text(file.content))).collect()
    }

    pub(crate) fn fail(&self, method: &str, path: &str, when: When) {
        let (method, path) = (Some(method.to_owned()), path.to_owned());
        self.host.sim.inject(Fault {
            method,
            path,
            times: 1,
            skip: 0,
            delay_ms: 0,
            when,
            outcome: Outcome::Drop,
            fired: 0,
        });
    }

    pub(crate) fn writes(&self) -> usize {
        self.host.sim.calls().iter().filter(|call| call.method != "GET" && !call.path.contains("access_tokens")).count()
    }
}

/// A change to publish.
#[derive(Clone)]
pub(crate) struct TestChange {
    pub(crate) base: CommitSha,
    pub(crate) attempt: Attempt,
    pub(crate) files: Vec<(&'static str, Option<(&'static str, u32)>)>,
    pub(crate) previous: Option<PullRequestRef>,
}

impl TestChange {
    /// Modifies, creates (a program) and deletes.
    pub(crate) fn first(world: &World) -> Self {
        Self {
            base: world.host.first.clone(),
            attempt: Attempt::FIRST,
            files: vec![
                ("bin/run.sh", Some(("#!/bin/sh\n", 0o755))),
                ("src/app.js", Some(("one\n2\nthree\n", 0o644))),
                ("src/old.js", None),
            ],
            previous: None,
        }
    }

    /// The attempt after a review, in which one file came out otherwise.
    pub(crate) fn after(self, published: &Published) -> Self {
        let mut files = self.files;
        files[1] = ("src/app.js", Some(("one\nzwei\nthree\n", 0o644)));
        Self { attempt: self.attempt.next(), files, previous: Some(reference(published)), ..self }
    }

    fn verified(&self, workflow: &WorkflowId, title: &str, base_paths: &BTreeSet<String>) -> (Spec, VerifiedChangeSet) {
        let action = |path: &str, written: bool| match (base_paths.contains(path), written) {
            (_, false) => FileAction::Delete,
            (true, true) => FileAction::Modify,
            (false, true) => FileAction::Create,
        };
        let spec_file = |(path, content): &(&str, Option<_>)| SpecFile {
            path: path.parse().unwrap(),
            action: action(path, content.is_some()),
            reason: "why".to_owned(),
            protection: None,
        };
        let spec = Spec {
            version: SPEC_VERSION,
            workflow_id: workflow.clone(),
            revision: Revision::FIRST,
            ticket: TicketKey::flux_lens("FL-1"),
            ticket_digest: Digest::of("t"),
            base_commit: self.base.clone(),
            files: self.files.iter().map(spec_file).collect(),
            amendment: None,
            text: SpecText {
                title: title.to_owned(),
                problem_statement: "They end.".to_owned(),
                proposed_solution: "They last.".to_owned(),
                confidence: 1.0,
                ..SpecText::default()
            },
        };
        let entry = |(path, content): &(&str, Option<(&str, u32)>)| ManifestEntry {
            path: (*path).to_owned(),
            change: match content {
                None => Change::Deleted,
                Some((text, mode)) => Change::Written {
                    mode: *mode,
                    size: text.len() as u64,
                    digest: Digest::of(text),
                    existed: base_paths.contains(*path),
                },
            },
        };
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            workflow_id: workflow.clone(),
            attempt: self.attempt,
            base_commit: self.base.clone(),
            entries: self.files.iter().map(entry).collect(),
            dropped: vec![],
            dropped_count: 0,
        };
        let contents =
            self.files.iter().flat_map(|(_, file)| file).map(|(text, _)| (Digest::of(text), text.as_bytes().to_vec()));
        let policy = VerifyPolicy { max_file_bytes: 1_000, max_total_bytes: 10_000, allow_workflow_files: false };
        let files = base_paths.iter().map(|path| (path.clone(), BaseFile::of(BaseKind::File))).collect();
        let context = VerifyContext {
            spec: &spec,
            attempt: self.attempt,
            base_commit: &self.base,
            base: &BaseFiles { files, protected: ProtectedPaths::default() },
            known: &KnownSecrets::default(),
            policy,
        };
        let changes = verify(&manifest, &contents.collect(), context).unwrap();
        (spec, changes)
    }
}

/// What the workflow's row keeps of a publication.
pub(crate) fn reference(published: &Published) -> PullRequestRef {
    PullRequestRef {
        number: published.number,
        url: published.url.clone(),
        branch: published.branch.clone(),
        head_sha: published.head_sha.clone(),
        tree_sha: published.tree_sha.clone(),
        merge_sha: None,
    }
}

pub(crate) fn sha(sha: &Sha) -> CommitSha {
    sha.as_str().parse().unwrap()
}
