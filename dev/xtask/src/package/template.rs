//! From the template that is built to the template that is deployed.
//!
//! A line editor and not a YAML parser, so that the comments and the short forms of intrinsic
//! functions stay as they are. It changes three kinds of line, complains where it does not
//! find what it expects, and SAM reads the result right after.

use anyhow::{Result, bail, ensure};

const BUILD_METHOD: &str = "BuildMethod: rust-cargolambda";

/// `template` with every function that cargo-lambda builds replaced by its archive beside the
/// template, for the processor `arch`.
pub(super) fn packaged(template: &str, arch: &str) -> Result<String> {
    let lines: Vec<&str> = template.lines().collect();
    let mut text = String::new();
    let mut at = 0;
    while at < lines.len() {
        let end = end_of_block(&lines, at);
        let block = &lines[at..end];
        if indent(lines[at]) == Some(2) && block.iter().any(|line| line.contains(BUILD_METHOD)) {
            push_function(&mut text, block)?;
            at = end;
        } else {
            push(&mut text, lines[at]);
            at += 1;
        }
    }
    with_arch(&text, arch)
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

/// The resource without its build instructions, and with its archive as its code.
fn push_function(text: &mut String, block: &[&str]) -> Result<()> {
    let name = block[0].trim().trim_end_matches(':');
    let Some(binary) = value(block, "Binary") else {
        bail!("{name} says `{BUILD_METHOD}` without BuildProperties: Binary");
    };
    let mut has_code = false;
    let mut at = 0;
    while at < block.len() {
        let line = block[at];
        if line.trim() == "Metadata:" && indent(line) == Some(4) {
            let end = end_of_block(block, at);
            ensure!(
                block[at + 1..end].iter().all(|line| is_build_instruction(line)),
                "{name} has Metadata besides the build instructions; give the build \
                 instructions alone"
            );
            at = end;
            continue;
        }
        if line.trim_start().starts_with("CodeUri:") {
            has_code = true;
            let margin = &line[..line.len() - line.trim_start().len()];
            push(text, &format!("{margin}CodeUri: ./{binary}.zip"));
        } else {
            push(text, line);
        }
        at += 1;
    }
    ensure!(has_code, "{name} has no CodeUri of its own");
    Ok(())
}

fn is_build_instruction(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || line.starts_with('#')
        || ["BuildMethod:", "BuildProperties:", "Binary:"].iter().any(|key| line.starts_with(key))
}

fn value<'a>(block: &[&'a str], key: &str) -> Option<&'a str> {
    block.iter().find_map(|line| {
        let rest = line.trim().strip_prefix(key)?.strip_prefix(':')?;
        Some(rest.trim())
    })
}

fn with_arch(template: &str, arch: &str) -> Result<String> {
    const ASKED: &str = "Architectures: [arm64]";
    ensure!(template.contains(ASKED), "no function says `{ASKED}`");
    Ok(template.replace(ASKED, &format!("Architectures: [{arch}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
Globals:
  Function:
    Architectures: [arm64]

Resources:
  # The edge.
  WebhookFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties:
        Binary: webhook
    Properties:
      CodeUri: .  # the workspace
      Role: !GetAtt WebhookRole.Arn

  Queue:
    Type: AWS::SQS::Queue
";

    #[test]
    fn functions_name_their_archives() {
        insta::assert_snapshot!(packaged(TEMPLATE, "x86_64").unwrap(), @r"
        Globals:
          Function:
            Architectures: [x86_64]

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

    #[test]
    fn what_it_does_not_understand_it_refuses() {
        let error = |template: &str| packaged(template, "arm64").unwrap_err().to_string();
        assert_eq!(
            error(&TEMPLATE.replace("        Binary: webhook\n", "")),
            "WebhookFunction says `BuildMethod: rust-cargolambda` without BuildProperties: Binary"
        );
        assert_eq!(
            error(&TEMPLATE.replace("      CodeUri: .  # the workspace\n", "")),
            "WebhookFunction has no CodeUri of its own"
        );
        assert_eq!(error(&TEMPLATE.replace("[arm64]", "[x86_64]")), "no function says `Architectures: [arm64]`");
        assert!(
            error(&TEMPLATE.replace("    Metadata:\n", "    Metadata:\n      cfn-lint: {}\n"))
                .starts_with("WebhookFunction has Metadata besides")
        );
    }
}
