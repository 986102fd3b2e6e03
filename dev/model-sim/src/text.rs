//! Small functions over text.

use serde_json::Value;

/// Whether `needle` stands in `hay` as a whole word: `FL-1` is in `ticket FL-1.`, not in `FL-12` or `XFL-1`.
pub(crate) fn contains_word(hay: &str, needle: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (Some(first), Some(last)) = (needle.chars().next(), needle.chars().next_back()) else {
        return false;
    };
    hay.match_indices(needle).any(|(at, _)| {
        let before = hay[..at].chars().next_back().filter(|_| is_word(first));
        let after = hay[at + needle.len()..].chars().next().filter(|_| is_word(last));
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Appends every string that a model would read in a part of a request; what is binary or bookkeeping is left out.
pub(crate) fn collect(value: &Value, into: &mut String) {
    const NOT_READ: [&str; 9] =
        ["cache_control", "id", "image_url", "role", "signature", "source", "tool_call_id", "tool_use_id", "type"];
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => {
            let read = fields.iter().filter(|(name, _)| !NOT_READ.contains(&name.as_str()));
            read.for_each(|(_, field)| collect(field, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Cuts a text into the small pieces in which a provider streams it: at least two when there are two characters,
/// about twenty at most.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len().div_ceil(20).max(12).min(chars.len().div_ceil(2)).max(1);
    chars.chunks(size).map(|piece| piece.iter().collect()).collect()
}

/// The rule of thumb for tokens: a quarter of the characters, at least one.
pub(crate) fn tokens(chars: usize) -> u64 {
    (chars as u64).div_ceil(4).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(contains_word("ticket: FL-1\nrest", "ticket: FL-1"));
        assert!(contains_word("see (FL-1).", "FL-1"));
        assert!(contains_word("FL-12 and FL-1", "FL-1"));
        assert!(!contains_word("FL-12", "FL-1"));
        assert!(!contains_word("XFL-1", "FL-1"));
        assert!(contains_word("a[id=7]b", "[id=7]"));
        assert!(!contains_word("anything", ""));
    }

    #[test]
    fn reads_what_a_model_reads() {
        let message = json!([{"role": "user", "content": [
            {"type": "text", "text": "one"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "two"},
            {"type": "image", "source": {"data": "AAAA"}},
        ]}]);
        let mut text = String::new();
        collect(&message, &mut text);
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn pieces_are_several_and_lossless() {
        assert_eq!(pieces(""), [""; 0]);
        assert_eq!(pieces("ä"), ["ä"]);
        assert_eq!(pieces("äö"), ["ä", "ö"]);
        for length in [3, 25, 400, 12_345] {
            let text = "é".repeat(length);
            let pieces = pieces(&text);
            assert!((2..=21).contains(&pieces.len()), "{length}: {}", pieces.len());
            assert_eq!(pieces.concat(), text);
        }
    }

    #[test]
    fn a_token_is_four_characters() {
        assert_eq!([tokens(0), tokens(4), tokens(5)], [1, 1, 2]);
    }
}
