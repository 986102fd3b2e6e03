//! The rules by which credentials are recognised: data in the form of gitleaks, see `rules/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use super::entropy::shannon;

/// Rules of gitleaks that are not used. The others raise one alarm in 10,000 clean changes (`cargo xtask secrets`).
const UNUSED: &[&str] = &[
    // It takes every assignment to a name such as `key` or `token` for a credential: six alarms in 10,000.
    "generic-api-key",
    // Examples and tests are full of signed tokens, nearly all of them worthless: half an alarm in 10,000.
    "jwt",
    // Public by nature.
    "flutterwave-public-key",
];

/// Which form of a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it stands: every rule.
    Raw,
    /// Decoded: our own rules.
    Decoded,
    /// Quotes, operators and line breaks taken out: our own rules that are distinctive enough for that.
    Joined,
}

/// One rule, its expression compiled when its first keyword is met.
pub(super) struct Rule {
    /// Completes "contains what looks like …".
    pub(super) name: String,
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
    path: Option<Regex>,
    entropy: f64,
    group: usize,
    allowed: Vec<Allowed>,
    own: bool,
    joined: bool,
}

/// What is not a credential although a rule matches.
struct Allowed {
    target: Target,
    regexes: Vec<Regex>,
    stopwords: Option<AhoCorasick>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// All rules, and which of them to try on a text.
pub(super) struct Rules {
    list: Vec<Rule>,
    /// Rules that look at the path alone.
    paths: Vec<usize>,
    all: Keywords,
    /// Those of our own rules.
    own: Keywords,
    allowed: Vec<Allowed>,
}

/// The words without one of which a rule cannot match.
struct Keywords {
    search: AhoCorasick,
    /// The rules of each word.
    rules: Vec<Vec<usize>>,
}

/// The rules of this build. They are data of the program: a test reads and compiles all of them.
pub(super) static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let own = include_str!("rules/own.toml");
    let gitleaks = include_str!("rules/gitleaks.toml");
    // Two constants that a test has read: there is no third case.
    Rules::load(own, gitleaks).unwrap_or_else(|error| panic!("the rules for credentials are damaged: {error}"))
});

#[derive(Deserialize)]
struct RuleFile {
    rules: Vec<RuleData>,
    #[serde(default)]
    allowlist: AllowData,
}

#[derive(Deserialize)]
struct RuleData {
    id: String,
    description: String,
    #[serde(default)]
    regex: String,
    path: Option<String>,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default, rename = "secretGroup")]
    group: usize,
    #[serde(default)]
    allowlists: Vec<AllowData>,
    #[serde(default)]
    joined: bool,
}

