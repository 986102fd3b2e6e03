//! People, as the systems around us know them.

use serde::{Deserialize, Serialize};

/// A person under every name that the connected systems have for them. Two persons are the same where any id
/// that both have is equal; e-mail addresses compare without case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// Reads an entry of a list of people: an e-mail address, and after spaces what else is known of them,
    /// `github:583231` (the account's number) and `slack:T012AB3CD/U045EF6GH` (workspace and member).
    ///
    /// # Errors
    /// Says what is wrong with which entry.
    pub fn from_text(text: &str) -> Result<Self, InvalidPerson> {
        let invalid = |reason: &str| InvalidPerson::Entry { entry: text.to_owned(), reason: reason.to_owned() };
        let mut words = text.split_whitespace();
        let email = words.next().unwrap_or_default();
        if !is_email(email) {
            return Err(invalid("it has to begin with an e-mail address"));
        }
        let mut person = Self::from_email(email);
        for word in words {
            match word.split_once(':') {
                Some(("github", number)) if person.github_id.is_none() => {
                    // A parser of numbers also takes signs, which no id has.
                    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
                    let id = number.parse().ok().filter(|id| digits && *id > 0);
                    person.github_id = Some(id.ok_or_else(|| invalid("`github:` needs the account's number"))?);
                }
                Some(("slack", id)) if person.slack_id.is_none() => {
                    if !is_slack_id(id) {
                        return Err(invalid("`slack:` needs workspace and member, such as T012AB3CD/U045EF6GH"));
                    }
                    person.slack_id = Some(id.to_owned());
                }
                _ => return Err(invalid("after the address come `github:…` and `slack:…`, each once")),
            }
        }
        Ok(person)
    }

    /// Whether there is a sort of id that both have, so that [`Person::is_same`] says something when it says no.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.github_id.is_some() && other.github_id.is_some()
            || self.slack_id.is_some() && other.slack_id.is_some()
            || self.tracker_id.is_some() && other.tracker_id.is_some()
            || self.emails().next().is_some() && other.emails().next().is_some()
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

    /// This person with what else is known of them, by somebody who is known to be the same: so that nothing that one
    /// of the two knows is overlooked when it is asked who may decide.
    #[must_use]
    pub fn joined(&self, known: &Self) -> Self {
        let mut person = self.clone();
        person.github_id = person.github_id.or(known.github_id);
        person.github_login = person.github_login.or_else(|| known.github_login.clone());
        person.slack_id = person.slack_id.or_else(|| known.slack_id.clone());
        person.tracker_id = person.tracker_id.or_else(|| known.tracker_id.clone());
        for email in known.emails() {
            if !person.emails().any(|mine| mine.to_lowercase() == email.to_lowercase()) {
                person.other_emails.push(email.to_owned());
            }
        }
        person
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

/// Why a list of people cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPerson {
    /// One entry is wrong.
    #[error("`{}`: {reason}", entry.escape_debug())]
    Entry {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two entries are one person.
    #[error("`{first}` and `{second}` are one person")]
    Twice {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// There are too many.
    #[error("it names more than {limit} people")]
    TooMany {
        /// So many may be named.
        limit: usize,
    },
}

/// Whether a text is one address, as far as it matters here: what stands before and after one `@`, without spaces and
/// what separates entries.
fn is_email(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '>' | '"' | ':' | ';');
    match text.split_once('@') {
        Some((name, host)) => {
            !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(odd) && text.len() <= 254
        }
        None => false,
    }
}

/// Workspace and member as Slack writes them.
fn is_slack_id(text: &str) -> bool {
    let id = |part: &str, first: &[char]| {
        part.starts_with(first)
            && part.len() > 4
            && part.len() < 30
            && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    text.split_once('/').is_some_and(|(team, member)| id(team, &['T', 'E']) && id(member, &['U', 'W']))
}

/// Who or what caused a change: part of every audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    fn entries_of_a_list_are_read() {
        let ann = Person::from_text("ann@example.com github:583231  slack:T012AB3CD/U045EF6GH").unwrap();
        assert_eq!((ann.github_id, ann.slack_id.as_deref()), (Some(583_231), Some("T012AB3CD/U045EF6GH")));
        assert_eq!(ann.email.as_deref(), Some("ann@example.com"));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a@b@c",
            "github:1 ann@example.com",
            "ann@example.com github:ann",
            "ann@example.com github:+1",
            "ann@example.com github:0",
            "ann@example.com github:1 github:2",
            "ann@example.com slack:U045EF6GH",
            "ann@example.com slack:T012AB3CD/U045EF6GH,",
            "ann@example.com boss",
            "Ann <ann@example.com>",
        ] {
            assert!(matches!(Person::from_text(bad), Err(InvalidPerson::Entry { .. })), "{bad}");
        }
    }

    #[test]
    fn people_without_a_common_sort_of_id_cannot_be_compared() {
        let tracker = Person { tracker_id: Some("u-1".to_owned()), ..Person::default() };
        let ann = Person::from_email("ann@example.com");
        assert!(!tracker.is_comparable(&ann) && !tracker.is_same(&ann));
        assert!(ann.is_comparable(&Person::from_email("bob@example.com")));
    }

    #[test]
    fn joined_people_have_what_either_has() {
        let asked = Person { slack_id: Some("T1/U1".to_owned()), ..Person::from_email("ann@example.com") };
        let other_emails = vec!["ANN@example.com".to_owned(), "ann@home.example".to_owned()];
        let known = Person { github_id: Some(7), other_emails, ..Person::from_email("ann@work.example") };
        let joined = asked.joined(&known);
        assert_eq!(joined.emails().collect::<Vec<_>>(), ["ann@example.com", "ann@work.example", "ann@home.example"]);
        assert_eq!((joined.github_id, &joined.slack_id), (Some(7), &asked.slack_id));
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
