//! The measurement and its figures.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Instant;

use domain::Digest;
use domain::secrets::{Finding, KnownSecrets, find, fingerprints};
use serde::Serialize;

use crate::corpus::{Change, File, change};
use crate::encodings;
use crate::planted::Forge;

/// What was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Planted credentials by form.
    pub forms: BTreeMap<String, Recall>,
    /// Planted secrets of the deployment, of no known form, by encoding.
    pub encodings: BTreeMap<String, Recall>,
    /// Clean changes that were scanned.
    pub clean_changes: usize,
    /// Those that raised an alarm, with what was said.
    pub alarms: Vec<Alarm>,
    /// Bytes scanned for that.
    pub scanned_bytes: u64,
    /// Seconds that took.
    pub seconds: f64,
}

/// Found of planted.
#[derive(Debug, Default, Serialize)]
pub struct Recall {
    /// Planted.
    pub planted: usize,
    /// Found.
    pub found: usize,
}

/// Something found in a clean change.
#[derive(Debug, Serialize)]
pub struct Alarm {
    /// The file.
    pub path: String,
    /// What it is said to contain.
    pub what: String,
}

impl Recall {
    fn count(&mut self, found: bool) {
        self.planted += 1;
        self.found += usize::from(found);
    }
}

impl Report {
    /// Plants `each` credentials of every form and scans up to `changes` clean changes.
    pub(crate) fn measure(files: &[File], changes: usize, each: usize) -> Self {
        let mut report = Self::default();
        report.recall(files, each);
        report.false_alarms(files, changes);
        report
    }

    fn recall(&mut self, files: &[File], each: usize) {
        let mut forge = Forge::new();
        let none = KnownSecrets::default();
        for round in 0..each {
            for (form, credential) in forge.one_of_each() {
                let file = &files[forge.below(files.len())];
                let before = digests(&find(&file.path, file.content.as_bytes(), &none));
                let text = planted(file, &credential, &mut forge);
                let found =
                    find(&file.path, text.as_bytes(), &none).iter().any(|finding| !before.contains(&finding.digest));
                self.forms.entry(form.to_owned()).or_default().count(found);
            }
            let secret = forge.unknown();
            let salt = [u8::try_from(round % 256).unwrap_or_default(); 16];
            let known = KnownSecrets::new(fingerprints("a secret of this deployment", &secret, salt));
            let mut ways = encodings::all(&secret);
            ways.push(("as it is", secret));
            for (encoding, encoded) in ways {
                let file = &files[forge.below(files.len())];
                let text = planted(file, &encoded, &mut forge);
                let found = find(&file.path, text.as_bytes(), &known).iter().any(|finding| finding.ours);
                self.encodings.entry(encoding.to_owned()).or_default().count(found);
            }
        }
    }

    fn false_alarms(&mut self, files: &[File], changes: usize) {
        let mut forge = Forge::new();
        let secrets: Vec<_> = (0..12_u8).flat_map(|n| fingerprints("a secret", &forge.unknown(), [n; 16])).collect();
        let known = KnownSecrets::new(secrets);
        let start = Instant::now();
        for Change { path, before, after } in files.iter().take(changes).map(change) {
            self.clean_changes += 1;
            self.scanned_bytes += after.len() as u64;
            let found = find(path, after.as_bytes(), &known);
            if found.is_empty() {
                continue;
            }
            let old = digests(&find(path, before.as_bytes(), &known));
            let new = found.into_iter().find(|finding| !old.contains(&finding.digest));
            self.alarms.extend(new.map(|new| Alarm { path: path.to_owned(), what: new.what }));
        }
        self.seconds = start.elapsed().as_secs_f64();
    }

    fn planted_and_found(&self) -> (usize, usize) {
        let all = self.forms.values().chain(self.encodings.values());
        all.fold((0, 0), |(planted, found), recall| (planted + recall.planted, found + recall.found))
    }

    /// Whether everything planted was found, with at most one false alarm in ten thousand changes.
    pub fn holds(&self) -> bool {
        let (planted, found) = self.planted_and_found();
        planted == found && self.alarms.len() * 10_000 <= self.clean_changes.max(10_000)
    }

    /// Writes the figures for people.
    pub(crate) fn print(&self, out: &mut impl Write, alarms: bool) -> std::io::Result<()> {
        let (planted, found) = self.planted_and_found();
        for (title, table) in [("forms", &self.forms), ("encodings of a known secret", &self.encodings)] {
            writeln!(out, "{title}")?;
            for (name, recall) in table {
                writeln!(out, "  {:<32} {:>5} of {:>5}", name, recall.found, recall.planted)?;
            }
        }
        writeln!(out, "recall           {found} of {planted} planted")?;
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (rate, megabytes) =
            (self.alarms.len() as f64 * 1000.0 / self.clean_changes.max(1) as f64, self.scanned_bytes as f64 / 1e6);
        let speed = megabytes / self.seconds.max(1e-9);
        writeln!(
            out,
            "false alarms     {} in {} clean changes: {rate:.3} per 1,000",
            self.alarms.len(),
            self.clean_changes
        )?;
        writeln!(out, "speed            {speed:.1} MB/s over {megabytes:.1} MB")?;
        let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
        for alarm in &self.alarms {
            *by_rule.entry(&alarm.what).or_default() += 1;
            if alarms {
                writeln!(out, "  {}: {}", alarm.path, alarm.what)?;
            }
        }
        for (what, count) in by_rule {
            writeln!(out, "  {count:>5} × {what}")?;
        }
        Ok(())
    }
}

fn digests(findings: &[Finding]) -> BTreeSet<Digest> {
    findings.iter().map(|finding| finding.digest).collect()
}

/// The file with a new line that holds the credential.
fn planted(file: &File, credential: &str, forge: &mut Forge) -> String {
    let mut lines: Vec<&str> = file.content.lines().collect();
    let line = match forge.below(4) {
        0 => format!("    let value = \"{credential}\";"),
        1 => format!("value: {credential}"),
        2 => format!("# {credential}"),
        _ => format!("export VALUE='{credential}'"),
    };
    lines.insert(forge.below(lines.len() + 1), &line);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_measurement_finds_everything_and_a_miss_does_not_hold() {
        let content = (0..60).map(|n| format!("let value_{n} = compute({n});\n")).collect::<Vec<_>>().concat();
        let files = [File { path: "src/a.rs".to_owned(), content }];
        let mut report = Report::measure(&files, 10, 1);
        let (planted, found) = report.planted_and_found();
        assert_eq!((planted, found, report.alarms.len(), report.clean_changes), (47, 47, 0, 1), "{report:?}");
        assert!(report.holds());
        let mut out = Vec::new();
        report.print(&mut out, true).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("recall           47 of 47 planted\nfalse alarms     0 in 1 clean changes"), "{text}");
        report.forms.entry("x".to_owned()).or_default().count(false);
        assert!(!report.holds());
    }

    #[test]
    fn alarms_beyond_one_in_ten_thousand_do_not_hold() {
        let alarm = || Alarm { path: "a".to_owned(), what: "b".to_owned() };
        let report = |clean_changes, alarms: usize| Report {
            clean_changes,
            alarms: (0..alarms).map(|_| alarm()).collect(),
            ..Report::default()
        };
        assert!(report(20_000, 2).holds());
        assert!(!report(20_000, 3).holds());
        assert!(report(50, 1).holds());
        assert!(!report(50, 2).holds());
    }
}
