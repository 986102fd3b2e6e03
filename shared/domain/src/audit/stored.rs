//! What stands in the place of an entry.

use jiff::Timestamp;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::trail::Problem;
use super::{AuditEntry, AuditHead, hash_of};
use crate::digest::Digest;
use crate::ids::WorkflowId;

/// What stands in the place of an entry, readable or not. It is judged by its fields as they are stored and not by what
/// this version of the program makes of them: a field that is not known here counts, and an event that is not known here
/// is no fault.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEntry {
    place: Option<u64>,
    fields: Result<Value, String>,
    link: Result<Link, String>,
}

/// How an entry hangs on the one before it.
#[derive(Debug, Clone, PartialEq)]
struct Link {
    workflow_id: WorkflowId,
    seq: u64,
    previous: Digest,
    hash: Digest,
    computed: Digest,
}

impl StoredEntry {
    /// The fields that were found at a place: the number by which storage sorts them. `None`: it has none.
    pub fn new(place: Option<u64>, fields: Value) -> Self {
        Self { place, link: link(&fields), fields: Ok(fields) }
    }

    /// Something that does not even have fields.
    pub fn unreadable(place: Option<u64>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { place, fields: Err(reason.clone()), link: Err(reason) }
    }

    /// The same at another place.
    #[cfg(test)]
    pub(super) fn moved(self, place: Option<u64>) -> Self {
        Self { place, ..self }
    }

    /// The number by which storage sorts it.
    pub fn place(&self) -> Option<u64> {
        self.place
    }

    /// The fields, as they are stored, or why there are none.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn fields(&self) -> Result<&Value, &str> {
        self.fields.as_ref().map_err(String::as_str)
    }

    /// The entry, if this version of the program knows its form.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn entry(&self) -> Result<AuditEntry, String> {
        AuditEntry::deserialize(self.fields()?).map_err(|error| error.to_string())
    }

    /// When it says that it was written.
    pub fn at(&self) -> Option<Timestamp> {
        field(self.fields().ok()?, "at").ok()
    }

    /// Its hash, as it says.
    pub fn hash(&self) -> Option<Digest> {
        self.link.as_ref().ok().map(|link| link.hash)
    }

    /// The chain's end with it as the successor of `last`, or what is wrong with it there.
    pub(super) fn follow(&self, workflow_id: &WorkflowId, last: AuditHead) -> Result<AuditHead, Problem> {
        let expected = last.seq + 1;
        if self.place.is_some_and(|place| place > expected) {
            return Err(Problem::Missing);
        }
        let link = self.link.as_ref().map_err(|reason| Problem::Unreadable { reason: reason.clone() })?;
        if self.place != Some(expected) {
            return Err(Problem::Misplaced { found: self.place });
        }
        if link.seq != expected {
            return Err(Problem::Misplaced { found: Some(link.seq) });
        }
        if link.workflow_id != *workflow_id {
            return Err(Problem::Foreign);
        }
        if link.previous != last.hash {
            return Err(Problem::Unlinked);
        }
        if link.computed != link.hash {
            return Err(Problem::Changed);
        }
        Ok(AuditHead { seq: link.seq, hash: link.hash })
    }
}

impl From<&AuditEntry> for StoredEntry {
    fn from(entry: &AuditEntry) -> Self {
        match serde_json::to_value(entry) {
            Ok(fields) => Self::new(Some(entry.seq), fields),
            Err(error) => Self::unreadable(Some(entry.seq), error.to_string()),
        }
    }
}

fn link(fields: &Value) -> Result<Link, String> {
    Ok(Link {
        workflow_id: field(fields, "workflow_id")?,
        seq: field(fields, "seq")?,
        previous: field(fields, "previous")?,
        hash: field(fields, "hash")?,
        computed: hash_of(fields.clone()).map_err(|error| error.to_string())?,
    })
}

fn field<T: DeserializeOwned>(fields: &Value, name: &str) -> Result<T, String> {
    let value = fields.get(name).ok_or_else(|| format!("it has no field `{name}`"))?;
    T::deserialize(value).map_err(|error| format!("`{name}`: {error}"))
}
