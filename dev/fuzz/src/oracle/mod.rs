//! The rules once more, written slowly and without the code that they judge.

pub mod glob;
pub mod hmac;
pub mod path;
