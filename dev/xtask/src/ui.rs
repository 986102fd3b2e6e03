//! What a person sees.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use console::{Term, style};
use indicatif::{HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use toolchain::{Component, Progress};

/// A line of result.
pub(crate) fn say(text: impl std::fmt::Display) {
    // Whoever reads may have closed the pipe; there is nobody left to tell.
    Term::stdout().write_line(&text.to_string()).ok();
}

/// A line about what happens now.
pub(crate) fn step(text: impl std::fmt::Display) {
    let line = format!("{} {text}", style("==>").cyan().for_stderr());
    Term::stderr().write_line(&line).ok();
}

/// A line about something that went otherwise than asked.
pub(crate) fn warn(text: impl std::fmt::Display) {
    let line = format!("{} {text}", style("warning:").yellow().bold().for_stderr());
    Term::stderr().write_line(&line).ok();
}

/// An error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let line = format!("{} {error:#}", style("error:").red().bold().for_stderr());
    Term::stderr().write_line(&line).ok();
}

/// Shows installations: a bar for each on a terminal, a line for each event elsewhere.
pub(crate) struct Bars {
    all: MultiProgress,
    open: Mutex<HashMap<Component, ProgressBar>>,
    terminal: bool,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            open: Mutex::default(),
            terminal: Term::stderr().is_term(),
        }
    }

    fn bar(&self, component: Component) -> ProgressBar {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.entry(component)
            .or_insert_with(|| {
                let bar = self.all.add(ProgressBar::new_spinner());
                if let Ok(style) =
                    ProgressStyle::with_template("{spinner:.cyan} {prefix:<10} {elapsed:>4} {wide_msg:.dim}")
                {
                    bar.set_style(style);
                }
                bar.set_prefix(component.name());
                bar.enable_steady_tick(Duration::from_millis(120));
                bar
            })
            .clone()
    }

    fn event(&self, component: Component, text: &str) {
        if self.terminal {
            self.bar(component).set_message(text.to_owned());
        } else {
            step(format_args!("{component}: {text}"));
        }
    }

    fn close(&self, component: Component, mark: impl std::fmt::Display, text: &str) {
        if self.terminal {
            let bar = self.bar(component);
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar.finish_with_message(format!("{mark} {:<10} {text}", component.name()));
        } else {
            step(format_args!("{component}: {text}"));
        }
    }
}

impl Progress for Bars {
    fn started(&self, component: Component) {
        self.event(component, &format!("installing ({})", component.purpose()));
    }

    fn waiting(&self, component: Component) {
        self.event(component, "another command installs it; waiting");
    }

    fn line(&self, component: Component, line: &str) {
        if self.terminal {
            self.bar(component).set_message(line.to_owned());
        }
    }

    fn finished(&self, component: Component, took: Duration) {
        let text = format!("installed in {}", HumanDuration(took));
        self.close(component, style("✓").green().for_stderr(), &text);
    }

    fn failed(&self, component: Component) {
        self.close(component, style("✗").red().for_stderr(), "failed");
    }
}