#[derive(Default, Deserialize)]
struct AllowData {
    #[serde(default)]
    condition: String,
    #[serde(default, rename = "regexTarget")]
    target: Target,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
}

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum RulesError {
    #[error("they are not in gitleaks' form")]
    Toml(#[from] toml::de::Error),
    #[error("an expression is not one")]
    Regex(#[from] regex::Error),
    #[error("the keywords cannot be searched for")]
    Keywords(#[from] aho_corasick::BuildError),
}

impl Rules {
    fn load(own: &str, gitleaks: &str) -> Result<Self, RulesError> {
        let own: RuleFile = toml::from_str(own)?;
        let gitleaks: RuleFile = toml::from_str(gitleaks)?;
        let (mut rules, mut paths) = (vec![], vec![]);
        let (mut all, mut ours) = (BTreeMap::new(), BTreeMap::new());
        let data = own.rules.into_iter().map(|rule| (rule, true));
        let data = data.chain(gitleaks.rules.into_iter().map(|rule| (rule, false)));
        for (data, own) in data.filter(|(rule, _)| !UNUSED.contains(&rule.id.as_str())) {
            let number = rules.len();
            if data.regex.is_empty() {
                paths.push(number);
            }
            for word in &data.keywords {
                all.entry(word.clone()).or_insert_with(Vec::new).push(number);
                if own {
                    ours.entry(word.clone()).or_insert_with(Vec::new).push(number);
                }
            }
            rules.push(Rule::new(data, own)?);
        }
        let allowed = vec![Allowed::new(gitleaks.allowlist)?];
        Ok(Self { list: rules, paths, all: Keywords::new(all)?, own: Keywords::new(ours)?, allowed })
    }

    /// Calls `found` with the rule and the credential for every place of `text` that a rule takes for one.
    pub(super) fn each<'t>(&self, path: &str, text: &'t [u8], form: Form, mut found: impl FnMut(&Rule, &'t [u8])) {
        if form == Form::Raw {
            for rule in self.paths.iter().map(|number| &self.list[*number]) {
                if rule.path.as_ref().is_some_and(|only| only.is_match(path.as_bytes())) {
                    found(rule, text);
                }
            }
        }
        let keywords = if form == Form::Raw { &self.all } else { &self.own };
        for number in keywords.candidates(text) {
            let rule = &self.list[number];
            if !rule.applies(path, form) {
                continue;
            }
            let Some(regex) = rule.regex() else { continue };
            for captures in regex.captures_iter(text) {
                let (whole, secret) = rule.secret(&captures);
                let allowed = |list: &[Allowed]| list.iter().any(|allowed| allowed.covers(text, whole, secret));
                // What the whole rule file lets pass is meant for gitleaks' broad rules.
                if rule.is_random_enough(secret, form)
                    && !allowed(&rule.allowed)
                    && (rule.own || !allowed(&self.allowed))
                {
                    found(rule, secret);
                }
            }
        }
    }
}

impl Keywords {
    fn new(words: BTreeMap<String, Vec<usize>>) -> Result<Self, RulesError> {
        let search = AhoCorasick::builder().ascii_case_insensitive(true).build(words.keys())?;
        Ok(Self { search, rules: words.into_values().collect() })
    }

    /// The rules one of whose keywords occurs.
    fn candidates(&self, text: &[u8]) -> BTreeSet<usize> {
        let mut rules = BTreeSet::new();
        let mut seen = vec![false; self.rules.len()];
        for hit in self.search.find_overlapping_iter(text) {
            let word = hit.pattern().as_usize();
            if !std::mem::replace(&mut seen[word], true) {
                rules.extend(&self.rules[word]);
            }
        }
        rules
    }
}

impl Rule {
    fn new(data: RuleData, own: bool) -> Result<Self, RulesError> {
        Ok(Self {
            name: if own { data.description } else { format!("a credential ({})", data.id) },
            pattern: data.regex,
            compiled: OnceLock::new(),
            path: data.path.as_deref().map(compile).transpose()?,
            entropy: data.entropy,
            group: data.group,
            // The ones that need a path as well are left out: a path is the author's choice.
            allowed: data
                .allowlists
                .into_iter()
                .filter(|list| list.condition.is_empty())
                .map(Allowed::new)
                .collect::<Result<_, _>>()?,
            own,
            joined: data.joined,
        })
    }

    fn applies(&self, path: &str, form: Form) -> bool {
        let form = match form {
            Form::Raw => true,
            Form::Decoded => self.own,
            Form::Joined => self.joined,
        };
        form && self.path.as_ref().is_none_or(|only| only.is_match(path.as_bytes()))
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| if self.pattern.is_empty() { None } else { compile(&self.pattern).ok() }).as_ref()
    }

    /// The whole match, and the part of it that is the credential.
    fn secret<'t>(&self, captures: &Captures<'t>) -> ((usize, usize), &'t [u8]) {
        let whole = captures.get_match();
        let group = if self.group > 0 {
            captures.get(self.group)
        } else {
            captures.iter().skip(1).flatten().find(|group| !group.is_empty())
        };
        ((whole.start(), whole.end()), group.unwrap_or(whole).as_bytes())
    }

    /// Made-up examples repeat themselves; prose that runs together has no digits.
    fn is_random_enough(&self, secret: &[u8], form: Form) -> bool {
        let entropy = shannon(secret);
        let mixed = || {
            let count = |kind: fn(&u8) -> bool| secret.iter().filter(|byte| kind(byte)).count();
            count(u8::is_ascii_digit) >= 2 && count(u8::is_ascii_uppercase) >= 3 && count(u8::is_ascii_lowercase) >= 3
        };
        (self.entropy <= 0.0 || entropy > self.entropy) && (form != Form::Joined || (entropy > 4.2 && mixed()))
    }
}

impl Allowed {
    fn new(data: AllowData) -> Result<Self, RulesError> {
        let stopwords = (!data.stopwords.is_empty())
            .then(|| AhoCorasick::builder().ascii_case_insensitive(true).build(&data.stopwords))
            .transpose()?;
        let regexes = data.regexes.iter().map(|regex| compile(regex)).collect::<Result<_, _>>()?;
        Ok(Self { target: data.target, regexes, stopwords })
    }

    fn covers(&self, text: &[u8], whole: (usize, usize), secret: &[u8]) -> bool {
        let target = match self.target {
            Target::Secret => secret,
            Target::Match => &text[whole.0..whole.1],
            Target::Line => lines_around(text, whole),
        };
        self.regexes.iter().any(|regex| regex.is_match(target))
            || self.stopwords.as_ref().is_some_and(|words| words.is_match(secret))
    }
}

/// The whole lines of a part of a text.
fn lines_around(text: &[u8], (start, end): (usize, usize)) -> &[u8] {
    let from = text[..start].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let to = text[end..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| end + at);
    &text[from..to]
}

/// Compiles an expression of Go's dialect, which takes a brace that begins no repetition as itself.
fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    let build = |pattern: &str| RegexBuilder::new(pattern).unicode(false).size_limit(32 << 20).build();
    build(pattern).or_else(|_| build(&escape_braces(pattern)))
}

