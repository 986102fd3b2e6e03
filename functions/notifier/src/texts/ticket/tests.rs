use domain::failure::{Failure, FailureKind};
use domain::gate::Verdict;
use domain::workflow::Event;
use insta::assert_snapshot;

use super::*;
use crate::testing::{HOSTILE, Story, amended, seen, sha, spec};

const PAGE: &str = "https://pi.example/live/workflows/wf-1";

fn spec_comment(story: &Story) -> String {
    let gate = story.gate.as_ref().unwrap();
    spec_proposed(&SpecFacts { spec: &spec(&story.workflow), gate, page: PAGE })
}

fn last_comment(story: &Story) -> String {
    let history = History::of(&story.trail);
    let workflow = &story.workflow;
    ended(&EndedFacts {
        workflow,
        state: workflow.state,
        reason: workflow.reason.as_deref(),
        history: &history,
        page: PAGE,
    })
}

#[test]
fn a_spec_is_proposed() {
    assert_snapshot!(seen(&spec_comment(&Story::begin("Keep sessions").planned())), @"
    **Plan: Keep sessions**

    Use milliseconds. See https:¦//e.example/howto

    It may change 2 files:

    - `package-lock.json` (modify) ⚠ protected: decides which dependencies are installed
    - `src/session.js` (modify)

    Confidence 85 %, about $0.20 and 3 minutes.

    2 people were asked by mail to decide on the plan. [Read the whole plan](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn an_amendment_is_proposed_with_the_added_files_first() {
    let story = Story::begin("Keep sessions").planned();
    let spec = amended(&story.workflow);
    let gate = story.gate.as_ref().unwrap();
    assert_snapshot!(seen(&spec_proposed(&SpecFacts { spec: &spec, gate, page: PAGE })), @r"
    **Amendment of the approved plan, revision 2: Keep sessions**

    While it worked, the coding agent asked for 2 files that the approved plan (revision 1) does not name. Everything else is as approved. The work rests until people have decided.

    It adds 2 files:

    - `yarn.lock` (modify) ⚠ protected: decides which dependencies are installed
    - `src/clock.js` (create)

    The agent's reason, in its own words, which nobody has checked:

    Time is read there. Ask @¦ops: https:¦//e.example/x

    Approved already are 2 files:

    - `package-lock.json` (modify) ⚠ protected: decides which dependencies are installed
    - `src/session.js` (modify)

    2 people were asked by mail to decide on the amendment. [Read the whole plan](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn hostile_words_do_nothing() {
    assert_snapshot!(seen(spec_comment(&Story::begin(HOSTILE).planned()).lines().next().unwrap()), @r#"**Plan: Fix &lt;img src=https:¦//e.example/x&gt; \[now\]\(https:¦//e.example\) @¦everyone \`rm -rf\` \*\*\!\*\***"#);
}

#[test]
fn what_was_decided_meanwhile_is_said() {
    let said = |verdict| spec_comment(&Story::begin("Keep sessions").planned().decided(verdict));
    assert!(said(Verdict::Approve).contains("Approved by ann@\u{200b}acme.example \\(link\\)."));
    assert!(said(Verdict::Revise).contains("Sent back by"));
    assert!(said(Verdict::Reject).contains("Rejected by"));
}

#[test]
fn a_pull_request_is_opened() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().published();
    let history = History::of(&story.trail);
    let facts =
        PrFacts { workflow: &story.workflow, gate: story.gate.as_ref().unwrap(), files: &history.files, page: PAGE };
    assert_snapshot!(seen(&pr_opened(&facts)), @"
    **The change is ready: [pull request 5](https://github.example/acme/shop/pull/5)**

    It changes 2 files:

    - `package-lock.json` (modify) ⚠ protected: decides which dependencies are installed
    - `src/session.js` (modify)

    All required checks passed. 1 attempt, $0.53.

    2 people were asked by mail to decide on the pull request. [What was done and checked](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn it_is_merged() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().published();
    let story = story.decided(Verdict::Approve).then(Event::PrMerged { merge_sha: sha("d") }).then(Event::Completed);
    assert_snapshot!(seen(&last_comment(&story)), @"
    **Done: the change is merged** ([pull request 5](https://github.example/acme/shop/pull/5))

    It changed 2 files:

    - `package-lock.json` (modify) ⚠ protected: decides which dependencies are installed
    - `src/session.js` (modify)

    1 attempt, $0.53. [The whole story](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn it_failed_its_checks() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Approve).run().failed_qa();
    assert_snapshot!(seen(&last_comment(&story)), @r#"
    **Stopped: the change did not pass its checks**

    ```text
    unit tests failed:
    not ok 3 - keeps the session
      @ann https://e.example
    The limit of 0 repairs is reached.
    ```

    The last attempt:

    - \`README.md\` was changed \(modify\), but the approved SPEC does not name it
    - the check `unit tests` failed

    Nothing was changed in the repository. Make the ticket smaller or more precise, or correct the failing check, then start it again.

    1 attempt, $0.53. [The whole story](https://pi.example/live/workflows/wf-1)
    "#);
}

#[test]
fn it_was_rejected() {
    let story = Story::begin("Keep sessions").planned().decided(Verdict::Reject);
    assert_snapshot!(seen(&last_comment(&story)), @"
    **Stopped: the plan was not approved**

    The SPEC was rejected: Too broad.

    Nothing was changed in the repository. Change the ticket to say what the plan got wrong, then start it again.

    1 attempt, $0.12. [The whole story](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn it_was_cancelled() {
    let story = Story::begin("Keep sessions").started();
    let story = story.then(Event::CancelRequested { reason: "Not needed".to_owned() }).then(Event::Cancelled);
    assert_snapshot!(seen(&last_comment(&story)), @"
    **Cancelled**

    Not needed

    Nothing was changed in the repository. Open a new ticket if the change is wanted after all.

    1 attempt, $0.00. [The whole story](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn it_broke() {
    let failure = Failure::new(FailureKind::RepositoryUnavailable, "the repository acme/shop does not exist on GitHub");
    assert_snapshot!(seen(&last_comment(&Story::begin("Keep sessions").started().broke(failure))), @"
    **Stopped: something broke**

    the repository acme/shop does not exist on GitHub

    Nothing was changed in the repository. Check the repository's name in the ticket and that the GitHub App is installed on it, then retry.

    1 attempt, $0.00. [The whole story](https://pi.example/live/workflows/wf-1)
    ");
}

#[test]
fn a_credential_in_a_reason_stays_out() {
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let failure = Failure::new(FailureKind::Internal, format!("the log said {token}"));
    let comment = last_comment(&Story::begin("Keep sessions").started().broke(failure));
    assert!(!comment.contains(&token) && comment.contains("looks like a GitHub token"), "{comment}");
}
