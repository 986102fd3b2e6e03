//! The dialogs in which people say why.

use serde_json::{Value, json};
use slack::blocks::{
    SlackBlockPlainText, SlackBlockPlainTextInputElement, SlackInputBlock, SlackModalView, SlackSectionBlock, SlackView,
};
use slack::buttons::{Asked, COMMENT, REJECT};

/// The block of the one field: where errors are shown.
const FIELD: &str = "why";
/// Longest text of a field, characters. Slack's documentation, "Plain-text input element".
const MAX_COMMENT: u64 = 3_000;

/// Asks why somebody sends back or rejects what `asked` names.
pub(super) fn ask_why(dialog: &str, asked: &Asked) -> SlackView {
    let (title, words) = if dialog == REJECT {
        ("Reject", "Say why. Nothing is built or merged then, and the ticket is marked as blocked.")
    } else {
        ("Send back", "Say what should be otherwise. It is planned or built again with what you say.")
    };
    let plain = |text: &str| SlackBlockPlainText::new(text.to_owned());
    let input = SlackBlockPlainTextInputElement::new()
        .with_action_id(COMMENT.into())
        .with_multiline(true)
        .with_max_length(MAX_COMMENT);
    let field = SlackInputBlock::new("Why?".into(), input.into()).with_block_id(FIELD.into());
    let view = SlackModalView::new(
        title.into(),
        vec![SlackSectionBlock::new().with_text(plain(words).into()).into(), field.into()],
    )
    .with_submit(title.into())
    .with_close("Not now".into())
    .with_callback_id(dialog.into())
    .with_private_metadata(asked.to_string());
    SlackView::Modal(view)
}

/// The answer that keeps a dialog open, with what was written in it, and says why.
pub(super) fn errors(words: &str) -> Value {
    json!({ "response_action": "errors", "errors": { FIELD: words } })
}
