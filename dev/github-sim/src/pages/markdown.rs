//! Markdown of bodies and comments. HTML in it is shown as text, but for comments, which GitHub does not show either.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{Event, Options, Parser, Tag, html::push_html};

/// Renders Markdown.
pub(super) fn render(text: &str) -> Markup {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let safe = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) if is_comment(&raw) => Event::Text("".into()),
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) if !harmless(&dest_url) => {
            Event::Start(Tag::Link { link_type, dest_url: "#".into(), title, id })
        }
        // Pages load nothing from elsewhere, so an image is shown by its text alone.
        Event::Start(Tag::Image { .. }) => Event::Text("[image: ".into()),
        Event::End(pulldown_cmark::TagEnd::Image) => Event::Text("]".into()),
        other => other,
    });
    let mut out = String::new();
    push_html(&mut out, safe);
    PreEscaped(out)
}

fn is_comment(html: &str) -> bool {
    html.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).is_some_and(|rest| !rest.contains("-->"))
}

fn harmless(url: &str) -> bool {
    ["http://", "https://", "mailto:", "#", "/"].iter().any(|start| url.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn comments_are_not_shown() {
        let shown =
            render("a\n\n<!-- one -->\n\nb <!-- two --> c\n\n<!-- three --><b>d</b> <!-- four -->").into_string();
        assert!(!shown.contains("one") && !shown.contains("two"), "{shown}");
        assert!(shown.contains("&lt;b&gt;d"), "only what is nothing but a comment goes: {shown}");
    }

    #[test]
    fn html_and_scripts_are_text() {
        let shown =
            render("<script>x</script>\n\n<b onclick=x> [a](javascript:alert(1)) **b** ![i](http://evil/x.png)")
                .into_string();
        assert!(
            !shown.contains("<script")
                && !shown.contains("javascript:")
                && !shown.contains("<img")
                && !shown.contains("<b "),
            "{shown}"
        );
        assert!(shown.contains("<strong>b</strong>"));
    }
}
