//! Commands on the stage.

use std::io::SeekFrom;
use std::time::Duration;

use anyhow::Context;
use domain::qa::CommandResult;
use domain::repo_config::GateConfig;
use domain::task::ProgressEvent;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::task::spawn_blocking;

use super::Gates;
use crate::gates::command::{CommandRunner, CommandSpec};
use crate::gates::counts::count;
use crate::gates::judge::Ran;
use crate::gates::stage::{Overlay, Stage};
use crate::packages::Doorway;

impl Gates<'_> {
    /// Runs a gate from a fresh start with `overlays` on top.
    pub(super) async fn gate(
        &mut self,
        gate: &GateConfig,
        title: &str,
        overlays: &[Overlay],
    ) -> anyhow::Result<(Ran, String)> {
        let overlays = overlays.to_vec();
        self.on_stage(move |stage| stage.reset(&overlays.iter().collect::<Vec<_>>())).await?;
        let spec = CommandSpec {
            title: title.to_owned(),
            command: gate.command.clone(),
            limit: Duration::from_secs(gate.timeout),
        };
        let runner = self.runner.clone();
        let (result, output) = self.followed(&runner, &spec, None).await?;
        let touched = self.on_stage(|stage| Ok(stage.touched()?)).await?.into_iter().collect();
        Ok((Ran { counts: count(&output), result, touched }, output))
    }

    /// Runs a command; the whole output where the log has it, else what the report has.
    pub(super) async fn followed(
        &self,
        runner: &CommandRunner,
        spec: &CommandSpec,
        doorway: Option<&Doorway>,
    ) -> anyhow::Result<(CommandResult, String)> {
        let tree = self.stage.as_ref().map(Stage::tree).context("the stage is gone")?;
        let event = |passed, duration_ms| ProgressEvent::Gate { name: spec.title.clone(), passed, duration_ms };
        self.progress.emit(event(None, None));
        let before = std::fs::metadata(&runner.log).map_or(0, |log| log.len());
        let result = match doorway {
            Some(doorway) => runner.set_up(spec, &tree, doorway).await?,
            None => runner.run(spec, &tree).await?,
        };
        self.progress.emit(event(Some(result.passed()), Some(result.duration_ms)));
        let output = if result.output_bytes <= runner.max_output_bytes {
            let mut log = tokio::fs::File::open(&runner.log).await?;
            log.seek(SeekFrom::Start(before)).await?;
            let mut own = Vec::new();
            log.read_to_end(&mut own).await?;
            String::from_utf8_lossy(&own).into_owned()
        } else {
            result.output.clone()
        };
        Ok((result, output))
    }

    /// Work on files, which can take a while.
    pub(super) async fn on_stage<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Stage) -> anyhow::Result<R> + Send + 'static,
    ) -> anyhow::Result<R> {
        let mut stage = self.stage.take().context("the stage is gone")?;
        let (stage, result) = spawn_blocking(move || {
            let result = work(&mut stage);
            (stage, result)
        })
        .await?;
        self.stage = Some(stage);
        result
    }
}
