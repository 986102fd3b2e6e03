//! The form that decides, how many approvals it takes, and what else one can do.

use domain::gate::{Gate, Standing};
use domain::person::Actor;
use maud::{Markup, html};

use super::subject::FORM;
use super::{FormFacts, GateFacts, MAX_COMMENT, Question};
use crate::gate::Desk;
use crate::pages::parts::{line, moment};
use crate::pages::words;

pub(super) fn panel(documents: &GateFacts, form: &FormFacts<'_>, question: Question) -> Markup {
    let FormFacts { gate, seat, .. } = form;
    let standing = gate.standing(seat.person);
    html! {
        section {
            h2 { (question.words()) }
            (asked(gate))
            @match standing {
                Standing::NotAsked => p.notice { "You are not one of those who are asked, " (line(seat.person.label())) "." },
                Standing::Counted => {
                    p.notice role="status" {
                        strong.good { "✓ Your approval is counted. " }
                        "It takes " (words::more(gate.missing_approvals())) " of somebody else. You can still say no."
                    }
                    (decision_form(documents, form, question, standing))
                },
                Standing::Asked | Standing::Requester => (decision_form(documents, form, question, standing)),
            }
        }
        @if let Some(desk) = seat.desk.as_ref().filter(|_| standing != Standing::NotAsked) {
            (more(desk, question, standing))
        }
    }
}

/// How many approvals it takes and why, and whose there are.
fn asked(gate: &Gate) -> Markup {
    let reasons: Vec<String> = gate.quorum.reasons.iter().map(domain::gate::policy::RiskReason::describe).collect();
    html! {
        @if gate.quorum.required > 1 {
            p { "It takes " strong { (gate.quorum.required) " approvals" }
                @if !reasons.is_empty() { ": " (line(&reasons.join(", "))) } "." }
        } @else if !reasons.is_empty() { p { "Look with care: " (line(&reasons.join(", "))) "." } }
        @if gate.quorum.called_for > gate.quorum.required {
            p.soft.small { (gate.quorum.called_for) " were called for; no more than " (gate.quorum.required) " can be given." }
        }
        @if !gate.approvals.is_empty() {
            ul { @for approval in &gate.approvals {
                li { span.good { "✓ " } @if let Actor::Person { person, .. } = &approval.by { (line(person.label())) } ", " (moment(approval.at)) }
            } }
        }
        p.soft.small { "Time ends " (moment(gate.due_at)) "." }
    }
}

fn decision_form(documents: &GateFacts, form: &FormFacts<'_>, question: Question, standing: Standing) -> Markup {
    let (approve, revise, reject) = effects(question);
    let FormFacts { gate, seat, answer, .. } = form;
    html! {
        p.soft.small { "You decide as " strong { (line(seat.person.label())) } "." }
        @if let Some(sign_in) = &seat.sign_in {
            p.notice { "A decision counts when you are signed in. " a href=(sign_in) { "Sign in and come back here" } }
            @if seat.codes {
                form method="post" {
                    input type="hidden" name="decision" value="send-code";
                    input type="hidden" name="nonce" value=(seat.nonce);
                    p.small { "Or have a code mailed to " (line(seat.person.label())) " and type it below." }
                    button.plain type="submit" { "Mail me a code" }
                }
            }
        }
        form id=(FORM) method="post" autocomplete="off" {
            input type="hidden" name="subject" value=(gate.subject_digest);
            input type="hidden" name="nonce" value=(seat.nonce);
            fieldset {
                legend { "Your answer" }
                @if standing == Standing::Asked { (choice("approve", "Approve", approve)) }
                @if let Some((edit, _)) = documents.edit.as_ref().filter(|_| standing != Standing::Requester) {
                    input type="hidden" name="edit" value=(edit.spec_digest);
                    (choice("approve-edited", "Approve with my edit", "the agent builds the plan as you edited it"))
                }
                (choice("revise", "Send back", revise))
                (choice("reject", "Reject", reject))
            }
            @if standing == Standing::Requester {
                p.soft.small { "You asked for this change, so somebody else has to approve it." }
            }
            label for="comment" { "Comment " span.soft.small { "(needed to send back or reject, here or on a part)" } }
            textarea id="comment" name="comment" maxlength=(MAX_COMMENT) { "\n" (answer.comment) }
            @if seat.sign_in.is_some() && seat.codes {
                label for="code" { "Code from the second mail " span.soft.small { "(six digits, if you do not sign in)" } }
                input id="code" name="code" inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="one-time-code";
            }
            button type="submit" { "Decide" }
        }
        p.soft.small { "Fingerprint of what you see: " code { (gate.subject_digest.short(16)) } }
    }
}

const fn effects(question: Question) -> (&'static str, &'static str, &'static str) {
    match question {
        Question::Amendment => (
            "the agent goes on, and may change the added files too",
            "plan anew with my comment; the agent's work so far is dropped",
            "stop; the ticket is blocked",
        ),
        Question::Plan => {
            ("the agent builds exactly this", "plan again with my comment", "stop; the ticket is blocked")
        }
        Question::Merge => ("merge this head", "the agent works on my comment", "close the pull request"),
    }
}

fn choice(value: &str, name: &str, effect: &str) -> Markup {
    html! {
        label.choice { input type="radio" name="decision" value=(value) required; " " strong { (name) } br; span.soft.small { (effect) } }
    }
}

/// An edit, more time, somebody else.
fn more(desk: &Desk, question: Question, standing: Standing) -> Markup {
    let nonce = html! { input type="hidden" name="nonce" value=(desk.nonce); };
    let desk = &desk.page;
    html! {
        section {
            h2 { "Not ready to decide?" }
            @if question != Question::Merge && standing != Standing::Requester {
                p { a href=(format!("{desk}/edit")) { "Edit the plan and approve that" } }
            }
            details {
                summary { "Take more time" }
                form method="post" action=(format!("{desk}/time")) {
                    (nonce)
                    label for="hours" { "For everybody, longer by" }
                    select id="hours" name="hours" {
                        option value="24" { "a day" } option value="72" { "three days" } option value="168" { "a week" }
                    }
                    button.plain type="submit" { "Give more time" }
                }
            }
            details {
                summary { "Ask somebody else too" }
                form method="post" action=(format!("{desk}/hand-on")) {
                    (nonce)
                    label for="to" { "Address of another approver of this installation" }
                    input id="to" name="to" type="email" required;
                    button.plain type="submit" { "Ask them too" }
                }
            }
        }
    }
}
