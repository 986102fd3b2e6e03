//! Dead letters: what they are about, and the way back to who could not handle them. A message is handed back before it
//! is deleted, so that a crash in between leaves it twice and never nowhere; every reader takes a message twice.

use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use domain::dead_letters::{DeadLetter, DeadLetterQueue, DeadLetters};
use domain::failure::{Failure, FailureKind};
use domain::ids::WorkflowId;
use domain::inbound::{Inbound, InboundEvent};
use domain::outbox::OutboxPointer;
use domain::steps::{FinishOutput, Redriven, StepError, WorkflowStep};
use domain::{Timestamp, text};
use futures::future::try_join_all;
use serde::Deserialize;

use crate::Context;
use crate::config::DeadLetterUrls;

/// Most messages that one call moves.
const MAX_MOVED: u32 = 200;
/// Messages of one answer of SQS, its most.
const BATCH: i32 = 10;
/// How long a message that is being moved is hidden from others, seconds.
const HIDDEN_SECONDS: i32 = 60;
/// Longest line about a message, characters.
const MAX_ABOUT: usize = 200;

/// What is in every queue of dead letters.
pub(crate) async fn list(context: &Context) -> Result<Vec<DeadLetters>, Failure> {
    try_join_all(context.config.dead_letters.iter().map(|urls| look(context, urls))).await
}

async fn look(context: &Context, urls: &DeadLetterUrls) -> Result<DeadLetters, Failure> {
    let name = QueueAttributeName::ApproximateNumberOfMessages;
    let call = context.sqs.get_queue_attributes().queue_url(&urls.url).attribute_names(name.clone());
    let attributes = call.send().await.map_err(|error| unavailable(&DisplayErrorContext(error)))?;
    let number = attributes.attributes.and_then(|all| all.get(&name)?.parse().ok()).unwrap_or(0);
    // They stay visible: somebody else may want to see them too.
    let messages = if number == 0 { Vec::new() } else { receive(context, urls, 0).await? };
    Ok(DeadLetters { queue: urls.queue, number, letters: messages.iter().map(describe).collect() })
}

/// Hands messages back, at most [`MAX_MOVED`]. One that cannot be read stays where it is.
pub(crate) async fn redrive(context: &Context, queue: DeadLetterQueue) -> Result<Redriven, Failure> {
    let refused = || Failure::new(FailureKind::InvalidInput, "These messages cannot be handed back.");
    let urls = context.config.dead_letters.iter().find(|urls| urls.queue == queue && queue.can_redrive());
    let urls = urls.ok_or_else(refused)?;
    let mut moved = 0;
    while moved < MAX_MOVED {
        let messages = receive(context, urls, HIDDEN_SECONDS).await?;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            if !hand_back(context, urls, &message).await? {
                tracing::error!(queue = queue.as_str(), id = message.message_id(), "a dead letter cannot be read");
                continue;
            }
            let receipt = message.receipt_handle().unwrap_or_default();
            let delete = context.sqs.delete_message().queue_url(&urls.url).receipt_handle(receipt);
            delete.send().await.map_err(|error| unavailable(&DisplayErrorContext(error)))?;
            moved += 1;
        }
    }
    tracing::warn!(queue = queue.as_str(), moved, "dead letters were handed back");
    Ok(Redriven { moved })
}

async fn receive(context: &Context, urls: &DeadLetterUrls, hidden: i32) -> Result<Vec<Message>, Failure> {
    let call = context.sqs.receive_message().queue_url(&urls.url).max_number_of_messages(BATCH);
    let call = call
        .visibility_timeout(hidden)
        .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
        .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    let answer = call.send().await.map_err(|error| unavailable(&DisplayErrorContext(error)))?;
    Ok(answer.messages.unwrap_or_default())
}

/// Whether it could be handed back.
async fn hand_back(context: &Context, urls: &DeadLetterUrls, message: &Message) -> Result<bool, Failure> {
    let body = message.body().unwrap_or_default();
    let Some(back_to) = &urls.back_to else {
        let Some(step) = ending(body) else { return Ok(false) };
        let _: FinishOutput = context.invoker.call(&context.config.workflow_function, &step).await?;
        return Ok(true);
    };
    let group = attribute(message, &MessageSystemAttributeName::MessageGroupId);
    let call = context.sqs.send_message().queue_url(back_to).message_body(body);
    let call = call.set_message_group_id(group.map(str::to_owned));
    call.send().await.map_err(|error| unavailable(&DisplayErrorContext(error)))?;
    Ok(true)
}

