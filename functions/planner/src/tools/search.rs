//! Searching.

use std::fmt::Write as _;

use regex::RegexBuilder;
use schemars::JsonSchema;
use serde::Deserialize;

use super::browse::{self, Place, shortened, text_of};
use crate::repository::Base;
use crate::text::line;

const MAX_MATCHES: usize = 100;
/// Most matches that one file may take of them, so that a generated file cannot hide all others.
const MAX_MATCHES_PER_FILE: usize = 15;
const MAX_LINE_BYTES: usize = 240;
const MAX_PATTERN_BYTES: usize = 1_000;
/// Larger files are data; they are counted and not searched.
const MAX_FILE_BYTES: usize = 2 * 1024 * 1024;
/// Bounds the memory of a compiled pattern. Matching takes linear time whatever the pattern is.
const MAX_COMPILED_BYTES: usize = 2 * 1024 * 1024;

/// Input of `search_text`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchText {
    /// Regular expression; it is matched against each line on its own.
    pattern: String,
    /// Folder or file, from the repository's root. Absent: everything.
    path: Option<String>,
}

pub(super) fn search_text(base: &Base, input: &SearchText) -> Result<String, String> {
    if input.pattern.is_empty() || input.pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("`pattern` must have 1 to {MAX_PATTERN_BYTES} bytes"));
    }
    let pattern = RegexBuilder::new(&input.pattern)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| format!("`pattern` is not a regular expression: {}", line(&error.to_string())))?;
    let files: Vec<_> = match browse::find(base, input.path.as_deref().unwrap_or_default())? {
        Place::Folder(folder) => browse::below(base, &folder).collect(),
        Place::File(_, file) => {
            let path = input.path.as_deref().unwrap_or_default().trim_start_matches("./").trim_matches('/');
            vec![(path, file)]
        }
    };
    let (mut shown, mut total, mut skipped) = (String::new(), 0_usize, 0_usize);
    let mut matching_files = 0_usize;
    let mut listed = 0_usize;
    for (path, file) in files {
        let Some(text) = text_of(file).filter(|_| file.content.len() <= MAX_FILE_BYTES) else {
            skipped += 1;
            continue;
        };
        let mut in_file = 0_usize;
        for (index, content) in text.lines().enumerate().filter(|(_, content)| pattern.is_match(content)) {
            in_file += 1;
            if listed < MAX_MATCHES && in_file <= MAX_MATCHES_PER_FILE {
                listed += 1;
                let content = shortened(content.trim(), MAX_LINE_BYTES);
                // Writing to a String cannot fail.
                writeln!(shown, "{}:{}: {content}", line(path), index + 1).unwrap_or_default();
            }
        }
        total += in_file;
        matching_files += usize::from(in_file > 0);
    }
    let mut head = match total {
        0 => "No line matches.".to_owned(),
        _ if listed < total => {
            format!(
                "{total} lines match in {matching_files} files; {listed} of them are shown. Narrow the search for the others."
            )
        }
        _ => format!("{total} lines match in {matching_files} files."),
    };
    if skipped > 0 {
        write!(head, " ({skipped} binary or very large files and links were not searched.)").unwrap_or_default();
    }
    Ok(format!("{head}\n{shown}"))
}
