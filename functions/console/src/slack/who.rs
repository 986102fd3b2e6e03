//! Which of those whom a gate asks somebody in Slack is.

use domain::gate::Gate;
use domain::person::{Actor, Channel, Person};
use slack::SlackError;
use slack::interaction::Member;

use super::{SlackAccess, Told};

/// Somebody in Slack who is one of those whom a gate asks. Only [`approver`] makes one.
pub(super) struct Approver(Person);

impl Approver {
    pub(super) fn actor(&self) -> Actor {
        Actor::Person { person: self.0.clone(), channel: Channel::Slack }
    }
}

/// Finds them by the id that stands after their address, exactly; else, among those who have none there, by the address
/// that Slack says they have confirmed. Nobody is found by a name.
pub(super) async fn approver(access: &SlackAccess, by: &Member, gate: &Gate) -> Result<Approver, Told> {
    if by.team != access.team {
        let words = "You are not a member of the workspace that decides here. Nothing was decided.";
        return Err(Told::refused("a member of another Slack workspace", words));
    }
    let slack_id = by.slack_id();
    if let Some(person) = gate.approvers.iter().find(|person| person.slack_id.as_ref() == Some(&slack_id)) {
        return Ok(Approver(person.clone()));
    }
    // Whoever has an id of their own is known by that alone.
    let by_address: Vec<&Person> = gate.approvers.iter().filter(|person| person.slack_id.is_none()).collect();
    if by_address.is_empty() {
        return Err(stranger());
    }
    let user = match access.client.user(&by.user).await {
        Ok(user) => user,
        Err(error @ SlackError::Refused { .. }) if error.is_final() => return Err(stranger()),
        Err(error) => {
            tracing::warn!(%error, "Slack does not say who pressed a button");
            return Err(Told::not_now(
                "Slack does not say who you are now. Nothing was decided; try again in a moment.",
            ));
        }
    };
    let own = user.id == by.user && user.team_id.as_ref() == Some(&access.team);
    let email = user.verified_email().filter(|_| own).ok_or_else(stranger)?;
    let known = Person { slack_id: Some(slack_id), ..Person::from_email(email) };
    // The only name that both have is the address.
    let person = by_address.into_iter().find(|person| person.is_same(&known)).ok_or_else(stranger)?;
    Ok(Approver(person.joined(&known)))
}

fn stranger() -> Told {
    let words = "This question does not ask you, or Slack does not say for certain who you are: that takes a confirmed \
                 address of a full member. Nothing was decided.";
    Told::refused("somebody in Slack whom the gate does not ask", words)
}
