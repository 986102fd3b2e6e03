//! A stand-in for AWS CodeArtifact: one domain with one repository of npm and Python packages.
//!
//! It speaks the parts of the API that give tokens and addresses ([`api`]), and the protocols of the two registries
//! ([`npm`], [`pypi`]), with the credentials and the redirects of the service. Packages are folders of sources, packed
//! when they are published ([`pack`]).

pub mod api;
pub mod npm;
pub mod pack;
pub mod pypi;
pub mod server;
mod state;

pub use pack::Package;
pub use server::{Clock, Config, Running, start};
pub use state::Recorded;