fn escape_braces(pattern: &str) -> String {
    let repeats = |rest: &str| {
        let inner = rest.split('}').next().unwrap_or_default();
        !inner.is_empty() && inner.len() < rest.len() && inner.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
    };
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in pattern.char_indices() {
        if c == '{' && !escaped && !repeats(&pattern[at + 1..]) {
            out.push('\\');
        }
        out.push(c);
        escaped = c == '\\' && !escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_both_files_compiles_and_can_be_met() {
        let with_keywords: BTreeSet<usize> = RULES.all.rules.iter().flatten().copied().collect();
        for (number, rule) in RULES.list.iter().enumerate() {
            let by_path = RULES.paths.contains(&number);
            assert!(by_path || (rule.regex().is_some() && with_keywords.contains(&number)), "{}", rule.name);
        }
        assert!(RULES.list.len() > 220, "{}", RULES.list.len());
    }

    #[test]
    fn every_unused_rule_exists() {
        let file: RuleFile = toml::from_str(include_str!("rules/gitleaks.toml")).unwrap();
        for id in UNUSED {
            assert!(file.rules.iter().any(|rule| rule.id == *id), "{id}");
        }
    }

    #[test]
    fn braces_are_taken_as_go_takes_them() {
        assert_eq!(escape_braces(r"^\${[A-Z]{2,3}}\{x{4}{,$"), r"^\$\{[A-Z]{2,3}}\{x{4}\{,$");
        assert!(compile(r"^%\{\d{0,2}}{a}$").unwrap().is_match(b"%{12}{a}"));
    }

    #[test]
    fn the_lines_of_a_match_are_whole() {
        let text = b"one\ntwo three\nfour";
        assert_eq!(lines_around(text, (4, 7)), b"two three");
        assert_eq!(lines_around(text, (0, 5)), b"one\ntwo three");
        assert_eq!(lines_around(text, (14, 18)), b"four");
    }
}
