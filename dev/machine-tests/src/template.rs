//! The SAM template, with its short forms such as `!Ref` written out as JSON writes them.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A template.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its content.
    pub body: Value,
}

impl Template {
    /// `template.yaml`.
    ///
    /// # Errors
    /// When it cannot be read or is not YAML.
    pub fn read() -> Result<Self> {
        Self::read_file(&crate::root().join("template.yaml"))
    }

    /// Another template.
    ///
    /// # Errors
    /// When it cannot be read or is not YAML.
    pub fn read_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("parsing {}", path.display()))
    }

    /// A template, or a part of one, as text.
    ///
    /// # Errors
    /// When it is not YAML.
    pub fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        let document = documents.first().context("the template is empty")?;
        Ok(Self { body: value(document)? })
    }

    /// The resources of a type, by logical id.
    pub fn resources<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.all().filter(move |(_, resource)| resource["Type"] == kind)
    }

    /// Every resource, by logical id.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.body["Resources"].as_object().into_iter().flatten().map(|(name, resource)| (name.as_str(), resource))
    }

    /// Statements of the roles, each with the logical id of the resource whose role it belongs to.
    pub fn statements(&self) -> Vec<(&str, &Value)> {
        let mut found = Vec::new();
        for (name, resource) in self.all() {
            let properties = &resource["Properties"];
            let owner = match resource["Type"].as_str() {
                Some("AWS::IAM::Policy") => properties["Roles"][0]["Ref"].as_str().map_or(name, without_role),
                _ => name,
            };
            let own = properties.get("PolicyDocument").filter(|_| resource["Type"] == "AWS::IAM::Policy");
            let inline = properties["Policies"].as_array().into_iter().flatten();
            let documents = inline.map(|policy| policy.get("PolicyDocument").unwrap_or(policy)).chain(own);
            for statement in documents.flat_map(|document| document["Statement"].as_array().into_iter().flatten()) {
                // `Fn::If` with a statement or nothing: what it may grant counts.
                let statement = statement.get("Fn::If").map_or(statement, |branches| &branches[1]);
                found.push((owner, statement));
            }
        }
        found
    }
}

fn without_role(reference: &str) -> &str {
    reference.strip_suffix("Role").unwrap_or(reference)
}

/// A value that is one or a list of them, as a list.
pub fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// The same, of texts.
pub fn texts(value: &Value) -> Vec<String> {
    list(value).into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn value(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(scalar) => plain(scalar),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_>>()?),
        Yaml::Mapping(fields) => {
            let mut map = Map::new();
            for (name, field) in fields {
                let name = name.as_str().context("a key that is not a text")?;
                if map.insert(name.to_owned(), value(field)?).is_some() {
                    bail!("the key {name} stands twice");
                }
            }
            Value::Object(map)
        }
        Yaml::Tagged(tag, inner) => tagged(&tag.suffix, value(inner)?),
        Yaml::Representation(text, _, Some(tag)) => tagged(&tag.suffix, Value::from(text.as_ref())),
        Yaml::Representation(text, _, None) => Value::from(text.as_ref()),
        Yaml::Alias(_) => bail!("CloudFormation does not know YAML's aliases"),
        Yaml::BadValue => bail!("a value that YAML does not allow"),
    })
}

fn plain(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => json!(flag),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => json!(number.into_inner()),
        Scalar::String(text) => json!(text),
    }
}

fn tagged(tag: &str, inner: Value) -> Value {
    match tag {
        "Ref" | "Condition" => json!({ tag: inner }),
        _ => json!({ format!("Fn::{tag}"): inner }),
    }
}
