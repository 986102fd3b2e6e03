//! The typed code: six digits in a second mail, for who has an approval link and cannot sign in. The rules are pure;
//! `approvals` keeps the row.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// How often one code may be typed wrong or right.
pub const MAX_TRIES: u32 = 5;
/// How many codes there are for one link.
pub const MAX_CODES: u32 = 5;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// How long a code counts after it was made.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How long it is from one code to the next.
pub const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// The codes of one link. All together can be guessed [`MAX_CODES`] × [`MAX_TRIES`] times, of a million.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCode {
    /// Which code of the link, from 1.
    pub number: u32,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// How often one was typed since.
    pub tries: u32,
    /// What is kept of it, once it is made; see [`LinkCode::digest_of`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Until when it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// Why there is no code, or why it does not count. No gate was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum CodeRefusal {
    /// There was one a moment ago.
    #[error("a code was sent a moment ago; the next one can be sent in a minute")]
    TooSoon,
    /// There were enough.
    #[error("no more codes are sent for this link; sign in instead")]
    TooMany,
    /// It is another one.
    #[error("that is not the code of the latest mail; it can be typed {left} more times")]
    Wrong {
        /// How often this code may still be typed.
        left: u32,
    },
    /// None was asked for, or it was typed too often, or its time is over.
    #[error("that code does not count, or no longer; ask for a new one")]
    Spent,
    /// The deployment wants people to sign in.
    #[error("codes are not used here; sign in instead")]
    Off,
    /// There is nothing left to decide.
    #[error("this needs no decision any more")]
    NotOpen,
}

impl LinkCode {
    /// Asks for the next code.
    ///
    /// # Errors
    /// [`CodeRefusal::TooSoon`] and [`CodeRefusal::TooMany`].
    pub fn ask(before: Option<&Self>, now: Timestamp) -> Result<Self, CodeRefusal> {
        let number = before.map_or(0, |before| before.number);
        if before.is_some_and(|before| now.duration_since(before.asked_at) < PAUSE) {
            return Err(CodeRefusal::TooSoon);
        }
        if number >= MAX_CODES {
            return Err(CodeRefusal::TooMany);
        }
        Ok(Self { number: number + 1, asked_at: now, tries: 0, digest: None, ends_at: None })
    }

    /// The code was made. One that is made again for the same mail takes the first one's place, and its tries.
    #[must_use]
    pub fn made(&self, digest: Digest, now: Timestamp) -> Self {
        let ends_at = now.saturating_add(LIFETIME).unwrap_or(now);
        Self { digest: Some(digest), ends_at: Some(ends_at), ..self.clone() }
    }

    /// Somebody types it: the row with one try more, which must be written before [`LinkCode::check`] is asked.
    ///
    /// # Errors
    /// [`CodeRefusal::Spent`].
    pub fn typed(&self, now: Timestamp) -> Result<Self, CodeRefusal> {
        let good = self.digest.is_some() && self.ends_at.is_some_and(|end| now < end) && self.tries < MAX_TRIES;
        if good { Ok(Self { tries: self.tries + 1, ..self.clone() }) } else { Err(CodeRefusal::Spent) }
    }

    /// Whether what was typed is the code.
    ///
    /// # Errors
    /// [`CodeRefusal::Wrong`].
    pub fn check(&self, typed: Digest) -> Result<(), CodeRefusal> {
        let left = MAX_TRIES.saturating_sub(self.tries);
        if self.digest == Some(typed) { Ok(()) } else { Err(CodeRefusal::Wrong { left }) }
    }

    /// What is kept of a code: it says nothing about another link's or number's code.
    pub fn digest_of(link: Digest, number: u32, code: &str) -> Digest {
        Digest::of(format!("code {link} {number} {code}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn digest(number: u32, code: &str) -> Digest {
        LinkCode::digest_of(Digest::of("link"), number, code)
    }

    #[test]
    fn five_tries_and_then_also_the_right_one_is_spent() {
        let mut row = LinkCode::ask(None, at(0)).unwrap().made(digest(1, "123456"), at(1));
        for left in (0..MAX_TRIES).rev() {
            row = row.typed(at(2)).unwrap();
            assert_eq!(row.check(digest(1, "000000")), Err(CodeRefusal::Wrong { left }));
            assert_eq!(row.check(digest(1, "123456")), Ok(()), "the right one counts within the tries");
        }
        assert_eq!(row.typed(at(2)), Err(CodeRefusal::Spent));
        assert_eq!(
            row.made(digest(1, "654321"), at(2)).typed(at(2)),
            Err(CodeRefusal::Spent),
            "made again: no new tries"
        );
    }

    #[test]
    fn a_code_counts_for_its_number_and_its_time() {
        let asked = LinkCode::ask(None, at(0)).unwrap();
        assert_eq!(asked.typed(at(1)), Err(CodeRefusal::Spent), "nobody knows it yet");
        let row = asked.made(digest(1, "123456"), at(0));
        assert!(row.typed(at(LIFETIME.as_secs() - 1)).is_ok());
        assert_eq!(row.typed(at(LIFETIME.as_secs())), Err(CodeRefusal::Spent));
        let next = LinkCode::ask(Some(&row), at(60)).unwrap();
        assert_eq!(next.typed(at(61)), Err(CodeRefusal::Spent), "the one before is void");
        let next = next.made(digest(2, "999999"), at(61)).typed(at(62)).unwrap();
        assert!(next.check(digest(1, "123456")).is_err() && next.check(digest(1, "999999")).is_err());
    }

    #[test]
    fn codes_are_few_and_far_between() {
        let mut row = LinkCode::ask(None, at(0)).unwrap();
        assert_eq!(LinkCode::ask(Some(&row), at(59)), Err(CodeRefusal::TooSoon));
        for round in 1..i64::from(MAX_CODES) {
            row = LinkCode::ask(Some(&row), at(60 * round)).unwrap();
        }
        assert_eq!(LinkCode::ask(Some(&row), at(3_600)), Err(CodeRefusal::TooMany));
    }
}
