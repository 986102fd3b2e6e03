//! The background task that sends deliveries, one after another.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::{Attempt, Delivery, Job};
use crate::config::WebhookConfig;
use crate::sim::Sim;

/// How long GitHub waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first pause after a failed try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The value of `X-Hub-Signature-256` for these bytes.
pub fn sign(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length; the fallback is never used.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Sends deliveries in order until the simulator ends. A delivery that fails is tried again before the next one is sent;
/// after its last try it stays in the log, from where it can be re-delivered.
pub(crate) async fn run(sim: Arc<Sim>) {
    let Some(mut jobs) = sim.webhooks.take_jobs() else { return };
    let client = match reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "webhooks cannot be sent");
            return;
        }
    };
    while let Some(job) = jobs.recv().await {
        deliver(&sim, &client, job).await;
        sim.webhooks.done();
    }
}

async fn deliver(sim: &Sim, client: &reqwest::Client, job: Job) {
    let mut pause = FIRST_PAUSE;
    let mut tries = 0;
    loop {
        let Some(target) = sim.webhooks.target() else { return };
        let Some(delivery) = sim.store.read(|s| s.deliveries.iter().find(|d| d.id == job.id).cloned()) else { return };
        let attempt = attempt(sim, client, &target, &delivery, job.redelivery).await;
        let answered = attempt.status.is_some_and(|s| (200..300).contains(&s));
        sim.store.write(|s| {
            if let Some(logged) = s.deliveries.iter_mut().find(|d| d.id == job.id) {
                logged.attempts.push(attempt);
            }
        });
        tries += 1;
        if answered {
            return;
        }
        if tries >= target.attempts {
            tracing::warn!(event = delivery.event, guid = delivery.guid, tries, "a webhook was given up");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn attempt(
    sim: &Sim,
    client: &reqwest::Client,
    target: &WebhookConfig,
    delivery: &Delivery,
    redelivery: bool,
) -> Attempt {
    let app_id = sim.config.app.as_ref().map_or(0, |app| app.id).to_string();
    let request = client
        .post(&target.url)
        .header("accept", "*/*")
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/5170cad")
        .header("x-github-delivery", &delivery.guid)
        .header("x-github-event", &delivery.event)
        .header("x-github-hook-id", "1")
        .header("x-github-hook-installation-target-id", app_id)
        .header("x-github-hook-installation-target-type", "integration")
        .header("x-hub-signature-256", sign(target.secret.expose_secret(), delivery.body.as_bytes()))
        .body(delivery.body.clone());
    let (status, error) = match request.send().await {
        Ok(answer) => (Some(answer.status().as_u16()), None),
        Err(error) => (None, Some(crate::error::chain(&error))),
    };
    Attempt { at: sim.clock.now(), status, error, redelivery }
}

#[cfg(test)]
mod tests {
    #[test]
    fn signature_matches_githubs_own_example() {
        // From GitHub's page "Validating webhook deliveries".
        assert_eq!(
            super::sign("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }
}
