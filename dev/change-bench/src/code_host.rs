//! The code host: the simulator, with the tree as a repository's first commit.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use camino::Utf8Path;
use domain::CommitSha;
use github::{Host, Repo};
use github_sim::{Config, GithubSim, NewRepo, PersonalToken, Running};

const TOKEN: &str = "ghp_maintainerstoken";
pub(crate) const REPOSITORY: &str = "acme/web";

/// A running code host.
pub(crate) struct CodeHost {
    sim: Running,
    pub(crate) repo: Repo,
    /// The commit whose tree the agent found.
    pub(crate) base_commit: CommitSha,
}

impl CodeHost {
    /// Starts it and packs the repository, as a code host does.
    pub(crate) async fn start(folder: &Utf8Path, tree: &Utf8Path) -> anyhow::Result<Self> {
        let mut config = Config::new(folder.as_std_path());
        config.personal_tokens = vec![PersonalToken { token: TOKEN.into(), login: "maintainer".to_owned() }];
        config.rate_limit = u32::MAX;
        let sim = GithubSim::start(config).await?;
        let refused = |error| anyhow!("the simulator refused the repository: {error:?}");
        let first = sim.create_repo(NewRepo::new("acme", "web").from_dir(tree)).await.map_err(refused)?;
        pack(&folder.join("repos").join(format!("{REPOSITORY}.git")))?;
        let repo = Host::new(&sim.api_base())?.with_token(TOKEN.into())?.repo(&REPOSITORY.parse()?);
        Ok(Self { sim, repo, base_commit: first.as_str().parse()? })
    }

    /// The time in which it was answering, so far.
    pub(crate) fn busy(&self) -> Duration {
        self.sim.busy()
    }
}

fn pack(repository: &Utf8Path) -> anyhow::Result<()> {
    let mut git = Command::new("git");
    git.args(["repack", "-a", "-d", "-q"]).current_dir(repository).stdin(Stdio::null());
    let status = git.env("GIT_CONFIG_GLOBAL", "/dev/null").status().context("git could not be started")?;
    ensure!(status.success(), "the repository could not be packed ({status})");
    Ok(())
}
