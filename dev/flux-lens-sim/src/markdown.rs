//! Markdown to HTML, for text that nobody here trusts: raw HTML is shown as text, and links lead to web and mail only.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// Renders Markdown as HTML.
pub(crate) fn render(text: &str) -> String {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: harmless(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: harmless(dest_url), title, id })
        }
        other => other,
    });
    let mut page = String::new();
    html::push_html(&mut page, events);
    page
}

/// The link itself, or `#` if a browser could do something else with it than open a page.
fn harmless(url: CowStr<'_>) -> CowStr<'_> {
    let lower = url.trim().to_ascii_lowercase();
    let opens = ["http://", "https://", "mailto:", "#"].iter().any(|start| lower.starts_with(start));
    let relative = !lower.contains(':') && !lower.starts_with("//");
    if opens || relative { url } else { CowStr::Borrowed("#") }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::render;

    #[test]
    fn renders_what_people_write() {
        assert_snapshot!(render("**Plan ready** for [#12](https://x.example/12):\n\n- [x] `a.js`\n- [ ] b\n\n|a|b|\n|-|-|\n|1|2|"), @r#"
        <p><strong>Plan ready</strong> for <a href="https://x.example/12">#12</a>:</p>
        <ul>
        <li><input disabled="" type="checkbox" checked=""/>
        <code>a.js</code></li>
        <li><input disabled="" type="checkbox"/>
        b</li>
        </ul>
        <table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>
        <tr><td>1</td><td>2</td></tr>
        </tbody></table>
        "#);
    }

    #[test]
    fn raw_html_is_text() {
        assert_snapshot!(render("<script>alert(1)</script>\n\nHi <b onclick=x>you</b> &amp; <me@x.example>"), @r#"
        <p>&lt;script&gt;alert(1)&lt;/script&gt;
        </p>
        <p>Hi &lt;b onclick=x&gt;you&lt;/b&gt; &amp; <a href="mailto:me@x.example">me@x.example</a></p>
        "#);
    }

    #[test]
    fn links_lead_to_web_and_mail_only() {
        assert_snapshot!(render("[a](javascript:alert(1)) [b](JaVaScRiPt&colon;x) [c](/t/FL-1) ![d](data:text/html,x) [e](//evil.example)"), @r##"<p><a href="#">a</a> <a href="#">b</a> <a href="/t/FL-1">c</a> <img src="#" alt="d" /> <a href="#">e</a></p>"##);
    }
}
