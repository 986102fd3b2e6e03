//! A GitHub that runs on this machine: a real HTTP server over real bare Git repositories.
//!
//! It serves the part of GitHub's REST API that pull-request automation uses, with GitHub's status codes, bodies and
//! headers; App authentication (JWT, installation tokens with repositories and permissions) and personal tokens; signed
//! webhooks with a delivery log; pages on which a person reviews and merges; and a control API for tests.
//!
//! - API: `http://127.0.0.1:PORT/api/v3`, as on GitHub Enterprise (the same routes also answer at the root).
//! - Pages: `http://127.0.0.1:PORT/{owner}/{repo}` and `…/pull/{number}`.
//! - Control: `http://127.0.0.1:PORT/_sim/…`.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use github_sim::{Config, GithubSim};
//!
//! let running = GithubSim::start(Config::new("/tmp/github-sim")).await?;
//! let first = running.create_repo_from_dir("acme", "web", "./example").await?;
//! println!("{} has {first} on main", running.api_base());
//! running.shutdown().await
//! # }
//! ```
//!
//! What it does not have: forks, merge queues, rulesets, GraphQL, issues that are no pull requests, conditional requests
//! (ETags), Git over HTTP. Commits made by an app are unsigned here; GitHub signs them.

// The JSON of a pull request has more members than `json!` expands by default.
#![recursion_limit = "256"]

mod api;
mod auth;
mod checks;
mod cli;
mod clock;
mod config;
mod control;
mod error;
mod faults;
mod git;
mod listener;
mod local;
mod names;
mod pages;
mod pulls;
mod push;
mod repos;
mod server;
mod sim;
mod state;
mod store;
mod view;
mod webhooks;

pub use api::Call;
pub use auth::{Level, Permission, Permissions};
pub use checks::{NewCheckRun, NewStatus};
pub use cli::Cli;
pub use clock::Clock;
pub use config::{AppConfig, Config, PersonalToken, TokenFormat, UserConfig, WebhookConfig};
pub use error::{ApiError, ApiResult};
pub use faults::{Fault, Outcome, When};
pub use names::{RepoName, Sha};
pub use pulls::MergeMethod;
pub use repos::{NewFile, NewPush, NewRepo};
pub use server::{GithubSim, Running};
pub use state::{MergeSettings, Protection, Review, ReviewState, Role};
pub use webhooks::{Attempt, Delivery, sign};
