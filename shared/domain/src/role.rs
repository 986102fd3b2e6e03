//! Who may do what at the console: roles, the rules that give them, and what each allows.
//!
//! Rules name accounts, teams and organizations by their numbers. A login or a name can be given up and taken by
//! somebody else; a number cannot. Whoever no rule names has no role.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What somebody is at the console. Each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads pages and the API.
    Viewer,
    /// Also decides gates that ask them. Whether a gate does is the gate's own matter.
    Approver,
    /// Also cancels, sees refusals, and revokes what others hold.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Approver, Self::Admin];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// What it allows.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Viewer => [Scope::Read].into(),
            Self::Approver => [Scope::Read, Scope::Decide].into(),
            Self::Admin => Scopes::all(),
        }
    }
}

/// One thing that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read pages and the API.
    Read,
    /// Decide gates that ask one.
    Decide,
    /// Cancel, and what else runs the service.
    Operate,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Decide, Self::Operate];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decide => "decide",
            Self::Operate => "operate",
        }
    }
}

/// What is allowed together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Everything.
    pub fn all() -> Self {
        Scope::ALL.into()
    }

    /// Whether it is allowed.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What both allow.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl<const N: usize> From<[Scope; N]> for Scopes {
    fn from(scopes: [Scope; N]) -> Self {
        Self(scopes.into())
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Named {
    User(u64),
    Team(u64),
    Organization(u64),
}

/// The numbers of an account and of what it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Membership {
    /// The account.
    pub user: u64,
    /// Its teams.
    pub teams: BTreeSet<u64>,
    /// Its organizations.
    pub organizations: BTreeSet<u64>,
}

/// Which role whom the rules name has: `viewer=org:123 approver=team:456 admin=user:1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleRules(Vec<(Role, Named)>);

/// Most rules that are taken.
const MAX_RULES: usize = 200;

impl RoleRules {
    /// The highest role that a rule gives, if any does.
    pub fn role(&self, who: &Membership) -> Option<Role> {
        let names = |named: &Named| match named {
            Named::User(id) => *id == who.user,
            Named::Team(id) => who.teams.contains(id),
            Named::Organization(id) => who.organizations.contains(id),
        };
        self.0.iter().filter(|(_, named)| names(named)).map(|(role, _)| *role).max()
    }

    /// Whether nobody has a role.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// One rule is wrong.
    #[error("`{}`: {reason}", rule.escape_debug())]
    Rule {
        /// The rule.
        rule: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There are too many.
    #[error("there are more than {MAX_RULES} rules")]
    TooMany,
}

impl FromStr for RoleRules {
    type Err = InvalidRules;

    /// Reads rules with spaces between them.
    ///
    /// # Errors
    /// Says what is wrong with which rule.
    fn from_str(text: &str) -> Result<Self, InvalidRules> {
        let rules = text.split_ascii_whitespace().map(rule).collect::<Result<Vec<_>, _>>()?;
        if rules.len() > MAX_RULES { Err(InvalidRules::TooMany) } else { Ok(Self(rules)) }
    }
}

fn rule(text: &str) -> Result<(Role, Named), InvalidRules> {
    let invalid = |reason| InvalidRules::Rule { rule: text.to_owned(), reason };
    let (role, named) = text.split_once('=').ok_or_else(|| invalid("it has to look like viewer=org:123"))?;
    let role = Role::ALL
        .into_iter()
        .find(|known| known.as_str() == role)
        .ok_or_else(|| invalid("the role has to be viewer, approver or admin"))?;
    let (kind, number) = named.split_once(':').ok_or_else(|| invalid("after `=` comes user:…, team:… or org:…"))?;
    // A parser of numbers also takes signs and leading zeros, which no id has.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let id = number.parse().ok().filter(|_| digits).ok_or_else(|| invalid("after `:` comes the number, not a name"))?;
    match kind {
        "user" => Ok((role, Named::User(id))),
        "team" => Ok((role, Named::Team(id))),
        "org" => Ok((role, Named::Organization(id))),
        _ => Err(invalid("after `=` comes user:…, team:… or org:…")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member(user: u64, teams: &[u64], organizations: &[u64]) -> Membership {
        let set = |ids: &[u64]| ids.iter().copied().collect();
        Membership { user, teams: set(teams), organizations: set(organizations) }
    }

    #[test]
    fn the_highest_role_that_a_rule_gives_counts() {
        let rules: RoleRules = "viewer=org:12 approver=team:34\n admin=team:56  admin=user:1".parse().unwrap();
        for (who, role) in [
            (member(9, &[], &[]), None),
            (member(9, &[], &[12]), Some(Role::Viewer)),
            (member(9, &[34], &[12]), Some(Role::Approver)),
            (member(9, &[56, 34], &[12]), Some(Role::Admin)),
            (member(1, &[], &[]), Some(Role::Admin)),
            // The same number of another sort is somebody else.
            (member(12, &[12], &[34, 56, 1]), None),
        ] {
            assert_eq!(rules.role(&who), role, "{who:?}");
        }
        assert_eq!(RoleRules::default().role(&member(1, &[1], &[1])), None);
    }

    #[test]
    fn what_is_no_rule_is_named() {
        for (text, reason) in [
            ("viewer", "look like"),
            ("boss=user:1", "role has to be"),
            ("Viewer=user:1", "role has to be"),
            ("viewer=user", "after `=`"),
            ("viewer=login:ann", "not a name"),
            ("viewer=group:1", "after `=`"),
            ("viewer=user:ann", "not a name"),
            ("viewer=user:+1", "not a name"),
            ("viewer=user:01", "not a name"),
            ("viewer=user:0", "not a name"),
            ("viewer=user:", "not a name"),
            ("viewer=user:1,admin=user:2", "not a name"),
            ("viewer=user:99999999999999999999", "not a name"),
        ] {
            let error = text.parse::<RoleRules>().unwrap_err().to_string();
            assert!(error.contains(reason) && error.starts_with(&format!("`{text}`")), "{text}: {error}");
        }
        let many = "viewer=user:1 ".repeat(MAX_RULES + 1);
        assert_eq!(many.parse::<RoleRules>(), Err(InvalidRules::TooMany));
    }

    #[test]
    fn each_role_allows_what_the_one_before_does() {
        let [viewer, approver, admin] = Role::ALL.map(Role::scopes);
        assert_eq!((viewer.within(&approver), approver.within(&admin)), (viewer.clone(), approver.clone()));
        assert_eq!((viewer.to_string(), admin.to_string()), ("read".to_owned(), "read, decide, operate".to_owned()));
        assert!(!viewer.has(Scope::Decide) && !approver.has(Scope::Operate));
    }

    proptest! {
        /// Nothing but the very number gives a role: not a part of it, not a longer one, and no name at all, because a
        /// membership has none.
        #[test]
        fn only_the_very_number_counts(id in 1_u64..1_000_000_000, other in 1_u64..1_000_000_000, digit in 0_u64..10) {
            let rules: RoleRules = format!("admin=user:{id} admin=team:{id} admin=org:{id}").parse().unwrap();
            for near in [other, id / 10, id * 10 + digit, id + 1, id - 1] {
                let expected = (near == id).then_some(Role::Admin);
                prop_assert_eq!(rules.role(&member(near, &[], &[])), expected);
                prop_assert_eq!(rules.role(&member(0, &[near], &[])), expected);
                prop_assert_eq!(rules.role(&member(0, &[], &[near])), expected);
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            if let Ok(rules) = text.parse::<RoleRules>() {
                prop_assert!(rules.role(&Membership::default()).is_none());
            }
        }
    }
}
