//! What stands behind the checks' exit codes, in the mail about a pull request.

use domain::qa::QaReport;

use super::line;
use crate::texts::words::count;

/// Most findings that a mail names; the page has all.
const MAX_NAMED: usize = 5;

/// Rows for the mail's table; none if there is nothing to say.
pub(super) fn facts(qa: &QaReport) -> Vec<(&'static str, String)> {
    let lost = qa.gates.iter().filter_map(|gate| Some(format!("{} is not believed: {}", gate.name, gate.lost()?)));
    let all: Vec<String> = lost.chain(qa.findings.iter().map(|finding| finding.message.clone())).collect();
    let mut rows = Vec::new();
    if !all.is_empty() {
        let mut words: Vec<String> = all.iter().take(MAX_NAMED).map(|message| line(message, 300)).collect();
        if all.len() > MAX_NAMED {
            words.push(format!("{} more on the page", count(all.len() - MAX_NAMED, "finding")));
        }
        rows.push(("Please look at", words.join("; ")));
    }
    if let Some(proof) = &qa.bug_proof {
        rows.push(("Bug", line(&proof.describe(), 300)));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Story;
    use domain::qa::{BugProof, Finding, FindingKind};

    #[test]
    fn the_mail_names_what_was_found() {
        let mut qa = crate::testing::qa(&Story::begin("t").workflow);
        assert_eq!(facts(&qa), []);
        let finding =
            |n| Finding { kind: FindingKind::TestsSkipped, subject: "g".to_owned(), message: format!("finding {n}") };
        qa.findings = (0..7).map(finding).collect();
        qa.bug_proof = Some(BugProof::NoTests);
        let rows = facts(&qa);
        assert_eq!(rows[0].1, "finding 0; finding 1; finding 2; finding 3; finding 4; 2 findings more on the page");
        assert_eq!(rows[1].1, "This change has no test file: the bug is not shown by a test.");
    }
}
