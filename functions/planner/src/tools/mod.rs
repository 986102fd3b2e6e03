//! What the model can do: read the repository, and answer. Every result is bounded in size.

mod answer;
mod browse;
mod search;

use models::{Arguments, ToolCall, ToolDefinition};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use answer::{Answer, SubmitContext};
pub(crate) use browse::listing;

use crate::repository::Base;

/// Largest result of one call, bytes.
pub(crate) const MAX_RESULT_BYTES: usize = 48 * 1024;

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A result for the model.
    Result(String),
    /// The call was wrong; the text says how to do it right.
    Error(String),
    /// A SPEC that is not acceptable, and everything that is wrong with it.
    Rejected(String),
    /// The end of the conversation.
    Done(Answer),
}

/// The tools, in the order in which the model sees them.
pub(crate) fn definitions() -> Vec<ToolDefinition> {
    vec![
        define::<browse::ListFiles>(
            "list_files",
            "Lists the files of the repository, or of one folder, with their sizes in bytes. Large folders are \
             summarized; list their subfolders one by one then.",
        ),
        define::<browse::ReadFile>(
            "read_file",
            "Reads a text file, whole or a range of lines. Each line is shown with its number. Long files come in \
             parts: ask for the next range.",
        ),
        define::<search::SearchText>(
            "search_text",
            "Searches all text files, or those of one folder or one file, line by line, for a regular expression \
             (Rust syntax, case-sensitive unless it begins with `(?i)`).",
        ),
        define::<domain::spec::SpecDraft>(
            "submit_spec",
            "Submits the finished SPEC. It is checked; if something is wrong with it you are told everything that is \
             wrong and can submit again. This ends your work.",
        ),
        define::<answer::DeclineTicket>(
            "decline_ticket",
            "Declares that this ticket cannot be planned: it asks for no change of this repository, contradicts \
             itself, or says too little to know what is wanted. This ends your work; the reason goes to the ticket's \
             author.",
        ),
    ]
}

fn define<T: JsonSchema>(name: &str, description: &str) -> ToolDefinition {
    // Not every provider follows references inside a tool's schema.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    for unneeded in ["title", "description"] {
        schema.remove(unneeded);
    }
    ToolDefinition { name: name.to_owned(), description: description.to_owned(), schema: schema.to_value() }
}

/// Makes a call.
pub(crate) fn call(call: &ToolCall, base: &Base, submit: SubmitContext<'_>) -> Outcome {
    let fields = match &call.arguments {
        Arguments::Object(fields) => fields,
        Arguments::Malformed(_) => {
            let text = "the input is not a JSON object; it may have been cut off at the output limit. Send it again, \
                        shorter";
            return refused(&call.name, text.to_owned());
        }
    };
    match call.name.as_str() {
        "list_files" => result(input(fields).and_then(|input| browse::list_files(base, &input))),
        "read_file" => result(input(fields).and_then(|input| browse::read_file(base, &input))),
        "search_text" => result(input(fields).and_then(|input| search::search_text(base, &input))),
        "submit_spec" => answer::submit(input(fields), base, submit),
        "decline_ticket" => match input(fields).and_then(answer::decline) {
            Ok(answer) => Outcome::Done(answer),
            Err(reason) => Outcome::Error(error(reason)),
        },
        unknown => {
            let names: Vec<String> = definitions().into_iter().map(|tool| tool.name).collect();
            let unknown = crate::text::cut(unknown, 100);
            Outcome::Error(error(format!("there is no tool `{unknown}`; the tools are: {}", names.join(", "))))
        }
    }
}

/// A submission that cannot be read counts as a rejected one, so that it cannot go on for ever.
fn refused(name: &str, reason: String) -> Outcome {
    if name == "submit_spec" { Outcome::Rejected(error(reason)) } else { Outcome::Error(error(reason)) }
}

fn result(outcome: Result<String, String>) -> Outcome {
    match outcome {
        Ok(text) => Outcome::Result(text),
        Err(reason) => Outcome::Error(error(reason)),
    }
}

fn error(reason: String) -> String {
    format!("Error: {reason}.")
}

/// Reads a call's input.
fn input<T: DeserializeOwned>(fields: &Map<String, Value>) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(fields.clone())).map_err(|error| {
        match error.path().to_string().as_str() {
            "." | "?" => format!("the input is wrong: {}", error.inner()),
            path => format!("the input's field `{path}` is wrong: {}", error.inner()),
        }
    })
}

#[cfg(test)]
mod tests;
