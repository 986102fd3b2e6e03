#![doc = include_str!("../README.md")]
// The JSON of a pull request has more members than `json!` expands by default.
#![recursion_limit = "256"]

mod api;
mod app_key;
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
mod oauth;
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
pub use app_key::AppKey;
pub use auth::{Level, Permission, Permissions};
pub use checks::{NewCheckRun, NewStatus};
pub use cli::Cli;
pub use clock::Clock;
pub use config::{
    AppConfig, Config, EmailConfig, OauthApp, OrganizationConfig, PersonalToken, TeamConfig, TokenFormat, UserConfig,
    WebhookConfig,
};
pub use error::{ApiError, ApiResult};
pub use faults::{Fault, Outcome, When};
pub use names::{RepoName, Sha};
pub use pulls::MergeMethod;
pub use repos::{NewFile, NewPush, NewRepo};
pub use server::{GithubSim, Running};
pub use state::{MergeSettings, Protection, Review, ReviewState, Role};
pub use webhooks::{Attempt, Delivery, sign};
