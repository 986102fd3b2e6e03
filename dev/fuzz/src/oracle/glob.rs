//! Patterns of protected paths, tried in every way that they could match.

/// Whether a folded pattern covers a folded path. `None`: this oracle does not know such patterns.
pub fn covers(pattern: &str, path: &str) -> Option<bool> {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let trimmed = pattern.strip_prefix('/').unwrap_or(pattern);
    let mut parts: Vec<&str> = trimmed.split('/').collect();
    if let Some(last) = parts.last_mut().filter(|last| last.is_empty()) {
        *last = "**";
    }
    if !anchored {
        parts.insert(0, "**");
    }
    let odd = |part: &&str| part.is_empty() || (part.contains("**") && *part != "**");
    if parts.iter().any(odd) || parts.windows(2).any(|two| two == ["**", "**"]) {
        return None;
    }
    let names: Vec<&str> = path.split('/').collect();
    // A folder that is covered covers what is in it.
    let covered = (1..=names.len()).any(|end| tail(&parts, &names[..end]));
    // Brackets have a second meaning, which is not tried here.
    (covered || !pattern.contains(['[', ']', '{', '}'])).then_some(covered)
}

/// Whether all of the names are matched by all of the parts.
fn tail(parts: &[&str], names: &[&str]) -> bool {
    match parts {
        [] => names.is_empty(),
        // At the end it stands for what is in the folder, which is at least one name.
        ["**"] => !names.is_empty(),
        ["**", rest @ ..] => (0..=names.len()).any(|skipped| tail(rest, &names[skipped..])),
        [part, rest @ ..] => names.split_first().is_some_and(|(name, others)| {
            let (part, name): (Vec<char>, Vec<char>) = (part.chars().collect(), name.chars().collect());
            component(&part, &name) && tail(rest, others)
        }),
    }
}

fn component(part: &[char], name: &[char]) -> bool {
    match (part, name) {
        ([], _) => name.is_empty(),
        (['*', rest @ ..], _) => (0..=name.len()).any(|skipped| component(rest, &name[skipped..])),
        (['?', rest @ ..], [_, others @ ..]) => component(rest, others),
        ([one, rest @ ..], [other, others @ ..]) => one == other && component(rest, others),
        _ => false,
    }
}
