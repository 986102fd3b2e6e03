//! `template.yaml`, made ready for the engine: what it names on disk is named in the artifact bucket instead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Result, ensure};
use regex::{Captures, Regex};

#[expect(clippy::unwrap_used, reason = "the pattern is constant and a test uses it")]
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^(\s+)CodeUri: functions/([a-z-]+)\s*$").unwrap());
#[expect(clippy::unwrap_used, reason = "the pattern is constant and a test uses it")]
static DEFINITION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(\s+)DefinitionUri: (statemachine/\S+)\s*$").unwrap());
#[expect(clippy::unwrap_used, reason = "the pattern is constant and a test uses it")]
static PARAMETER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^  ([A-Za-z0-9]+):\s*$").unwrap());

/// The template's text.
#[derive(Debug, Clone)]
pub(crate) struct Template(String);

impl Template {
    /// Takes the text of `template.yaml`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The folders under `functions/` that are deployed, each once.
    pub(crate) fn functions(&self) -> Vec<String> {
        CODE.captures_iter(&self.0).map(|found| found[2].to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The names of the parameters.
    pub(crate) fn parameters(&self) -> BTreeSet<String> {
        let section = self.0.lines().skip_while(|line| *line != "Parameters:").skip(1);
        let section = section.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
        section.filter_map(|line| Some(PARAMETER.captures(line)?[1].to_owned())).collect()
    }

    /// The state machine's file.
    pub(crate) fn definition(&self) -> Option<String> {
        DEFINITION.captures(&self.0).map(|found| found[2].to_owned())
    }

    /// The template with every function's code, and the state machine, at their places in the bucket.
    ///
    /// # Errors
    /// When the template names nothing on disk, or something that is not in `objects`.
    pub(crate) fn with_artifacts(&self, bucket: &str, objects: &BTreeMap<String, String>) -> Result<String> {
        let mut missing = BTreeSet::new();
        let mut place = |key: &str| {
            if let Some(object) = objects.get(key) {
                format!("s3://{bucket}/{object}")
            } else {
                missing.insert(key.to_owned());
                String::new()
            }
        };
        let text =
            CODE.replace_all(&self.0, |found: &Captures<'_>| format!("{}CodeUri: {}", &found[1], place(&found[2])));
        let text = DEFINITION
            .replace_all(&text, |found: &Captures<'_>| format!("{}DefinitionUri: {}", &found[1], place(&found[2])));
        ensure!(missing.is_empty(), "template.yaml names what was not built: {missing:?}");
        ensure!(text != self.0, "template.yaml names no function's folder as `CodeUri: functions/NAME`");
        Ok(text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Parameters:
  Environment:
    Type: String

  MaxRuns:
    Type: Number
Resources:
  A:
    Properties:
      CodeUri: functions/github-auth
  B:
    Properties:
      CodeUri: functions/github-auth
      DefinitionUri: statemachine/ticket.asl.json
";

    #[test]
    fn what_is_on_disk_is_named_in_the_bucket() {
        let template = Template::new(TEXT);
        assert_eq!(template.functions(), ["github-auth"]);
        assert_eq!(template.parameters().into_iter().collect::<Vec<_>>(), ["Environment", "MaxRuns"]);
        let objects = [("github-auth", "a.zip"), ("statemachine/ticket.asl.json", "b.json")];
        let objects = objects.map(|(key, object)| (key.to_owned(), object.to_owned())).into();
        insta::assert_snapshot!(template.with_artifacts("bucket", &objects).unwrap(), @r"
        Parameters:
          Environment:
            Type: String

          MaxRuns:
            Type: Number
        Resources:
          A:
            Properties:
              CodeUri: s3://bucket/a.zip
          B:
            Properties:
              CodeUri: s3://bucket/a.zip
              DefinitionUri: s3://bucket/b.json
        ");
        let error = template.with_artifacts("bucket", &BTreeMap::new()).unwrap_err().to_string();
        assert_eq!(error, r#"template.yaml names what was not built: {"github-auth", "statemachine/ticket.asl.json"}"#);
    }

    #[test]
    fn the_shipped_template_is_understood() {
        let root = toolchain::Toolchain::of_this_checkout();
        let template = Template::new(std::fs::read_to_string(root.root().join("template.yaml")).unwrap());
        assert_eq!(template.definition().as_deref(), Some("statemachine/ticket.asl.json"));
        assert!(template.functions().contains(&"webhook".to_owned()), "{:?}", template.functions());
        assert!(template.parameters().contains("SpecApprovalSeconds"), "{:?}", template.parameters());
    }
}
