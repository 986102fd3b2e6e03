//! Which texts are paths inside a repository, and which of them are one on some file system.

use unicode_normalization::UnicodeNormalization as _;

/// First and last of each range of characters that nobody sees.
const INVISIBLE: &[(u32, u32)] = &[
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x202a, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
];

/// Names that Windows gives to devices, whatever their extension.
const DEVICES: &[&str] = &[
    "aux", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "con", "conin$", "conout$", "lpt0",
    "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "nul", "prn",
];

/// Names that are protected as a file or folder at any depth: not all, but one of each kind.
const PROTECTED: &[&str] =
    &[".github", ".circleci", ".claude", ".codex", ".vscode", ".cargo", ".pi", ".pi-tickets.toml"];
/// Names that are protected as the last one.
const PROTECTED_FILES: &[&str] = &[
    "codeowners",
    "cargo.lock",
    "package-lock.json",
    ".npmrc",
    ".mcp.json",
    "agents.md",
    "claude.md",
    ".gitmodules",
    ".gitattributes",
];

/// Whether a character is one of those that nobody sees.
pub fn is_invisible(c: char) -> bool {
    INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(c)))
}

/// The form of a name that is the same for all names that may be one: one step after another, until nothing changes.
pub fn fold(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let visible: String = text.nfkc().filter(|c| !is_invisible(*c)).collect();
        let upper: String = visible.chars().flat_map(char::to_uppercase).collect();
        let lower: String = upper.chars().flat_map(char::to_lowercase).collect();
        let next: String = lower.nfkc().collect();
        if next == text {
            return next;
        }
        text = next;
    }
}

/// Whether a text is a path inside a repository.
pub fn is_repo_path(text: &str) -> bool {
    if text.is_empty() || text.len() > 1_024 {
        return false;
    }
    for c in text.chars() {
        let number = u32::from(c);
        if number < 0x20 || (0x7f..=0x9f).contains(&number) || is_invisible(c) || "\\:<>\"|?*".contains(c) {
            return false;
        }
    }
    let mut component = String::new();
    for c in text.chars().chain(['/']) {
        if c != '/' {
            component.push(c);
        } else if is_component(&component) {
            component.clear();
        } else {
            return false;
        }
    }
    true
}

fn is_component(name: &str) -> bool {
    let Some(last) = name.chars().last() else { return false };
    if last == '.' || last == ' ' {
        return false;
    }
    let folded = fold(name);
    let stem = name.split('.').next().unwrap_or_default();
    folded != ".git" && !DEVICES.contains(&stem.trim_end_matches(' ').to_ascii_lowercase().as_str()) && !is_short(name)
}

/// `GITHUB~1.YML`: at most eight bytes, a number after the last `~`, at most three bytes of extension.
fn is_short(name: &str) -> bool {
    let bytes = name.as_bytes();
    let end = bytes.iter().position(|b| *b == b'.').unwrap_or(bytes.len());
    let extension = bytes.len().saturating_sub(end + 1);
    (1..end).any(|at| {
        let number = &bytes[at + 1..end];
        bytes[at] == b'~' && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
    }) && end <= 8
        && extension <= 3
}

/// Whether one of the names here protects a path: then it is protected.
pub fn is_surely_protected(path: &str) -> bool {
    let folded = fold(path);
    let names: Vec<&str> = folded.split('/').collect();
    names.iter().any(|name| PROTECTED.contains(name)) || names.last().is_some_and(|name| PROTECTED_FILES.contains(name))
}
