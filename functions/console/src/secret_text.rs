//! Secrets that we hand out: 256 random bits each, kept as their digests.

use domain::Digest;
use domain::failure::{Failure, FailureKind};
use domain::signing::SigningKey;
use secrecy::{ExposeSecret as _, SecretString};

/// Random bytes of the operating system.
fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
    Ok(bytes)
}

/// A new text of as many hexadecimal digits as 128 random bits have. It tells things apart and is no secret.
pub(crate) fn name() -> Result<String, Failure> {
    Ok(hex::encode(random::<16>()?))
}

/// A new number that tells things of one moment apart.
pub(crate) fn distinct() -> Result<u64, Failure> {
    Ok(u64::from_le_bytes(random()?))
}

/// The secret in a session's cookie: family, id, and our signature over both. So only what we once issued is looked up,
/// and an id that was replaced is told from one that was made up.
pub(crate) struct SessionSecret {
    pub(crate) family: String,
    id: SecretString,
}

impl SessionSecret {
    /// A new id for a session.
    pub(crate) fn new(family: &str) -> Result<Self, Failure> {
        Ok(Self { family: family.to_owned(), id: hex::encode(random::<32>()?).into() })
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.id.expose_secret())
    }

    /// The cookie's value.
    pub(crate) fn sealed(&self, key: &SigningKey) -> String {
        format!("{}.{}.{}", self.family, self.id.expose_secret(), key.sign(self.parts()))
    }

    /// Reads a cookie's value; `None` if it is none of ours.
    pub(crate) fn open(value: &str, key: &SigningKey) -> Option<Self> {
        let mut parts = value.split('.');
        let (family, id, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let secret = Self { family: family.to_owned(), id: id.into() };
        (parts.next().is_none() && key.verify(secret.parts(), signature)).then_some(secret)
    }

    fn parts(&self) -> [&[u8]; 2] {
        [self.family.as_bytes(), self.id.expose_secret().as_bytes()]
    }
}

/// Start of every API token, by which scanners of code know one.
const PREFIX: &str = "pit_";
/// Hexadecimal digits of the random part.
const RANDOM_DIGITS: usize = 64;
/// Hexadecimal digits of the checksum, which tells a mistyped or cut token without asking the table.
const CHECK_DIGITS: usize = 8;

/// A new API token's text.
pub(crate) fn new_token() -> Result<SecretString, Failure> {
    let body = hex::encode(random::<32>()?);
    let check = checksum(&body);
    Ok(format!("{PREFIX}{body}{check}").into())
}

/// The digest of what may be an API token of ours.
pub(crate) fn token_digest(text: &str) -> Option<Digest> {
    let rest = text.strip_prefix(PREFIX)?;
    let is_hex = rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || rest.len() != RANDOM_DIGITS + CHECK_DIGITS {
        return None;
    }
    let (body, check) = rest.split_at(RANDOM_DIGITS);
    (checksum(body) == check).then(|| Digest::of(text))
}

fn checksum(body: &str) -> String {
    Digest::of_parts([b"pit".as_slice(), body.as_bytes()]).short(CHECK_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_issued_is_a_session() {
        let (key, other) = (SigningKey::derive("a", "session"), SigningKey::derive("b", "session"));
        let secret = SessionSecret::new("family").unwrap();
        let value = secret.sealed(&key);
        let opened = SessionSecret::open(&value, &key).unwrap();
        assert_eq!((opened.family.as_str(), opened.digest()), ("family", secret.digest()));
        assert!(SessionSecret::open(&value, &other).is_none());
        let (rest, signature) = value.rsplit_once('.').unwrap();
        let forged = SessionSecret::new("family").unwrap().sealed(&other);
        for bad in ["", ".", "..", rest, &format!("{value}."), &format!("x{value}"), &forged, signature] {
            assert!(SessionSecret::open(bad, &key).is_none(), "{bad}");
        }
        assert_ne!(SessionSecret::new("family").unwrap().digest(), secret.digest());
    }

    #[test]
    fn a_token_has_a_prefix_and_a_checksum() {
        let token = new_token().unwrap();
        let text = token.expose_secret();
        assert_eq!(token_digest(text), Some(Digest::of(text)));
        let swapped = text.replacen(text.chars().nth(10).unwrap(), "g", 1);
        let (cut, upper) = (&text[..text.len() - 1], text.to_uppercase());
        let last = if text.ends_with('0') { '1' } else { '0' };
        let mistyped = format!("{}{last}", &text[..text.len() - 1]);
        for bad in ["", "pit_", cut, &upper, &swapped, &mistyped, &format!("{text}0"), &text[4..], "pit_é"] {
            assert_eq!(token_digest(bad), None, "{bad}");
        }
    }
}
