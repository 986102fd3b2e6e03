//! Every key of every table and of the bucket. Nothing else builds one.

use domain::ids::{GateId, Repository, TicketKey, WorkflowId};
use domain::inbound::SecretOwner;
use domain::{Digest, Timestamp, WorkflowState};

/// Attribute of the partition key, in every table.
pub const PK: &str = "pk";
/// Attribute of the sort key, in every table.
pub const SK: &str = "sk";
/// Index of workflows by state, newest change last.
pub const BY_STATE: &str = "by_state";
/// Partition key of [`BY_STATE`].
pub const BY_STATE_PK: &str = "gsi1pk";
/// Sort key of [`BY_STATE`].
pub const BY_STATE_SK: &str = "gsi1sk";
/// Sparse index of what has to be done by a time.
pub const BY_DUE: &str = "by_due";
/// Partition key of [`BY_DUE`].
pub const BY_DUE_PK: &str = "gsi2pk";
/// Sort key of [`BY_DUE`].
pub const BY_DUE_SK: &str = "gsi2sk";
/// Attribute with the second at which DynamoDB may delete the row.
pub const EXPIRES_AT: &str = "expires_at";
/// Sort key of an item that is alone in its partition, and of a workflow's main row.
pub const META: &str = "META";
/// Sort key of the ticket's snapshot below a workflow.
pub const TICKET: &str = "TICKET";
/// Start of the sort keys of outbox rows.
pub const OUTBOX_PREFIX: &str = "OUTBOX#";
/// Sort key of what a workflow's thread in Slack knows.
pub const SLACK: &str = "SLACK";
/// Start of the sort keys of log rows.
pub const LOG_PREFIX: &str = "LOG#";
/// Sort key of a slot pool's count.
pub const CAPACITY: &str = "CAPACITY";
/// Start of the sort keys of those who wait for a slot.
pub const WAITER_PREFIX: &str = "WAIT#";
/// Number of partitions of [`BY_DUE`], so that one minute's work does not sit on one.
pub const DUE_SHARDS: u8 = 4;

/// Partition of a workflow: `state` and `audit` tables.
pub fn workflow(id: &WorkflowId) -> String {
    format!("WF#{id}")
}

/// The workflow of such a partition.
pub fn workflow_of(partition: &str) -> Option<WorkflowId> {
    partition.strip_prefix("WF#")?.parse().ok()
}

/// Partition of a ticket.
pub fn ticket(key: &TicketKey) -> String {
    format!("TICKET#{}#{}", key.source, key.id)
}

/// Partition of a delivery.
pub fn delivery(id: &str) -> String {
    format!("DELIVERY#{id}")
}

/// Partition of a pull request.
pub fn pull_request(repository: &Repository, number: u64) -> String {
    format!("PR#{repository}#{number}")
}

/// Partition of the fingerprints of the secrets that a function holds.
pub fn known_secrets(owner: SecretOwner) -> String {
    format!("KNOWN#{}", owner.as_str())
}

/// Partition of a Slack channel: how much was posted there, one row an hour.
pub fn slack_channel(channel: &str) -> String {
    format!("SLACK#{channel}")
}

/// Sort key of an hour.
pub fn hour(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H").to_string()
}

/// Partition of what was refused on one day, `audit` table.
pub fn access(day: &str) -> String {
    format!("ACCESS#{day}")
}

/// Sort key of a refusal: its time, and something that tells refusals of the same microsecond apart.
pub fn refusal(at: Timestamp, distinct: u64) -> String {
    format!("{at:.6}#{distinct:016x}")
}

/// Partition of a session, `console` table.
pub fn session(family: &str) -> String {
    format!("SESSION#{family}")
}

/// Partition of the API tokens that people made, `console` table: few enough to be listed whole.
pub const API_TOKENS: &str = "API_TOKENS";

/// Sort key of an outbox row.
pub fn outbox(seq: u64) -> String {
    format!("{OUTBOX_PREFIX}{seq:010}")
}

/// Sort key of an audit entry.
pub fn audit(seq: u64) -> String {
    format!("{seq:010}")
}

/// The number of an audit entry with that sort key.
pub fn audit_seq(sort_key: &str) -> Option<u64> {
    sort_key.parse().ok().filter(|seq| audit(*seq) == sort_key)
}

/// Sort key of a log line.
pub fn log(attempt: u32, run: &str, seq: u64) -> String {
    format!("{LOG_PREFIX}{attempt:04}#{run}#{seq:010}")
}

/// Partition of a slot pool.
pub fn slots(pool: &str) -> String {
    format!("SLOTS#{pool}")
}

/// Sort key of one who waits for a slot.
pub fn waiter(order: &str) -> String {
    format!("{WAITER_PREFIX}{order}")
}

/// Partition of a state in [`BY_STATE`].
pub fn state(state: WorkflowState) -> String {
    format!("STATE#{state}")
}

