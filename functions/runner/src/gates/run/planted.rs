//! Runs of a gate with planted failures: see [`probe`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::qa::Ended;
use domain::repo_config::GateConfig;

use super::{Gates, left};
use crate::gates::judge::{AtBase, Hearing, Ran};
use crate::gates::language::{Language, is_test_file};
use crate::gates::probe::{self, Failure, Probes};
use crate::gates::stage::Overlay;
use crate::gates::tamper::ChangedText;

/// Failures are planted only if a gate takes less than one in so many parts of the time that is left.
const PROBE_SHARE: u32 = 4;
/// Rounds in which planted failures that went unnoticed are tried again.
const MAX_ROUNDS: u32 = 3;

impl Gates<'_> {
    /// Test files of the base commit that stay, those that the change has first.
    pub(super) async fn choose_probes(&mut self, texts: &[ChangedText]) -> anyhow::Result<Probes> {
        let changed: BTreeMap<String, bool> =
            texts.iter().map(|text| (text.path.clone(), text.changed.is_some())).collect();
        let files = self
            .on_stage(move |stage| {
                let (own, others): (Vec<_>, Vec<_>) = stage
                    .base()
                    .iter()
                    .map(|(path, _)| path)
                    .filter(|path| Language::of(path).is_some() && changed.get(*path) != Some(&false))
                    .partition(|path| changed.contains_key(*path));
                let holds_tests = |path: &&str| stage.base_text(path).is_some_and(|text| is_test_file(path, &text));
                let chosen = own.into_iter().chain(others).filter(holds_tests).take(probe::MAX_FILES);
                Ok(chosen.map(str::to_owned).collect())
            })
            .await?;
        Ok(Probes::new(format!("{:016x}", rand::random::<u64>()), files))
    }

    /// A runner that stops at its first failure notices one file of many: the others once more, a few times.
    pub(super) async fn noticed_at_base(
        &mut self,
        gate: &GateConfig,
        name: &str,
        under: &Overlay,
        ran: &Ran,
    ) -> anyhow::Result<BTreeSet<Failure>> {
        let mut noticed = BTreeSet::new();
        let mut open: BTreeSet<usize> = (0..self.probes.files().len()).collect();
        for _ in 0..MAX_ROUNDS {
            if open.is_empty() || !self.has_time_for_probes(ran) {
                break;
            }
            let Some(more) = self.planted(gate, name, under, Some(&open)).await? else { break };
            let before = open.len();
            open.retain(|file| !more.iter().any(|(noticed, _)| noticed == file));
            noticed.extend(more);
            if open.len() == before {
                break;
            }
        }
        Ok(noticed)
    }

    pub(super) fn has_time_for_probes(&self, ran: &Ran) -> bool {
        !self.probes.files().is_empty()
            && Duration::from_millis(ran.result.duration_ms) * PROBE_SHARE < left(self.runner.deadline)
    }

    pub(super) async fn hearing(
        &mut self,
        gate: &GateConfig,
        base: &AtBase,
        changes: &Overlay,
    ) -> anyhow::Result<Hearing> {
        if base.noticed.is_empty() {
            return Ok(Hearing::NotTried);
        }
        let name = format!("{} with planted failures", gate.name);
        let Some(noticed) = self.planted(gate, &name, changes, None).await? else { return Ok(Hearing::BrokeOff) };
        let mut missing: BTreeSet<Failure> = base.noticed.difference(&noticed).copied().collect();
        // A runner that stops at its first failure notices one of many: those that are missing once more, alone.
        for _ in 0..MAX_ROUNDS {
            if missing.is_empty() {
                break;
            }
            let only = missing.iter().map(|(file, _)| *file).collect();
            let Some(noticed) = self.planted(gate, &name, changes, Some(&only)).await? else {
                return Ok(Hearing::BrokeOff);
            };
            let before = missing.len();
            missing.retain(|failure| !noticed.contains(failure));
            if missing.len() == before {
                break;
            }
        }
        Ok(Hearing::Missing(missing))
    }

    /// Runs a gate with planted failures, in all files or only in some. `None`: it was cut off.
    pub(super) async fn planted(
        &mut self,
        gate: &GateConfig,
        name: &str,
        under: &Overlay,
        only: Option<&BTreeSet<usize>>,
    ) -> anyhow::Result<Option<BTreeSet<Failure>>> {
        let paths: Vec<(usize, String)> = self.probes.files().iter().cloned().enumerate().collect();
        let mut files = Vec::new();
        for (file, path) in paths.into_iter().filter(|(file, _)| only.is_none_or(|only| only.contains(file))) {
            let wanted = path.clone();
            let text = match under.content(&path) {
                Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                None => self.on_stage(move |stage| Ok(stage.base_text(&wanted))).await?,
            };
            if let Some(planted) = text.and_then(|text| self.probes.plant(file, &text)) {
                files.push((path, planted.into_bytes()));
            }
        }
        let overlays = [under.clone(), self.changes.files(files)];
        let (ran, output) = self.gate(gate, name, &overlays).await?;
        Ok(match ran.result.ended {
            // It passes although tests fail.
            Ended::Exit { code: 0 } => Some(BTreeSet::new()),
            Ended::Exit { .. } | Ended::Signal { .. } => Some(self.probes.noticed(&output)),
            Ended::TimedOut | Ended::OutputLimit | Ended::DiskLimit | Ended::NotStarted { .. } => None,
        })
    }
}
