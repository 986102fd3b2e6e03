//! A simulator with one repository, and our client.

use std::sync::OnceLock;
use std::time::Duration;

use domain::CommitSha;
use github::{Blob, EntryKind, Github, Host, Identity, NewCommit, NewTreeEntry, Repo, RetryPolicy};
use github_sim::{
    AppConfig, AppKey, Config, Fault, GithubSim, NewFile, NewPush, NewRepo, Outcome, PersonalToken, RepoName, Role,
    Running, Sha, When,
};

pub(crate) const APP_ID: u64 = 4242;
pub(crate) const TOKEN: &str = "ghp_maintainerstoken";
pub(crate) const FIRST_FILES: [(&str, &str); 5] = [
    ("README.md", "# Web\n"),
    ("src/app.js", "one\ntwo\n"),
    ("docs/secret.txt", "not for export\n"),
    (".gitattributes", "docs/secret.txt export-ignore\nVERSION export-subst\n"),
    ("VERSION", "$Format:%H$\n"),
];

pub(crate) struct World {
    pub(crate) sim: Running,
    pub(crate) name: RepoName,
    pub(crate) first: CommitSha,
    pub(crate) first_sha: Sha,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(dir.path());
        config.app = Some(AppConfig::new(APP_ID, "ticket-bot", keys().public_pem.clone()));
        config.personal_tokens = vec![PersonalToken { token: TOKEN.into(), login: "maintainer".to_owned() }];
        change(&mut config);
        let sim = GithubSim::start(config).await.unwrap();
        let mut new = NewRepo::new("acme", "web");
        for (path, content) in FIRST_FILES {
            new = new.file(path, content);
        }
        new.collaborators.insert("alice".to_owned(), Role::Write);
        let first = sim.create_repo(new).await.unwrap();
        Self { sim, name: "acme/web".parse().unwrap(), first: sha(&first), first_sha: first, _dir: dir }
    }

    pub(crate) fn host(&self) -> Host {
        Host::new(&self.sim.api_base()).unwrap().with_retry(quick())
    }

    pub(crate) fn github(&self) -> Github {
        self.host().with_token(TOKEN.into()).unwrap()
    }

    pub(crate) fn repo(&self) -> Repo {
        self.github().repo(&"acme/web".parse().unwrap())
    }

    pub(crate) async fn push(&self, branch: &str, files: &[(&str, Option<&str>)]) -> CommitSha {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.map(NewFile::text))).collect();
        let push = NewPush {
            branch: branch.to_owned(),
            message: "Change".to_owned(),
            files,
            from: None,
            force: false,
            actor: Some("alice".to_owned()),
        };
        sha(&self.sim.push(&self.name, push).await.unwrap())
    }

    /// A branch with one commit on top of `parent`, made through our client.
    pub(crate) async fn branch(&self, name: &str, parent: &CommitSha, path: &str, text: &str) -> CommitSha {
        let repo = self.repo();
        let blob = repo.create_blob(text.as_bytes()).await.unwrap();
        let commit = repo.create_commit(&self.commit_of(parent, path, blob).await).await.unwrap();
        repo.create_branch(name, &commit.sha).await.unwrap();
        commit.sha
    }

    pub(crate) async fn commit_of(&self, parent: &CommitSha, path: &str, blob: Blob) -> NewCommit {
        let repo = self.repo();
        let base = repo.commit(parent).await.unwrap().tree;
        let entry = NewTreeEntry::Write { path: path.to_owned(), kind: EntryKind::File, blob };
        NewCommit {
            message: "Ours\n\nTrailer: 1\n".to_owned(),
            tree: repo.create_tree(&base, &[entry]).await.unwrap(),
            parents: vec![parent.clone()],
            author: Identity { name: "bot".to_owned(), email: "bot@example.com".to_owned() },
            date: "2026-11-22T10:00:00.5Z".parse().unwrap(),
        }
    }

    pub(crate) fn fail(&self, method: &str, path: &str, when: When, outcome: Outcome) {
        let method = Some(method.to_owned());
        let path = path.to_owned();
        self.sim.inject(Fault { method, path, times: 1, skip: 0, delay_ms: 0, when, outcome, fired: 0 });
    }

    pub(crate) fn calls_of(&self, method: &str, path: &str) -> usize {
        self.sim.calls().iter().filter(|call| call.method == method && call.path.contains(path)).count()
    }
}

/// Repeats without waiting.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy {
        repeats: 3,
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(2),
        longest_rate_limit: Duration::from_secs(2),
    }
}

pub(crate) fn sha(sha: &Sha) -> CommitSha {
    sha.as_str().parse().unwrap()
}

/// The App's key pair, made once.
pub(crate) fn keys() -> &'static AppKey {
    static KEYS: OnceLock<AppKey> = OnceLock::new();
    KEYS.get_or_init(|| AppKey::generate().unwrap())
}
