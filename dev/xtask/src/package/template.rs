//! From the template that is built to the template that is deployed.
//!
//! A line editor and not a YAML parser, so that the comments and the short forms of intrinsic
//! functions stay as they are. It changes three kinds of line, complains where it does not
//! find what it expects, and SAM reads the result right after.

use anyhow::{Context as _, Result, ensure};

/// What a function says that cargo-lambda builds; the only metadata that such a function has.
const BUILD_INSTRUCTION: &str = "Metadata: { BuildMethod: rust-cargolambda }";
/// Where the functions' folders are.
const FUNCTIONS: &str = "functions/";

/// `template` with every function that cargo-lambda builds replaced by its archive beside the
/// template, for the processor `arch`.
///
/// # Errors
/// When the template is written in another way than this editor knows.
pub(super) fn packaged(template: &str, arch: &str) -> Result<String> {
    let lines: Vec<&str> = template.lines().collect();
    let mut text = String::new();
    let (mut at, mut functions, mut defaults) = (0, 0, 0);
    while at < lines.len() {
        let end = end_of_block(&lines, at);
        let block = &lines[at..end];
        if indent(lines[at]) == Some(2) && block.iter().any(|line| line.trim() == BUILD_INSTRUCTION) {
            push_function(&mut text, block)?;
            functions += 1;
            at = end;
        } else if lines[at] == "  Architecture:" {
            defaults += push_architecture(&mut text, block, arch);
            at = end;
        } else {
            push(&mut text, lines[at]);
            at += 1;
        }
    }
    ensure!(functions > 0, "no function says `{BUILD_INSTRUCTION}`");
    ensure!(
        !text.contains("rust-cargolambda"),
        "a function names its build method otherwise than `{BUILD_INSTRUCTION}`"
    );
    ensure!(defaults == 1, "the parameter `Architecture` has no default, or there are several");
    Ok(text)
}

/// How far a line with content is indented.
fn indent(line: &str) -> Option<usize> {
    let content = line.trim_start();
    (!content.is_empty() && !content.starts_with('#')).then(|| line.len() - content.len())
}

/// The first line after `start` that is not indented deeper.
fn end_of_block(lines: &[&str], start: usize) -> usize {
    let Some(own) = indent(lines[start]) else {
        return start + 1;
    };
    (start + 1..lines.len()).find(|&at| indent(lines[at]).is_some_and(|indent| indent <= own)).unwrap_or(lines.len())
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// The resource without its build instruction, and with its archive as its code.
fn push_function(text: &mut String, block: &[&str]) -> Result<()> {
    let name = block[0].trim().trim_end_matches(':');
    let mut has_code = false;
    for line in block {
        let content = line.trim_start();
        let margin = &line[..line.len() - content.len()];
        if content == BUILD_INSTRUCTION {
            continue;
        }
        if let Some(code) = content.strip_prefix("CodeUri:") {
            let folder = code.split('#').next().unwrap_or(code).trim();
            let binary = folder.strip_prefix(FUNCTIONS);
            let binary =
                binary.with_context(|| format!("{name} has its code in `{folder}`, not below `{FUNCTIONS}`"))?;
            push(text, &format!("{margin}CodeUri: ./{binary}.zip"));
            has_code = true;
        } else {
            push(text, line);
        }
    }
    ensure!(has_code, "{name} has no CodeUri of its own");
    Ok(())
}

/// The parameter with another default; how many defaults there were.
fn push_architecture(text: &mut String, block: &[&str], arch: &str) -> usize {
    let mut defaults = 0;
    for line in block {
        if line.trim_start().starts_with("Default:") {
            push(text, &format!("    Default: {arch}"));
            defaults += 1;
        } else {
            push(text, line);
        }
    }
    defaults
}

#[cfg(test)]
mod tests {
    use toolchain::Toolchain;

    use super::*;
    use crate::lint;

    const TEMPLATE: &str = "\
Parameters:
  Architecture:
    Type: String
    Default: arm64
Resources:
  # The edge.
  WebhookFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda }
    Properties:
      CodeUri: functions/webhook  # its folder
      Role: !GetAtt WebhookRole.Arn

  Queue:
    Type: AWS::SQS::Queue
";

    #[test]
    fn functions_name_their_archives() {
        insta::assert_snapshot!(packaged(TEMPLATE, "x86_64").unwrap(), @r"
        Parameters:
          Architecture:
            Type: String
            Default: x86_64
        Resources:
          # The edge.
          WebhookFunction:
            Type: AWS::Serverless::Function
            Properties:
              CodeUri: ./webhook.zip
              Role: !GetAtt WebhookRole.Arn

          Queue:
            Type: AWS::SQS::Queue
        ");
    }

    /// Every line of the template that is deployed is either as it was or one of the three kinds.
    #[test]
    fn the_template_of_this_workspace_is_understood() {
        let source = std::fs::read_to_string(Toolchain::of_this_checkout().root().join(lint::TEMPLATE)).unwrap();
        let text = packaged(&source, "x86_64").unwrap();
        let functions = source.matches(BUILD_INSTRUCTION).count();
        assert_eq!(text.matches("CodeUri: ./").count(), functions);
        assert!(!text.contains("CodeUri: functions/"));
        assert_eq!(source.lines().count() - text.lines().count(), functions);
        let changed = text.lines().filter(|line| !source.lines().any(|old| old == *line)).count();
        assert_eq!(changed, functions + 1, "the archives and the processor");
    }

    #[test]
    fn what_it_does_not_understand_it_refuses() {
        let error = |template: &str| packaged(template, "arm64").unwrap_err().to_string();
        let without = |line: &str| TEMPLATE.replace(line, "");
        assert_eq!(
            error(&without("      CodeUri: functions/webhook  # its folder\n")),
            "WebhookFunction has no CodeUri of its own"
        );
        assert_eq!(
            error(&TEMPLATE.replace("functions/webhook", "webhook")),
            "WebhookFunction has its code in `webhook`, not below `functions/`"
        );
        assert!(error(&without("    Default: arm64\n")).starts_with("the parameter `Architecture` has no default"));
        assert!(error(&without("    Metadata: { BuildMethod: rust-cargolambda }\n")).starts_with("no function says"));
        let other = format!("{TEMPLATE}  Other:\n    Metadata:\n      BuildMethod: rust-cargolambda\n");
        assert!(error(&other).starts_with("a function names its build method otherwise"));
    }
}
