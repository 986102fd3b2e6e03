//! A GitHub with the repository `acme/web`.

use domain::ids::CommitSha;
use github_sim::{
    Config, GithubSim, NewFile, NewPush, NewRepo, PersonalToken, RepoName, Role, Running, Sha, UserConfig,
};
use serde_json::json;

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

    /// Starts it, with these files in the first commit.
    pub async fn start(files: &[(&str, &str)]) -> Self {
        Self::start_with(files, |_| {}).await
    }

    /// Starts it, configured otherwise.
    pub async fn start_with(files: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path());
        config.personal_tokens = vec![PersonalToken { token: Self::TOKEN.into(), login: "maintainer".to_owned() }];
        config.users = vec![UserConfig { login: "eve".to_owned(), name: None, email: None }];
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
