//! Sessions: begun by a sign-in, ended by a sign-out, by time, or by the use of an id that was replaced.

use axum::http::HeaderValue;
use domain::Timestamp;
use domain::person::Person;
use domain::role::Role;
use jiff::SignedDuration;
use store::Session;
use subtle::ConstantTimeEq as _;

use crate::Console;
use crate::backend::{Backend, Secrets};
use crate::caller::{Caller, SignedIn, Viewer};
use crate::cookies::Jar;
use crate::problem::Problem;
use crate::secret_text::{self, SessionSecret};

/// An id is replaced when it is so old.
const ROTATED_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// The id before it stays good for so long: for requests that were on their way.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// How exactly it is known when somebody was last seen.
const SEEN_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Somebody used an id that was replaced: it was copied, and who has the copy cannot be told. The session is over.
pub(crate) const REPLACED: &str = "a session id that was replaced was used: the session was ended";
const FORGED: &str = "a session cookie that is not ours";
const OVER: &str = "the session is over";

/// Signs somebody in: a session under an id that nobody had before. Returns its cookie.
pub(crate) async fn begin<B: Backend>(
    console: &Console<B>,
    secrets: &Secrets,
    person: Person,
    role: Role,
) -> Result<Option<HeaderValue>, Problem> {
    let (now, lifetime) = ((console.now)(), console.settings.session_lifetime);
    let secret = SessionSecret::new(&secret_text::name()?)?;
    let session = Session {
        family: secret.family.clone(),
        person,
        role,
        current: secret.digest(),
        previous: None,
        rotated_at: now,
        signed_in_at: now,
        last_seen: now,
    };
    console.backend.put_session(&session, now + lifetime).await?;
    Ok(Jar::session(&console.settings.base_url).set(&secret.sealed(&secrets.session_key), lifetime.as_secs()))
}

/// Checks a cookie. With it comes the next one, where it is time for that.
pub(crate) async fn check<B: Backend>(
    console: &Console<B>,
    jar: &Jar,
    value: &str,
) -> Result<(Caller, Option<HeaderValue>), Problem> {
    let secrets = console.backend.secrets().await?;
    let Some(secret) = SessionSecret::open(value, &secrets.session_key) else {
        return Ok((Caller::Refused(FORGED, None), None));
    };
    let Some(session) = console.backend.session(&secret.family).await? else {
        return Ok((Caller::Refused(OVER, None), None));
    };
    let (now, person) = ((console.now)(), Some(Box::new(session.person.clone())));
    let cookie = match judge(&session, &secret, now, console) {
        Judgement::Over => {
            console.backend.end_session(&session.family).await?;
            return Ok((Caller::Refused(OVER, person), None));
        }
        Judgement::Replaced => {
            console.backend.end_session(&session.family).await?;
            return Ok((Caller::Refused(REPLACED, person), None));
        }
        Judgement::Rotate => rotate(console, jar, &secrets, &session, now).await?,
        Judgement::Seen => {
            console.backend.session_seen(&session.family, now).await?;
            None
        }
        Judgement::Good => None,
    };
    let Session { family, person, role, .. } = session;
    let signed_in = SignedIn::new(family, role, secrets.form_key);
    Ok((Caller::Known(Box::new(Viewer::new(person, role.scopes(), Some(signed_in)))), cookie))
}

enum Judgement {
    Good,
    Seen,
    Rotate,
    Over,
    Replaced,
}

fn judge<B: Backend>(session: &Session, secret: &SessionSecret, now: Timestamp, console: &Console<B>) -> Judgement {
    let digest = secret.digest();
    let is = |known: domain::Digest| bool::from(digest.as_bytes().ct_eq(known.as_bytes()));
    let settings = &console.settings;
    if now >= session.signed_in_at + settings.session_lifetime || now >= session.last_seen + settings.session_idle {
        Judgement::Over
    } else if is(session.current) {
        if now >= session.rotated_at + ROTATED_AFTER {
            Judgement::Rotate
        } else if now >= session.last_seen + SEEN_AFTER {
            Judgement::Seen
        } else {
            Judgement::Good
        }
    } else if session.previous.is_some_and(is) && now < session.rotated_at + GRACE {
        Judgement::Good
    } else {
        Judgement::Replaced
    }
}

/// The next id. Of two requests at once one replaces the id; the other's is then the one before, for a while.
async fn rotate<B: Backend>(
    console: &Console<B>,
    jar: &Jar,
    secrets: &Secrets,
    session: &Session,
    now: Timestamp,
) -> Result<Option<HeaderValue>, Problem> {
    let next = SessionSecret::new(&session.family)?;
    let left = (session.signed_in_at + console.settings.session_lifetime).duration_since(now);
    let rotated = console.backend.rotate_session(session, next.digest(), now).await?;
    Ok(if rotated { jar.set(&next.sealed(&secrets.session_key), left.as_secs()) } else { None })
}
