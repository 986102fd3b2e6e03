//! A GitHub with the repository `acme/web`.

use std::sync::LazyLock;

use domain::ids::CommitSha;
use github_sim::{
    AppConfig, AppKey, Config, GithubSim, NewFile, NewPush, NewRepo, PersonalToken, RepoName, Role, Running, Sha,
    UserConfig,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{Functions, sample};

/// A GitHub with `acme/web`, in which alice may write. Eve is somebody else.
pub struct CodeHost {
    /// The simulator.
    pub sim: Running,
    /// The repository.
    pub name: RepoName,
    /// The first commit of `main`.
    pub first: CommitSha,
    _folder: tempfile::TempDir,
}

impl CodeHost {
    /// A token of the person who owns everything.
    pub const TOKEN: &str = "ghp_maintainerstoken";
    /// The number of the App.
    pub const APP_ID: u64 = 11;

    /// Starts it, with these files in the first commit.
    pub async fn start(files: &[(&str, &str)]) -> Self {
        Self::start_with(files, |_| {}).await
    }

    /// Starts it with the App that [`CodeHost::credentials`] belong to.
    pub async fn start_with_app(files: &[(&str, &str)]) -> Self {
        let app = AppConfig::new(Self::APP_ID, "ticket-bot", Self::app_key().public_pem.clone());
        Self::start_with(files, |config| config.app = Some(app)).await
    }

    /// The App's key pair, made once.
    pub fn app_key() -> &'static AppKey {
        static KEY: LazyLock<AppKey> = LazyLock::new(|| AppKey::generate().unwrap());
        &KEY
    }

    /// The App's number and key as the credentials' secret has them.
    pub fn credentials() -> Value {
        let key = Self::app_key().private_pem.expose_secret();
        json!({ "kind": "app", "app_id": Self::APP_ID, "private_key": key })
    }

    /// Starts it, configured otherwise.
    pub async fn start_with(files: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        config.personal_tokens = vec![PersonalToken { token: Self::TOKEN.into(), login: "maintainer".to_owned() }];
        config.users = vec![UserConfig { login: "eve".to_owned(), ..UserConfig::default() }];
        change(&mut config);
        let sim = GithubSim::start(config).await.unwrap();
        let mut new = NewRepo::new("acme", "web");
        for (path, text) in files {
            new = new.file(*path, *text);
        }
        new.collaborators.insert("alice".to_owned(), Role::Write);
        let first = sim.create_repo(new).await.unwrap();
        Self { sim, name: "acme/web".parse().unwrap(), first: sha(&first), _folder: folder }
    }

    /// Where its API is.
    pub fn api_url(&self) -> String {
        self.sim.api_base()
    }

    /// Serves `github-auth`, which gives out one token.
    pub fn serve_tokens(&self, functions: &Functions) {
        functions.answering(Functions::GITHUB_AUTH, json!({ "token": Self::TOKEN, "expires_at": sample::at(3_600) }));
    }

    /// Alice writes one file on a branch, which is made where it is new.
    pub async fn push(&self, branch: &str, path: &str, text: &str) -> CommitSha {
        let push = NewPush {
            branch: branch.to_owned(),
            message: "By hand".to_owned(),
            files: [(path.to_owned(), Some(NewFile::text(text)))].into(),
            from: None,
            force: false,
            actor: Some("alice".to_owned()),
        };
        sha(&self.sim.push(&self.name, push).await.unwrap())
    }
}

fn sha(sha: &Sha) -> CommitSha {
    sha.as_str().parse().unwrap()
}
