//! What was found, for people and for programs.

use domain::Timestamp;
use domain::audit::{BrokenChain, Evidence, Problem, Standing, StoredEntry, Waiting};
use domain::ids::WorkflowId;
use domain::text::one_line;
use serde::Serialize;

/// The exit code where a trail is broken.
const BROKEN: u8 = 1;
/// The exit code where something could not be checked.
pub(crate) const UNCHECKED: u8 = 2;
/// Longest line about a bad entry, characters.
const MAX_LINE: usize = 200;

/// What was found of several workflows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// When.
    pub at: Timestamp,
    /// Each.
    pub workflows: Vec<Checked>,
}

/// What was found of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Which.
    pub workflow_id: WorkflowId,
    /// What.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a trail holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Holds(Standing),
    /// It does not.
    Broken {
        /// The first bad entry.
        seq: u64,
        /// What is wrong with it.
        problem: Problem,
        /// The same in words.
        message: String,
        /// What stands in its place now.
        now: Option<String>,
    },
    /// Nobody knows.
    Unchecked {
        /// Why.
        reason: String,
    },
}

impl Checked {
    /// What evidence says.
    pub fn of(evidence: &Evidence) -> Self {
        let verdict = match evidence.verify() {
            Ok(standing) => Verdict::Holds(standing),
            Err(broken) => {
                let bad = broken.seq.checked_sub(1).and_then(|index| usize::try_from(index).ok());
                let now = bad.and_then(|index| evidence.trail.entries.get(index)).map(told);
                let BrokenChain { seq, problem, .. } = broken;
                Verdict::Broken { seq, message: problem.to_string(), problem, now }
            }
        };
        Self { workflow_id: evidence.trail.workflow_id.clone(), verdict }
    }

    /// What stands in the way of "this trail is as it was written". `None`: nothing.
    fn code(&self) -> Option<u8> {
        match &self.verdict {
            Verdict::Broken { .. } => Some(BROKEN),
            Verdict::Unchecked { .. } => Some(UNCHECKED),
            // It was not checked against what nobody can change.
            Verdict::Holds(standing) => standing.waiting.filter(|waiting| waiting.late).map(|_| UNCHECKED),
        }
    }
}

impl Report {
    /// 0: all hold. 1: one is broken. 2: something could not be checked.
    pub fn exit_code(&self) -> u8 {
        self.workflows.iter().filter_map(Checked::code).min().unwrap_or(0)
    }

    /// The same in words: what needs somebody first, then a summary.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut bad: Vec<_> = self.workflows.iter().filter_map(|one| Some((one.code()?, one))).collect();
        bad.sort_by_key(|(code, _)| *code);
        for (_, one) in &bad {
            text.push_str(&Self::about(one));
        }
        let (mut entries, mut anchored) = (0, 0);
        for one in self.workflows.iter().filter(|one| one.code().is_none()) {
            if let Verdict::Holds(standing) = one.verdict {
                entries += standing.entries;
                anchored += standing.anchored;
            }
        }
        let summary = match (self.workflows.len(), bad.len()) {
            (0, _) => "There are no workflows.".to_owned(),
            (all, 0) => format!("✓ {all} trail(s) hold: {entries} entries, {anchored} of them anchored"),
            (all, bad) => {
                format!("{} of {all} trail(s) hold: {entries} entries, {anchored} of them anchored", all - bad)
            }
        };
        let rest = match entries - anchored {
            0 => String::new(),
            new => format!("; {new} too new to be"),
        };
        text + &summary + &rest + "\n"
    }

    fn about(one: &Checked) -> String {
        let id = &one.workflow_id;
        match &one.verdict {
            Verdict::Broken { seq, problem, message, now } => {
                let mut lines = vec![
                    format!("✗ {id} is broken at entry {seq}: {}", one_line(message, MAX_LINE)),
                    format!("    {}", problem.meaning()),
                ];
                if let Some(now) = now {
                    lines.push(format!("    In its place now: {now}"));
                }
                lines.push(match seq {
                    1 => "    No entry of it can be relied on.".to_owned(),
                    2 => "    Entry 1 holds.".to_owned(),
                    seq => format!("    Entries 1 to {} hold.", seq - 1),
                });
                lines.push(
                    "    Next: change nothing, keep what is there, and follow docs/audit.md, \"A trail is broken\":"
                        .to_owned(),
                );
                lines.push(format!("      cargo xtask audit export --workflow {id} --output {id}.jsonl"));
                lines.join("\n") + "\n"
            }
            Verdict::Unchecked { reason } => format!("? {id} could not be checked: {}\n", one_line(reason, MAX_LINE)),
            Verdict::Holds(Standing { waiting: Some(Waiting { from, since, .. }), .. }) => {
                let since = since.map(|since| format!(", though it was written at {since}")).unwrap_or_default();
                format!(
                    "? {id} holds by itself, but from entry {from} on it is not anchored{since}\n    \
                     Look at the log of `anchor`; then: cargo xtask audit anchor --workflow {id}\n"
                )
            }
            Verdict::Holds(_) => String::new(),
        }
    }
}

