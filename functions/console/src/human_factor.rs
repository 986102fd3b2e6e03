//! A link in a mail can be forwarded, and opened by a program. What counts is that the person whom it was sent to is there.

use domain::Digest;
use domain::gate::requests::CodeAnswer;
use domain::person::Person;
use domain::role::Scope;

use crate::Console;
use crate::backend::Backend;
use crate::caller::Asking;
use crate::problem::Problem;

/// Proof that the very person whom a link was sent to acts now.
pub(crate) struct HumanFactor {
    person: Person,
}

/// Why there is no such proof.
pub(crate) enum Lack {
    /// Nobody is signed in.
    Nobody,
    /// Somebody else is. What they get is what an unknown link gets.
    SomebodyElse,
    /// They are signed in and may not decide, or it cannot be said now.
    Problem(Problem),
}

impl HumanFactor {
    /// By a session of that person. A token is no person.
    pub(crate) fn by_session(asking: &Asking, recipient: &Person) -> Result<Self, Lack> {
        let viewer = match asking.viewer() {
            Ok(viewer) if viewer.signed_in().is_some() => viewer,
            Ok(_) => return Err(Lack::Nobody),
            Err(problem) if problem.status.is_server_error() => return Err(Lack::Problem(problem)),
            Err(_) => return Err(Lack::Nobody),
        };
        if !viewer.person().is_same(recipient) {
            return Err(Lack::SomebodyElse);
        }
        if !viewer.may(Scope::Decide) {
            return Err(Lack::Problem(Problem::forbidden(Scope::Decide)));
        }
        // Both what the approvers' list and what the sign-in know: a second address of theirs is theirs here, too.
        Ok(Self { person: recipient.joined(viewer.person()) })
    }

    /// By the code that was mailed to that person: whoever typed it reads their mailbox. One that does not count says why.
    pub(crate) async fn by_code<B: Backend>(
        console: &Console<B>,
        link: Digest,
        recipient: &Person,
        code: &str,
    ) -> Result<Result<Self, String>, Problem> {
        match console.backend.check_code(link, code).await? {
            CodeAnswer::Right => Ok(Ok(Self { person: recipient.clone() })),
            CodeAnswer::Refused { message, .. } => Ok(Err(message)),
            CodeAnswer::Sent | CodeAnswer::NotFound => Err(Problem::not_found()),
        }
    }

    /// Who it is, under every name that is known of them.
    pub(crate) fn into_person(self) -> Person {
        self.person
    }
}
