//! What goes wrong outside leaves its messages on the queue, and no others.

use std::sync::Arc;

use domain::failure::{Failure, FailureKind};
use flux_lens_sim::Status;
use serde_json::json;
use testkit::Functions;
use testkit::sample::now;

use crate::office::{APPROVERS, Office, broken_ses};

#[tokio::test]
async fn a_tracker_that_is_down_gets_its_messages_later_and_the_mails_do_not_wait() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    let down = json!({ "status": 503, "times": 4 });
    office.tracker.inject(serde_json::from_value(down).unwrap());
    assert_eq!(office.deliver().await, 2, "the status and the comment, each after one repeat");
    assert_eq!((office.status(), office.comments().len()), (Status::Open, 0));
    assert_eq!(office.recipients(), APPROVERS);

    assert_eq!(office.deliver().await, 0);
    assert_eq!((office.status(), office.comments().len()), (Status::InProgress, 1));
    assert_eq!(office.recipients(), APPROVERS, "nobody is mailed again");
    assert!(office.all_sent(&workflow.id).await);
}

#[tokio::test]
async fn an_ses_that_is_down_gets_its_message_later_and_the_ticket_does_not_wait() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    for ses in [broken_ses(&office.world).await, office.world.unreachable()] {
        assert_eq!(office.deliver_by(&office.notifier_by(&ses), now).await, 1);
        assert_eq!((office.comments().len(), office.recipients().len()), (1, 0));
    }
    assert_eq!(office.deliver().await, 0, "the row was given back at once");
    assert_eq!((office.comments().len(), office.recipients()), (1, APPROVERS.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_sender_that_ses_does_not_know_is_not_asked_for_in_vain() {
    let mut office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    let sender = std::mem::replace(&mut office.config.mail_from, "pi@elsewhere.example".to_owned());
    assert_eq!(office.deliver().await, 1);
    office.config.mail_from = sender;
    assert_eq!((office.deliver().await, office.recipients()), (0, APPROVERS.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn one_approvers_trouble_keeps_nobody_else_from_theirs() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    let links = Arc::new(approvals::Context::Links(office.world.gates.clone()));
    office.functions.on(Functions::LINKS, move |request| {
        let links = Arc::clone(&links);
        async move {
            if request.to_string().contains("ann@") {
                return Err(Failure::new(FailureKind::Transient, "busy"));
            }
            approvals::handle(&links, request, now()).await
        }
    });
    for _ in 0..2 {
        assert_eq!(office.deliver().await, 1);
        assert_eq!(office.recipients(), APPROVERS[1..], "once each");
    }
    office.functions.serve_links(&office.world, now());
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.recipients(), APPROVERS);
}

#[tokio::test]
async fn without_a_link_there_is_no_mail() {
    let office = Office::start().await;
    let (workflow, _) = office.planned().await;
    office.announce(&workflow.id).await;
    office.functions.on(Functions::LINKS, |_| async { Err(Failure::new(FailureKind::Transient, "busy")) });
    assert_eq!(office.deliver().await, 1);
    assert_eq!((office.recipients().len(), office.comments().len()), (0, 1));
    office.functions.serve_links(&office.world, now());
    assert_eq!(office.deliver().await, 0);
    assert_eq!(office.recipients(), APPROVERS);
}
