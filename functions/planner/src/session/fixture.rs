//! A ticket and its workflow.

use domain::person::{Actor, Person};
use domain::ticket::{Priority, Ticket};
use domain::workflow::{RoundLimits, Workflow};
use domain::{Generation, TicketKey, Timestamp, WorkflowId};

pub(crate) fn ticket() -> Ticket {
    Ticket {
        key: TicketKey::flux_lens("FL-1"),
        version: 1,
        updated_at: Timestamp::UNIX_EPOCH,
        title: "Sessions end too early".to_owned(),
        description: "They last 30 seconds.".to_owned(),
        url: "https://tickets.example/FL-1".to_owned(),
        priority: Priority::Normal,
        labels: vec!["bug".to_owned()],
        reporter: Person::from_email("ann@example.com"),
        assignee: None,
        repository: "acme/app".parse().unwrap(),
        base_branch: "main".to_owned(),
    }
}

pub(crate) fn workflow(ticket: &Ticket) -> Workflow {
    let id = WorkflowId::derive(&ticket.key, Generation::FIRST);
    Workflow::create(id, ticket, RoundLimits::default(), Actor::system("intake"), Timestamp::UNIX_EPOCH).unwrap().0
}
