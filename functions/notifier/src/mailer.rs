//! SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::{BuildError, DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use domain::failure::{Failure, FailureKind};

use crate::texts::Mail;

/// Sends mails by SES v2.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    from: String,
}

impl Mailer {
    /// A mailer that sends as `from`.
    pub fn new(client: Client, from: String) -> Self {
        Self { client, from }
    }

    /// Sends a mail to one address. The address and the text are not repeated in errors.
    ///
    /// # Errors
    /// `Transient` when SES is busy or down or a limit is reached; `Internal` when it refuses: the sender or the
    /// recipient is not allowed.
    pub async fn send(&self, to: &str, mail: &Mail) -> Result<(), Failure> {
        let content = content(mail).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
        let sent = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .content(content)
            .send()
            .await;
        sent.map(drop).map_err(|error| {
            let refused = matches!(
                error.as_service_error().and_then(|service| service.code()),
                Some(
                    "MessageRejected"
                        | "MailFromDomainNotVerifiedException"
                        | "BadRequestException"
                        | "AccountSuspendedException"
                        | "SendingPausedException"
                        | "NotFoundException"
                        | "AccessDeniedException"
                )
            );
            let kind = if refused { FailureKind::Internal } else { FailureKind::Transient };
            Failure::new(kind, format!("SES did not take a mail: {}", DisplayErrorContext(error)))
        })
    }
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder().text(utf8(&mail.text)?).html(utf8(&mail.html)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}
