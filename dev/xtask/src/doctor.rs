//! Showing what the doctor found.

use std::process::ExitCode;

use console::style;
use toolchain::Toolchain;
use toolchain::doctor::{Check, Status, examine};

use crate::ui;

pub(crate) fn run(toolchain: &Toolchain) -> ExitCode {
    let checks = examine(toolchain);
    for check in &checks {
        show(check);
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let (wrong, pending) = (count(Status::Wrong), count(Status::Pending));
    ui::say("");
    if wrong > 0 {
        ui::say(format_args!("{wrong} of these must be changed first."));
        return ExitCode::FAILURE;
    }
    ui::say(if pending > 0 { "Ready. What is not installed yet is installed when it is needed." } else { "Ready." });
    ExitCode::SUCCESS
}

fn show(check: &Check) {
    let mark = match check.status {
        Status::Good => style("✓").green(),
        Status::Pending => style("·").cyan(),
        Status::Limited => style("-").yellow(),
        Status::Wrong => style("✗").red(),
    };
    // The longest name is that of a component.
    ui::say(format_args!("{mark} {:<48} {}", check.name, check.detail));
    if let Some(fix) = &check.fix {
        ui::say(format_args!("  {:<48} {}", "", style(fix).dim()));
    }
}