/// Start of the sort keys in [`BY_STATE`], and of expenses, from a moment on.
pub fn changed(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

/// Sort key in [`BY_STATE`].
pub fn changed_of(at: Timestamp, id: &WorkflowId) -> String {
    format!("{}#{id}", changed(at))
}

/// Partition of what was spent in a month, UTC.
pub fn expenses(at: Timestamp) -> String {
    format!("SPENT#{}", at.strftime("%Y-%m"))
}

/// Sort key of an expense.
pub fn expense(at: Timestamp, id: &WorkflowId, seq: u64) -> String {
    format!("{}#{seq:010}", changed_of(at, id))
}

/// Partition of a gate.
pub fn gate(id: &GateId) -> String {
    format!("GATE#{id}")
}

/// Partition of an approval link.
pub fn link(digest: Digest) -> String {
    format!("LINK#{digest}")
}

/// Sort key of a link's typed codes.
pub const CODE: &str = "CODE";

/// Partition of a person's open gates.
pub fn inbox(email: &str) -> String {
    format!("INBOX#{}", email.to_lowercase())
}

/// Partition of the token of a gate.
pub fn gate_token(id: &GateId) -> String {
    format!("GATE#{id}")
}

/// Partition of the token of one who waits for a slot.
pub fn slot_token(pool: &str, id: &WorkflowId) -> String {
    format!("SLOT#{pool}#{id}")
}

/// Partition in [`BY_DUE`] of an open gate.
pub fn gate_due(shard: u8) -> String {
    format!("DUE#{shard}")
}

/// Partition in [`BY_DUE`] of a decided gate whose answer has not reached the state machine.
pub fn gate_undelivered(shard: u8) -> String {
    format!("UNDELIVERED#{shard}")
}

/// The shard of a gate.
pub fn shard(id: &GateId) -> u8 {
    Digest::of(id.as_str()).to_string().bytes().next().unwrap_or(b'0') % DUE_SHARDS
}

/// Keys in the bucket.
pub mod objects {
    use domain::ids::{Attempt, Revision, WorkflowId};
    use domain::task::RunKind;

    fn run(id: &WorkflowId, attempt: Attempt) -> String {
        format!("runs/{id}/{attempt}")
    }

    /// A revision's SPEC as JSON.
    pub fn spec_json(id: &WorkflowId, revision: Revision) -> String {
        format!("specs/{id}/{revision}/spec.json")
    }

    /// A revision's SPEC.md.
    pub fn spec_markdown(id: &WorkflowId, revision: Revision) -> String {
        format!("specs/{id}/{revision}/SPEC.md")
    }

    /// The tree at the run's base commit.
    pub fn workspace(id: &WorkflowId, attempt: Attempt) -> String {
        format!("workspaces/{id}/{attempt}/workspace.tar.zst")
    }

    /// The list of the paths in that tree: a JSON array.
    pub fn base_files(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/base-files.json", run(id, attempt))
    }

    /// What the SPEC's files were before the run, as far as they are texts: a JSON object.
    pub fn before(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/before.json", run(id, attempt))
    }

    /// The diff of the verified change set. No sandbox has an address for it.
    pub fn diff(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/diff.json", run(id, attempt))
    }

    /// `task.json` of one sandbox.
    pub fn task(id: &WorkflowId, attempt: Attempt, kind: RunKind) -> String {
        format!("{}/{}/task.json", run(id, attempt), kind.as_str())
    }

    /// The report that a sandbox uploads last.
    pub fn report(id: &WorkflowId, attempt: Attempt, kind: RunKind) -> String {
        format!("{}/{}/report.json", run(id, attempt), kind.as_str())
    }

    /// The change set as the sandbox uploads it.
    pub fn changes(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/agent/changes.tar.zst", run(id, attempt))
    }

    /// The change set after verification. No sandbox has an address for it.
    pub fn verified(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/verified.tar.zst", run(id, attempt))
    }

    /// The agent's session file.
    pub fn session(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/agent/session.jsonl", run(id, attempt))
    }

    /// The QA report, JSON, as the sandbox uploads it.
    pub fn qa_json(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/qa/report-qa.json", run(id, attempt))
    }

    /// The QA report, HTML.
    pub fn qa_html(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/qa/report-qa.html", run(id, attempt))
    }

    /// The gates' whole output.
    pub fn qa_output(id: &WorkflowId, attempt: Attempt) -> String {
        format!("{}/qa/output.txt", run(id, attempt))
    }
}

/// Keys in the bucket of anchors.
pub mod anchors {
    use domain::ids::WorkflowId;

    /// Start of every key.
    pub const PREFIX: &str = "heads/";

    /// Start of the keys of a workflow's anchors.
    pub fn workflow(id: &WorkflowId) -> String {
        format!("{PREFIX}{id}/")
    }

    /// The workflow whose anchors' keys start so.
    pub fn workflow_of(prefix: &str) -> Option<WorkflowId> {
        prefix.strip_prefix(PREFIX)?.strip_suffix('/')?.parse().ok()
    }

    /// The anchor of a workflow's first `seq` entries.
    pub fn anchor(id: &WorkflowId, seq: u64) -> String {
        format!("{}{seq:010}.json", workflow(id))
    }

    /// The number of the anchor with that key.
    pub fn seq_of(id: &WorkflowId, key: &str) -> Option<u64> {
        let seq = key.strip_prefix(&workflow(id))?.strip_suffix(".json")?.parse().ok()?;
        (anchor(id, seq) == key).then_some(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_from_a_key_makes_that_key() {
        let id: WorkflowId = "wf-00000000000000000000-1".parse().unwrap();
        assert_eq!(workflow_of(&workflow(&id)).as_ref(), Some(&id));
        assert_eq!(anchors::workflow_of(&anchors::workflow(&id)).as_ref(), Some(&id));
        for seq in [0, 7, 10_000_000_000] {
            assert_eq!(audit_seq(&audit(seq)), Some(seq));
            assert_eq!(anchors::seq_of(&id, &anchors::anchor(&id, seq)), Some(seq));
        }
        for odd in ["", "7", "+000000007", "00000000007", "META"] {
            assert_eq!(audit_seq(odd), None, "{odd}");
            assert_eq!(anchors::seq_of(&id, &format!("{}{odd}.json", anchors::workflow(&id))), None, "{odd}");
        }
        for odd in ["WF#", "STATE#x", "heads/", "heads/x/"] {
            assert!(workflow_of(odd).is_none() && anchors::workflow_of(odd).is_none(), "{odd}");
        }
    }
}
