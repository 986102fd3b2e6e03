//! People, as the systems around us know them.

use serde::{Deserialize, Serialize};

/// A person under every name that the connected systems have for them. Two persons are the same where any id
/// that both have is equal; e-mail addresses compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Person {
    /// What to call them.
    pub name: String,
    /// The numeric GitHub account id (a login can be renamed and taken by somebody else).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_id: Option<u64>,
    /// The GitHub login, for mentions and pages only; never compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_login: Option<String>,
    /// Slack workspace and user, `T…/U…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack_id: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Further addresses that are known to be theirs: all of them count, so that nobody approves their own change by
    /// signing in with another one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_emails: Vec<String>,
    /// The user id in the ticket tracker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracker_id: Option<String>,
}

impl Person {
    /// Somebody of whom only the e-mail address is known.
    pub fn from_email(email: impl Into<String>) -> Self {
        let email = email.into();
        Self { name: email.clone(), email: Some(email), ..Self::default() }
    }

    /// Whether both are known to be one person.
    pub fn is_same(&self, other: &Self) -> bool {
        fn equal<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_some() && a == b
        }
        equal(self.github_id.as_ref(), other.github_id.as_ref())
            || equal(self.slack_id.as_ref(), other.slack_id.as_ref())
            || equal(self.tracker_id.as_ref(), other.tracker_id.as_ref())
            || self.emails().any(|mine| other.emails().any(|theirs| mine.to_lowercase() == theirs.to_lowercase()))
    }

    /// Every address that is known to be theirs.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.email.iter().chain(&self.other_emails).map(String::as_str)
    }

    /// One line that names the person for a log or a timeline.
    pub fn label(&self) -> &str {
        [Some(&self.name), self.github_login.as_ref(), self.email.as_ref(), self.tracker_id.as_ref()]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())
            .map_or("somebody unknown", String::as_str)
    }
}

/// Who or what caused a change: part of every audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// One of our functions.
    System {
        /// The function's name, such as `planner`.
        component: String,
    },
    /// A person, and the channel they used.
    Person {
        /// Who.
        person: Person,
        /// How it reached us.
        channel: Channel,
    },
}

impl Actor {
    /// One of our functions.
    pub fn system(component: impl Into<String>) -> Self {
        Self::System { component: component.into() }
    }

    /// One line that names the actor.
    pub fn label(&self) -> String {
        match self {
            Self::System { component } => component.clone(),
            Self::Person { person, channel } => {
                format!("{} ({})", person.label(), channel.as_str())
            }
        }
    }
}

/// The way a decision or request reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An approval link.
    Link,
    /// The JSON API.
    Api,
    /// The web console.
    Console,
    /// Slack.
    Slack,
    /// The code host's own pages.
    GitHub,
    /// The ticket tracker.
    Tracker,
}

impl Channel {
    /// The channel's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Api => "api",
            Self::Console => "console",
            Self::Slack => "slack",
            Self::GitHub => "github",
            Self::Tracker => "tracker",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_ids_never_make_two_people_the_same() {
        assert!(!Person::default().is_same(&Person::default()));
        assert!(Person::from_email("Ann@Example.com").is_same(&Person::from_email("ann@example.com")));
        assert!(!Person::from_email("ann@example.com").is_same(&Person::from_email("ann@example.com.evil")));
    }

    #[test]
    fn every_address_of_a_person_counts() {
        let ann = Person { other_emails: vec!["Ann@home.example".to_owned()], ..Person::from_email("ann@example.com") };
        assert!(
            ann.is_same(&Person::from_email("ann@HOME.example")) && ann.is_same(&Person::from_email("ann@example.com"))
        );
        assert!(Person::from_email("ann@home.example").is_same(&ann));
        assert!(!ann.is_same(&Person::from_email("home.example")));
    }
}
