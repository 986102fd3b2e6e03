//! Branch, titles, commit messages, and the marks by which we know our own work again.

use domain::Digest;
use domain::ids::{Attempt, TicketKey, WorkflowId};

use super::escape::plain;

/// Longest first line of a commit, characters.
const MAX_SUBJECT: usize = 72;
/// Longest title of a pull request, characters.
const MAX_TITLE: usize = 200;
/// Longest part of a branch that comes from the ticket's id, bytes.
const MAX_BRANCH_TICKET: usize = 40;
/// The trailer of our commits.
const TRAILER: &str = "Pi-Tickets-Workflow:";

/// The ticket's branch. It is the same for every generation, so that a retry goes on where the last one ended.
pub fn branch_name(ticket: &TicketKey, workflow: &WorkflowId) -> String {
    let mut name: String = ticket
        .id
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(MAX_BRANCH_TICKET)
        .collect();
    while name.contains("--") {
        name = name.replace("--", "-");
    }
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "ticket" } else { name };
    format!("pi-tickets/{name}-{}", workflow.short())
}

/// The pull request's title.
pub fn pull_title(spec_title: &str, ticket: &TicketKey) -> String {
    let ticket = plain(&ticket.id);
    cut(&format!("{} [{}]", plain(spec_title), cut(&ticket, 40)), MAX_TITLE)
}

/// The message of one commit.
pub fn commit_message(
    spec_title: &str,
    ticket: &TicketKey,
    spec: Digest,
    workflow: &WorkflowId,
    attempt: Attempt,
) -> String {
    let subject = cut(&plain(spec_title), MAX_SUBJECT);
    let (source, id) = (plain(&ticket.source), cut(&plain(&ticket.id), 100));
    format!(
        "{subject}\n\nTicket: {source} {id}\nSPEC: sha256:{spec}\n\n{TRAILER} {workflow}\nPi-Tickets-Attempt: {attempt}\n"
    )
}

/// Whether a commit is one of ours for the same ticket, in whatever generation.
pub fn is_ours(message: &str, workflow: &WorkflowId) -> bool {
    let last_paragraph = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let mut ids = last_paragraph.lines().filter_map(|line| line.strip_prefix(TRAILER)?.trim().parse().ok());
    ids.next().is_some_and(|id: WorkflowId| same_ticket(&id, workflow)) && ids.next().is_none()
}

/// A mark in a pull request's text or in a comment. It does not show.
pub fn marker(kind: &str, workflow: &WorkflowId) -> String {
    format!("<!-- pi-tickets:{kind}:{workflow} -->")
}

/// Whether a pull request's text carries our mark for the same ticket, in whatever generation.
pub fn names_us(body: &str, workflow: &WorkflowId) -> bool {
    body.split("<!-- pi-tickets:pull:")
        .skip(1)
        .filter_map(|rest| rest.split_once(" -->")?.0.parse().ok())
        .any(|id: WorkflowId| same_ticket(&id, workflow))
}

fn same_ticket(one: &WorkflowId, other: &WorkflowId) -> bool {
    let ticket = |id: &WorkflowId| id.as_str().rsplit_once('-').map(|(ticket, _)| ticket.to_owned());
    ticket(one) == ticket(other)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max - 1).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use domain::ids::Generation;

    use super::*;

    fn workflow(ticket: &str, generation: u32) -> WorkflowId {
        WorkflowId::derive(&TicketKey::flux_lens(ticket), Generation::new(generation))
    }

    #[test]
    fn branches_are_valid_whatever_the_ticket_is_called() {
        let id = workflow("1", 1);
        let short = id.short();
        for (ticket, expected) in [
            ("1234", "1234"),
            ("FL-12", "fl-12"),
            ("../../heads/main", "heads-main"),
            ("..", "ticket"),
            ("a b~^:?*[\\x.lock", "a-b-x-lock"),
            ("ü", "ticket"),
        ] {
            let branch = branch_name(&TicketKey::flux_lens(ticket), &id);
            assert_eq!(branch, format!("pi-tickets/{expected}-{short}"), "{ticket}");
        }
        let long = branch_name(&TicketKey::flux_lens("x".repeat(500)), &id);
        assert!(long.len() < 80);
    }

    #[test]
    fn messages_carry_our_mark_and_nothing_that_acts() {
        let ticket = TicketKey::flux_lens("77");
        let digest = Digest::of("spec");
        let title = format!("Keep sessions\n\n{TRAILER} wf-00000000000000000000-1\n\nfixes #1 for @octocat");
        let message = commit_message(&title, &ticket, digest, &workflow("77", 2), Attempt::new(3));
        insta::assert_snapshot!(message.replace('\u{200b}', "~"), @r"
        Keep sessions Pi-Tickets-Workflow: wf-00000000000000000000-1 fixes #~1…

        Ticket: flux-lens 77
        SPEC: sha256:d4f02eaafd1a9e9de7d10972ca8e47fa7a985825c3c9c1e249c72683cb3e4f19

        Pi-Tickets-Workflow: wf-2f540c634b6afa7f1436-2
        Pi-Tickets-Attempt: 3
        ");
    }

    #[test]
    fn only_our_own_commits_of_the_same_ticket_are_ours() {
        let ticket = TicketKey::flux_lens("77");
        let (first, second, other) = (workflow("77", 1), workflow("77", 2), workflow("78", 1));
        let message = commit_message("T", &ticket, Digest::of("s"), &first, Attempt::FIRST);
        assert!(is_ours(&message, &first));
        assert!(is_ours(&message, &second), "a retry goes on from the generation before it");
        assert!(!is_ours(&message, &other));
        assert!(!is_ours("Fix typo", &first));
        assert!(!is_ours(&format!("{TRAILER} {first}\n\nbut not at the end"), &first));
        assert!(!is_ours(&format!("T\n\n{TRAILER} {first}\n{TRAILER} {other}"), &first));
        let body = format!("text {}", marker("pull", &first));
        assert!(names_us(&body, &second) && !names_us(&body, &other) && !names_us("text", &first));
    }

    #[test]
    fn titles_are_cut_between_characters() {
        assert_eq!(pull_title("Keep sessions", &TicketKey::flux_lens("77")), "Keep sessions [77]");
        let long = pull_title(&"ü".repeat(500), &TicketKey::flux_lens("77"));
        assert_eq!(long.chars().count(), MAX_TITLE);
    }
}
