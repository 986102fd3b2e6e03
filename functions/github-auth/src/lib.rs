//! The `github-auth` function: the only one that holds the code host's credential.
//!
//! It is deployed twice from one program, to read and to write. What a token may do is fixed by the deployed entry
//! ([`Grant`]), so a caller gets exactly what it may invoke, for the one repository that it names and for an hour at
//! most.

mod cache;
mod config;
mod credentials;
mod grant;
mod handler;
mod issue;

pub use cache::TokenCache;
pub use config::{Config, Context};
pub use credentials::Credentials;
pub use grant::Grant;
pub use handler::handle;
pub use issue::issue;
