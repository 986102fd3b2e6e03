//! Foreign Markdown as HTML: raw HTML is shown as text, images become their words, links lead to the web only.

use domain::text;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use url::Url;

/// Longest text that is rendered, characters.
const MAX_CHARS: usize = 400_000;

/// Renders.
pub(super) fn render(markdown: &str) -> Markup {
    let shown = text::lines(markdown, MAX_CHARS);
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    let mut open_links = Vec::new();
    let events = Parser::new_ext(&shown, options).filter_map(|event| harmless(event, &mut open_links));
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    PreEscaped(format!("<div class=\"scroll\">{out}</div>"))
}

fn harmless<'a>(event: Event<'a>, open_links: &mut Vec<bool>) -> Option<Event<'a>> {
    Some(match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        // The page's own headings come above.
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: vec![], attrs: vec![] })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
        Event::Start(Tag::Link { dest_url, .. }) => {
            let anchor = anchor(&dest_url);
            open_links.push(anchor.is_some());
            Event::InlineHtml(CowStr::from(anchor?))
        }
        Event::End(TagEnd::Link) => {
            if !open_links.pop().unwrap_or(false) {
                return None;
            }
            Event::InlineHtml("</a>".into())
        }
        Event::Start(Tag::Image { .. }) => Event::Text("[image: ".into()),
        Event::End(TagEnd::Image) => Event::Text("]".into()),
        other => other,
    })
}

/// The start of a link, if its address is one of the web.
fn anchor(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // The attribute's text is escaped by maud; the empty element around it is not needed.
    let element = html! { a href=(url.as_str()) rel="noopener noreferrer nofollow" {} }.into_string();
    Some(element.trim_end_matches("</a>").to_owned())
}

fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::render;

    #[test]
    fn ordinary_text_is_rendered() {
        assert_snapshot!(render("# Keep sessions\n\nSee [docs](https://x.example/a?b=1&c=\"2\").\n\n|path|\n|-|\n|`a|b`|\n\n- [ ] Green").into_string(), @r#"
        <div class="scroll"><h3>Keep sessions</h3>
        <p>See <a href="https://x.example/a?b=1&amp;c=%222%22" rel="noopener noreferrer nofollow">docs</a>.</p>
        <table><thead><tr><th>path</th></tr></thead><tbody>
        <tr><td>`a</td></tr>
        </tbody></table>
        <ul>
        <li><input disabled="" type="checkbox"/>
        Green</li>
        </ul>
        </div>
        "#);
    }

    #[test]
    fn foreign_text_does_nothing() {
        let hostile = "<script>alert(1)</script>\n\n<b onclick=x>hi</b> ![pixel](https://e.example/p.png) \
                       [a](javascript:alert(1)) [b](//e.example) [c](data:text/html,x) <https://e.example/\"onx=\"> \
                       [d](https://e.example \"t\\\"onmouseover=x\")\u{202e}";
        assert_snapshot!(render(hostile).into_string(), @r#"
        <div class="scroll"><p>&lt;script&gt;alert(1)&lt;/script&gt;
        </p>
        <p>&lt;b onclick=x&gt;hi&lt;/b&gt; [image: pixel] a b c <a href="https://e.example/%22onx=%22" rel="noopener noreferrer nofollow">https://e.example/"onx="</a> <a href="https://e.example/" rel="noopener noreferrer nofollow">d</a></p>
        </div>
        "#);
    }
}
