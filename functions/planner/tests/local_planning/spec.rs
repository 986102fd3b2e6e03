//! A ticket becomes a SPEC, or is found unfit.

use domain::WorkflowState;
use domain::code_host::TokenRequest;
use domain::spec::{FileAction, render_markdown};
use domain::steps::PlanOutput;
use domain::task::Provider;
use serde_json::{Value, json};
use testkit::Functions;
use testkit::sample::at;

use crate::studio::{END, Studio, TURN, asked, calls, submits};

#[tokio::test]
async fn a_ticket_becomes_a_stored_spec_whatever_protocol_the_model_speaks() {
    for provider in [Provider::Anthropic, Provider::Openai] {
        let studio = Studio::with(provider).await;
        studio
            .script(&[calls("read_file", &json!({ "path": "src/app.js" })), submits("Longer sessions", "src/app.js")]);
        let id = studio.begin().await.id;
        assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);

        let spec = studio.stored(&id, 1).await.unwrap();
        let files: Vec<_> = spec.files.iter().map(|file| (file.path.as_str(), file.action)).collect();
        assert_eq!(
            (spec.text.title.as_str(), &files[..]),
            ("Longer sessions", &[("src/app.js", FileAction::Modify)][..])
        );
        assert_eq!((&spec.base_commit, spec.ticket_digest), (&studio.host.first, asked().content_digest()));
        assert_eq!(studio.markdown(&id, 1).await.unwrap(), render_markdown(&spec));

        let workflow = studio.world.workflow(&id).await;
        assert_eq!((workflow.state, workflow.updated_at), (WorkflowState::Planning, at(END)));
        assert_eq!(workflow.ledger.plan, TURN.plus(TURN));
        let reference = workflow.spec.unwrap();
        assert_eq!((reference.digest, reference.approved), (spec.digest().unwrap(), false));
        assert_eq!(studio.world.trail(&id).await, ["created", "planning_started", "spec_proposed"]);

        let [request] = &studio.functions.calls(Functions::GITHUB_AUTH)[..] else { panic!("one token is enough") };
        let wanted = TokenRequest { repository: asked().repository, rejected: None };
        assert_eq!(request, &serde_json::to_value(wanted).unwrap());
        let conversation = studio.prompt();
        for word in ["Keep sessions for 30 minutes", "npm test", "const TTL = 30;"] {
            assert!(conversation.contains(word), "{word}: {conversation}");
        }
    }
}

#[tokio::test]
async fn a_ticket_that_cannot_be_planned_ends_with_the_models_reason() {
    let studio = Studio::start().await;
    studio.script(&[calls("decline_ticket", &json!({ "reason": "It asks for two opposite things." }))]);
    let id = studio.begin().await.id;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::NotSuitable);

    let workflow = studio.world.workflow(&id).await;
    assert_eq!((workflow.state, workflow.ledger.plan), (WorkflowState::NotSuitable, TURN));
    assert!(workflow.reason.unwrap().contains("It asks for two opposite things."));
    assert_eq!((studio.stored(&id, 1).await, workflow.spec), (None, None));

    let before = studio.world.everything().await;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::NotSuitable, "the step is tried again");
    assert_eq!((studio.asked().len(), studio.world.everything().await), (1, before));
}

#[tokio::test]
async fn a_wrong_spec_is_corrected_before_it_is_stored() {
    let studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/none.js"), submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    assert_eq!(studio.plan(&id).await.unwrap(), PlanOutput::SpecReady);
    assert_eq!(studio.stored(&id, 1).await.unwrap().files[0].path.as_str(), "src/app.js");
    assert_eq!(studio.world.workflow(&id).await.ledger.plan, TURN.plus(TURN), "the wrong one was paid for, too");
    assert!(studio.prompt().contains("`src/none.js` does not exist at the base commit"));
}

#[tokio::test]
async fn no_secret_is_in_a_row_or_a_prompt() {
    let studio = Studio::start().await;
    studio.script(&[submits("Longer sessions", "src/app.js")]);
    let id = studio.begin().await.id;
    studio.plan(&id).await.unwrap();
    let request: Value = serde_json::to_value(studio.asked()).unwrap();
    let seen = format!("{}{request}{}", studio.world.everything().await, studio.markdown(&id, 1).await.unwrap());
    assert!(seen.contains("Longer sessions"));
    for secret in [testkit::CodeHost::TOKEN, "model-sim-key"] {
        assert!(!seen.contains(secret), "{secret}");
    }
}
