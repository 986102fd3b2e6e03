//! A mail as plain text.

use super::{FileLine, Letter, MAX_FILES, Part};

pub(super) fn render(letter: &Letter<'_>) -> String {
    let mut parts = vec![letter.headline.clone(), letter.question.clone(), decide(letter)];
    for (title, part) in &letter.sections {
        let body = match part {
            Part::Prose(text) => indent(text),
            Part::Files(files) => file_list(files),
            Part::Facts(facts) => {
                facts.iter().map(|(name, value)| format!("  {name}: {value}")).collect::<Vec<_>>().join("\n")
            }
        };
        if !body.trim().is_empty() {
            parts.push(format!("{}\n{body}", title.to_uppercase()));
        }
    }
    parts.push("This link is yours alone: do not forward it. Opening it decides nothing.".to_owned());
    format!("{}\n", parts.join("\n\n"))
}

fn decide(letter: &Letter<'_>) -> String {
    format!("{}:\n{}\n\n{}", letter.button, letter.url, letter.deadline)
}

/// Every line is moved in, so that no foreign line looks like one of ours.
fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn file_list(files: &[FileLine]) -> String {
    let mut lines: Vec<String> = files
        .iter()
        .take(MAX_FILES)
        .map(|file| {
            let mark = if file.protected { "! " } else { "  " };
            let note = if file.note.is_empty() { String::new() } else { format!(" - {}", file.note) };
            format!("{mark}{} ({}){note}", file.path, file.action)
        })
        .collect();
    if files.len() > MAX_FILES {
        lines.push(format!("  and {} more", files.len() - MAX_FILES));
    }
    lines.join("\n")
}
