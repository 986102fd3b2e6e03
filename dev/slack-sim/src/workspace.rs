//! What the workspace has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::TEAM;

/// A member.
#[derive(Debug, Clone)]
pub struct Member {
    /// `U…`.
    pub id: String,
    /// Their address.
    pub email: String,
    /// Whether they confirmed it.
    pub confirmed: bool,
    /// Whether they are a guest.
    pub guest: bool,
    /// Whether they were deactivated.
    pub deleted: bool,
    /// Their own workspace: another one where the channel is shared with another company.
    pub team: String,
}

impl Member {
    /// A full member with a confirmed address.
    pub fn new(id: &str, email: &str) -> Self {
        let team = TEAM.to_owned();
        Self { id: id.to_owned(), email: email.to_owned(), confirmed: true, guest: false, deleted: false, team }
    }
}

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its time, which is its id.
    pub ts: String,
    /// The first message of its thread, if it is in one.
    pub thread_ts: Option<String>,
    /// What notifications show.
    pub text: String,
    /// What is shown.
    pub blocks: Vec<Value>,
    /// How often it was replaced.
    pub edits: u32,
}

impl Message {
    /// The buttons, by their `action_id`.
    pub fn buttons(&self) -> BTreeMap<String, Value> {
        let elements = self.blocks.iter().filter_map(|block| block["elements"].as_array()).flatten();
        let buttons = elements.filter(|element| element["type"] == "button");
        buttons.filter_map(|button| Some((button["action_id"].as_str()?.to_owned(), button.clone()))).collect()
    }
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// What was sent.
    pub body: Value,
    /// Slack's word for what is wrong with it; `None` if it was done.
    pub error: Option<String>,
}

/// Everything.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) members: Vec<Member>,
    pub(crate) messages: Vec<Message>,
    pub(crate) views: Vec<Value>,
    pub(crate) triggers: BTreeSet<String>,
    pub(crate) whispers: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) limits: BTreeMap<String, (u32, u32)>,
    pub(crate) count: u64,
}

impl Workspace {
    pub(crate) fn new(members: Vec<Member>) -> Self {
        Self { members, ..Self::default() }
    }

    /// A member's own workspace.
    pub(crate) fn team_of(&self, user: &str) -> String {
        self.members.iter().find(|member| member.id == user).map_or_else(|| TEAM.to_owned(), |it| it.team.clone())
    }

    /// A number that was not given before.
    pub(crate) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }
}
