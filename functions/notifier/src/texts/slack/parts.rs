//! The parts of a message. Foreign words stand in plain text, where Slack reads no markup and no mention; what Slack does
//! read ([`ours`]) is made of our own words, numbers and ids alone.

use domain::text;
use slack::blocks::{
    SlackBlock, SlackBlockMarkDownText, SlackBlockPlainText, SlackBlockText, SlackContextBlock, SlackHeaderBlock,
    SlackSectionBlock,
};

/// Longest heading, characters. Slack's documentation, "Header block".
const MAX_HEADING: usize = 150;
/// Longest text of a section, characters; Slack's own limit is 3,000 (documentation, "Section block").
const MAX_SECTION: usize = 2_800;
/// `<` and a zero-width space.
const BREAK: &str = "<\u{200b}";

/// Foreign words on one line.
pub(super) fn line(foreign: &str, max: usize) -> String {
    inert(&text::one_line(foreign, max))
}

/// Foreign words on lines of their own.
pub(super) fn lines(foreign: &str, max: usize) -> String {
    inert(&text::lines(foreign, max))
}

/// Neither mention nor address; nor what Slack reads between `<` and `>`, should a program take plain text for more.
fn inert(text: &str) -> String {
    text::defused(text).replace('<', BREAK)
}

/// The same for the text of notifications, which Slack reads as markup: `&`, `<` and `>` as it says in "Escaping text".
pub(super) fn notification(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn heading(text: &str) -> SlackBlock {
    SlackHeaderBlock::new(plain(text, MAX_HEADING).into()).into()
}

/// A paragraph in which nothing is read.
pub(super) fn paragraph(text: &str) -> SlackBlock {
    section(plain(text, MAX_SECTION).into())
}

/// A paragraph of our own words, in which Slack reads markup. Never foreign ones.
pub(super) fn ours(markup: &str) -> SlackBlock {
    section(SlackBlockMarkDownText::new(markup.to_owned()).with_verbatim(true).into())
}

/// A small line below.
pub(super) fn note(text: &str) -> SlackBlock {
    SlackContextBlock::new(vec![plain(text, MAX_SECTION).into()]).into()
}

/// A paragraph below its name; nothing where there is nothing to say.
pub(super) fn named(name: &str, text: &str) -> Vec<SlackBlock> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![ours(&format!("*{name}*")), paragraph(text)]
}

fn section(text: SlackBlockText) -> SlackBlock {
    SlackSectionBlock::new().with_text(text).into()
}

fn plain(text: &str, max: usize) -> SlackBlockPlainText {
    let cut = if text.chars().nth(max).is_some() {
        let kept: String = text.chars().take(max - 1).collect();
        format!("{}…", kept.trim_end())
    } else {
        text.to_owned()
    };
    SlackBlockPlainText::new(cut).with_emoji(false)
}
