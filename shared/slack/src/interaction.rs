//! What people do in Slack with what we posted, as our own events.

use std::collections::BTreeMap;

use serde::Deserialize;
use slack_morphism::events::SlackInteractionEvent;
use slack_morphism::{SlackBasicTeamInfo, SlackBasicUserInfo};

use crate::signature::VerifiedRequest;

/// Who did it: exact ids, compared as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their own workspace, `T…` or `E…`: in a channel that is shared with another company not the one where it happened.
    pub team: String,
    /// The member, `U…` or `W…`.
    pub user: String,
}

impl Member {
    fn of(team: &SlackBasicTeamInfo, user: &SlackBasicUserInfo) -> Self {
        let own = user.team_id.as_ref().unwrap_or(&team.id);
        Self { team: own.to_string(), user: user.id.to_string() }
    }

    /// Both, as [`domain::person::Person::slack_id`] has them.
    pub fn slack_id(&self) -> String {
        format!("{}/{}", self.team, self.user)
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interaction {
    /// A button was pressed.
    Pressed {
        /// Who.
        by: Member,
        /// Which button: the `action_id` that we gave it.
        action: String,
        /// What we put into it.
        value: String,
        /// Lets us open a dialog within three seconds.
        trigger_id: String,
        /// Where we can tell them something.
        response_url: Option<String>,
    },
    /// A dialog was sent.
    Submitted {
        /// Who.
        by: Member,
        /// Which dialog: the `callback_id` that we gave it.
        dialog: String,
        /// What we put into it.
        metadata: String,
        /// What they wrote, by `action_id` of the field.
        fields: BTreeMap<String, String>,
    },
    /// Anything else, such as a link that was opened: nothing to do.
    Other,
}

/// The request cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the interaction cannot be read: {0}")]
pub struct InvalidInteraction(String);

/// The parts of a dialog's state that are read.
#[derive(Deserialize)]
struct Submission {
    view: ViewBody,
}

#[derive(Deserialize)]
struct ViewBody {
    #[serde(default)]
    callback_id: String,
    #[serde(default)]
    private_metadata: String,
    #[serde(default)]
    state: StateBody,
}

#[derive(Default, Deserialize)]
struct StateBody {
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, FieldBody>>,
}

#[derive(Deserialize)]
struct FieldBody {
    #[serde(default)]
    value: Option<String>,
}

/// Reads the form that Slack sends: one field, `payload`, with JSON.
///
/// # Errors
/// [`InvalidInteraction`], which quotes nothing of what was sent.
pub fn parse(request: VerifiedRequest<'_>) -> Result<Interaction, InvalidInteraction> {
    let payload = url::form_urlencoded::parse(request.body()).find(|(name, _)| name == "payload");
    let (_, payload) = payload.ok_or_else(|| InvalidInteraction("it has no `payload`".to_owned()))?;
    let mut json = serde_json::Deserializer::from_str(&payload);
    let event: SlackInteractionEvent = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let category = error.inner().classify();
        InvalidInteraction(format!("`{}` ({category:?})", error.path()))
    })?;
    match event {
        SlackInteractionEvent::BlockActions(event) => {
            let Some(user) = event.user else { return Ok(Interaction::Other) };
            let Some(pressed) = event.actions.and_then(|actions| actions.into_iter().next()) else {
                return Ok(Interaction::Other);
            };
            let Some(value) = pressed.value else { return Ok(Interaction::Other) };
            Ok(Interaction::Pressed {
                by: Member::of(&event.team, &user),
                action: pressed.action_id.to_string(),
                value,
                trigger_id: event.trigger_id.to_string(),
                response_url: event.response_url.map(|url| url.0.to_string()),
            })
        }
        SlackInteractionEvent::ViewSubmission(event) => {
            let by = Member::of(&event.team, &event.user);
            let Submission { view } = serde_json::from_str(&payload)
                .map_err(|error| InvalidInteraction(format!("its view ({:?})", error.classify())))?;
            let fields = view.state.values.into_values().flatten();
            let fields = fields.filter_map(|(name, field)| Some((name, field.value?))).collect();
            Ok(Interaction::Submitted { by, dialog: view.callback_id, metadata: view.private_metadata, fields })
        }
        _ => Ok(Interaction::Other),
    }
}
