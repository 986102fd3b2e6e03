//! The repository's setup command, and the dependencies that a change names.

use std::time::Duration;

use anyhow::Context;
use domain::path::RepoPath;
use domain::qa::CommandResult;

use super::Gates;
use crate::gates::command::CommandSpec;
use crate::gates::dependencies;
use crate::gates::stage::Overlay;
use crate::gates::tamper::ChangedText;

impl Gates<'_> {
    /// A fresh tree, and setup in it; `under` is there before setup.
    pub(super) async fn set_up(&mut self, under: &Overlay) -> anyhow::Result<Option<CommandResult>> {
        let (overlay, title) =
            (under.clone(), if under.is_empty() { "setup" } else { "setup with the change's dependencies" });
        self.runner.products = vec![];
        self.on_stage(move |stage| stage.fresh(&overlay)).await?;
        let result = match self.run.setup {
            Some(setup) => {
                let spec = CommandSpec {
                    title: title.to_owned(),
                    command: setup.command.clone(),
                    limit: Duration::from_secs(setup.timeout),
                };
                let mut runner = self.runner.clone();
                runner.environment = runner.environment.without_install_scripts();
                let doorway = self.doorway.clone();
                Some(self.followed(&runner, &spec, doorway.as_ref()).await?.0)
            }
            None => None,
        };
        self.runner.products = self
            .on_stage(|stage| {
                stage.keep().context("the workspace cannot be kept as setup left it")?;
                Ok(stage.products().to_vec())
            })
            .await?;
        Ok(result)
    }

    /// What setup may see of the change: dependencies that the SPEC names.
    pub(super) fn dependencies(&self, texts: &[ChangedText]) -> Overlay {
        let named = |path: &RepoPath| self.run.files.iter().any(|file| file.path == *path);
        let seen = |text: &ChangedText| {
            let path: RepoPath = text.path.parse().ok().filter(named)?;
            let changed = self.changes.content(&text.path)?;
            let bytes = dependencies::before_setup(&path, text.base.as_deref().map(str::as_bytes), changed)?;
            Some((text.path.clone(), bytes))
        };
        if self.run.setup.is_none() {
            return self.changes.none();
        }
        self.changes.files(texts.iter().filter_map(seen).collect())
    }
}
