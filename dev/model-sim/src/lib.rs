//! A scripted model behind the wire protocols of real providers.
//!
//! One loopback server speaks Anthropic Messages and OpenAI Chat Completions, streaming and not, and answers from
//! scripts: one line of a `model.jsonl` file ([`script`]) is one model response. Several scripts are live at once;
//! [`registry`] says which script, consumer and line a request gets, and [`control`] how scripts come and go.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = model_sim::start(model_sim::Config::default()).await?;
//! sim.register("FL-1", "ticket: FL-1", r#"{"for":"plan","respond":[{"text":"Hello."}]}"#)?;
//! let anthropic_base_url = sim.base_url();
//! let openai_base_url = format!("{}/v1", sim.base_url());
//! sim.shutdown().await;
//! # Ok(()) }
//! ```

pub mod anthropic;
pub mod control;
pub mod exchange;
pub mod openai;
pub mod protocol;
pub mod recorder;
pub mod registry;
pub mod reply;
pub mod script;
pub mod server;
mod text;

pub use recorder::Recorded;
pub use registry::{RegisterError, ScriptStatus};
pub use script::{Consumer, Script, ScriptError};
pub use server::{Clock, Config, Running, start};