/// What stands in a place, on one line.
fn told(stored: &StoredEntry) -> String {
    let text = match stored.entry() {
        Ok(entry) => {
            let event = serde_json::to_value(&entry.event).ok();
            let event = event.as_ref().and_then(|event| event["type"].as_str()).unwrap_or("?");
            format!("{} {} {event}, {} to {}", entry.at, entry.actor.label(), entry.from, entry.to)
        }
        Err(_) => stored.fields().map_or_else(str::to_owned, ToString::to_string),
    };
    one_line(&text, MAX_LINE)
}

#[cfg(test)]
mod tests {
    use domain::audit::{AuditEntry, AuditHead, Trail, genesis};
    use domain::person::Actor;
    use domain::workflow::Event;
    use domain::{Digest, WorkflowState};
    use insta::{assert_json_snapshot, assert_snapshot};

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_795_341_600 + hour * 3_600).unwrap()
    }

    /// A workflow with three entries, an hour apart, without anchors.
    fn evidence(n: u32) -> Evidence {
        let id: WorkflowId = format!("wf-00000000000000000000-{n}").parse().unwrap();
        let mut entries: Vec<AuditEntry> = Vec::new();
        for seq in 1..=3 {
            let mut entry = AuditEntry {
                workflow_id: id.clone(),
                seq,
                at: at(i64::try_from(seq).unwrap()),
                actor: Actor::system("intake"),
                from: WorkflowState::Pending,
                to: WorkflowState::Pending,
                event: Event::TicketUpdated { ticket_version: seq, ticket_digest: Digest::of("t") },
                previous: entries.last().map_or_else(|| genesis(&id), |last| last.hash),
                hash: genesis(&id),
            };
            entry.hash = entry.compute_hash().unwrap();
            entries.push(entry);
        }
        let head = entries.last().map(|last| AuditHead { seq: last.seq, hash: last.hash });
        Evidence { trail: Trail::of(id, &entries, head), anchors: vec![], at: at(1) }
    }

    fn report(workflows: Vec<Checked>) -> Report {
        Report { at: at(1), workflows }
    }

    /// The entry with another time.
    fn edited(mut evidence: Evidence, place: usize) -> Evidence {
        let mut fields = evidence.trail.entries[place - 1].fields().unwrap().clone();
        fields["at"] = serde_json::json!(at(9));
        evidence.trail.entries[place - 1] = StoredEntry::new(Some(place as u64), fields);
        evidence
    }

    #[test]
    fn what_holds_is_counted() {
        let report = report(vec![Checked::of(&evidence(1)), Checked::of(&evidence(2))]);
        assert_eq!(report.exit_code(), 0);
        assert_snapshot!(report.to_text(), @"✓ 2 trail(s) hold: 6 entries, 0 of them anchored; 6 too new to be");
        assert_snapshot!(Report { at: at(1), workflows: vec![] }.to_text(), @"There are no workflows.");
    }

    #[test]
    fn what_does_not_comes_first_with_what_to_do() {
        let mut late = evidence(3);
        late.at = at(4);
        let mut cut = evidence(5);
        cut.trail.entries.truncate(0);
        let unknown = Verdict::Unchecked { reason: "there is no such workflow".to_owned() };
        let unknown = Checked { workflow_id: evidence(4).trail.workflow_id, verdict: unknown };
        let hostile = Evidence {
            trail: Trail { entries: vec![StoredEntry::unreadable(Some(1), "\u{1b}[2J")], ..evidence(6).trail },
            ..evidence(6)
        };
        let checked = [&evidence(1), &edited(evidence(2), 3), &late, &cut, &hostile].map(Checked::of);
        let report = report(checked.into_iter().chain([unknown]).collect());
        assert_eq!(report.exit_code(), 1);
        assert_snapshot!(report.to_text());
    }

    #[test]
    fn what_could_not_be_checked_is_not_good() {
        let mut late = evidence(3);
        late.at = at(4);
        assert_eq!(report(vec![Checked::of(&evidence(1)), Checked::of(&late)]).exit_code(), UNCHECKED);
    }

    #[test]
    fn programs_get_the_same() {
        let report = report(vec![Checked::of(&evidence(1)), Checked::of(&edited(evidence(2), 2))]);
        assert_json_snapshot!(report);
    }
}