/// What EventBridge says of an execution's end, where it could not make our own words of it.
#[derive(Deserialize)]
struct ExecutionEvent {
    detail: ExecutionDetail,
}

#[derive(Deserialize)]
struct ExecutionDetail {
    name: String,
    status: String,
}

fn ending(body: &str) -> Option<WorkflowStep> {
    let step = serde_json::from_str(body).ok();
    step.filter(|step| matches!(step, WorkflowStep::Finish { .. } | WorkflowStep::ExecutionEnded { .. })).or_else(
        || {
            let ExecutionDetail { name, status } = serde_json::from_str::<ExecutionEvent>(body).ok()?.detail;
            let cause = "The execution of the state machine ended by itself.".to_owned();
            let error = StepError { error: format!("Execution.{status}"), cause };
            Some(WorkflowStep::ExecutionEnded { execution: name.parse().ok()?, error })
        },
    )
}

fn describe(message: &Message) -> DeadLetter {
    let sent = attribute(message, &MessageSystemAttributeName::SentTimestamp).and_then(|ms| ms.parse().ok());
    let (about, workflow_id) = about(message.body().unwrap_or_default());
    DeadLetter {
        id: message.message_id().unwrap_or_default().to_owned(),
        sent_at: sent.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
        about: text::one_line(&about, MAX_ABOUT),
        workflow_id,
    }
}

/// What a body is about. A ticket's text stays where it is.
fn about(body: &str) -> (String, Option<WorkflowId>) {
    if let Ok(event) = serde_json::from_str::<InboundEvent>(body) {
        let about = match &event.event {
            Inbound::Ticket(ticket) => format!("ticket {}, version {}", ticket.ticket.key, ticket.ticket.version),
            Inbound::GithubHint(hint) => match hint.pull_request {
                Some(number) => format!("GitHub's event {} on {}#{number}", hint.event, hint.repository),
                None => format!("GitHub's event {} on {}", hint.event, hint.repository),
            },
            Inbound::SecretsHeld { .. } => "fingerprints of the webhook's keys".to_owned(),
        };
        return (format!("{about} (delivery {})", event.delivery_id), None);
    }
    if let Ok(pointer) = serde_json::from_str::<OutboxPointer>(body) {
        return (format!("message {} of a workflow", pointer.seq), Some(pointer.workflow_id));
    }
    match ending(body) {
        Some(WorkflowStep::ExecutionEnded { execution, .. }) => {
            (format!("the execution {execution}"), Some(execution.workflow_id))
        }
        Some(WorkflowStep::Finish { workflow_id, .. }) => ("the end of an execution".to_owned(), Some(workflow_id)),
        _ => ("a message of another form".to_owned(), None),
    }
}

fn attribute<'a>(message: &'a Message, name: &MessageSystemAttributeName) -> Option<&'a str> {
    message.attributes()?.get(name).map(String::as_str)
}

fn unavailable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Transient, format!("a queue of dead letters did not answer: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_in_our_words_and_in_eventbridges() {
        let event = r#"{"detail-type":"x","detail":{"name":"wf-0123456789abcdef0123-1-r2","status":"ABORTED"}}"#;
        let Some(WorkflowStep::ExecutionEnded { execution, error }) = ending(event) else { panic!("not read") };
        assert_eq!((execution.resumption, error.error.as_str()), (2, "Execution.ABORTED"));
        let step = r#"{"step":"finish","workflow_id":"wf-0123456789abcdef0123-1"}"#;
        assert!(matches!(ending(step), Some(WorkflowStep::Finish { .. })));
        let other = r#"{"step":"cancel","workflow_id":"wf-0123456789abcdef0123-1"}"#;
        assert_eq!((ending(other), ending("{"), ending(r#"{"detail":{"name":"x","status":"y"}}"#)), (None, None, None));
    }

    #[test]
    fn a_line_says_what_it_is_about_and_nothing_of_its_content() {
        let pointer = r#"{"workflow_id":"wf-0123456789abcdef0123-1","seq":7}"#;
        let (line, id) = about(pointer);
        assert_eq!((line.as_str(), id.is_some()), ("message 7 of a workflow", true));
        assert_eq!(about("password: hunter2").0, "a message of another form");
    }
}
