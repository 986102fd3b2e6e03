//! The command line.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Everything a contributor does, by one command each.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios on a local stack of their own, from ticket to merged pull request
    #[command(disable_help_flag = true)]
    Demo {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run one scenario folder from anywhere on disk
    #[command(disable_help_flag = true)]
    Run {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Start a local stack that stays
    #[command(disable_help_flag = true)]
    Up {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// End the local stack that `up` started
    #[command(disable_help_flag = true)]
    Down {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Build and run the tests
    Test(TestOptions),
    /// Format, lints, documentation, licences, unused dependencies, templates, state machine
    Check,
    /// Look for inputs that break a reader of what others wrote, with libFuzzer
    Fuzz(FuzzOptions),
    /// Measure how well credentials are recognised: recall over planted ones, false alarms over clean changes
    #[command(disable_help_flag = true)]
    Secrets {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Measure how long a change set takes in a large repository, from the walk to the pull request, beside Git
    #[command(disable_help_flag = true)]
    Bench {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Measure how long the console's home page takes with many open gates, on a local stack of its own
    #[command(disable_help_flag = true)]
    BenchHome {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Say whether the audit trails of a deployment hold, export them, or anchor what is not anchored
    #[command(disable_help_flag = true)]
    Audit {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Attack the sandbox and the verification with hostile agents, in four sorts of machine
    #[command(disable_help_flag = true)]
    Redteam {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Let many decide one gate at once, hundreds of times, and see whether everything agrees on the winner
    #[command(disable_help_flag = true)]
    Races {
        /// Handed on; `--help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Build the release archives of the functions and a template that deploys them
    Package(PackageOptions),
    /// Build the sandboxes' image, with base images named by digest; needs docker or podman
    Image(ImageOptions),
    /// Install the pinned third-party tools that are missing
    Setup,
    /// Say what is present, missing or wrong, and the command that fixes it
    Doctor,
    /// Bring the lock files of the fuzzers and of Python up to date
    Lock,
}

/// Which tests to run. Integration tests whose target is named `local_*`, or that belong to
/// the crate `stack`, need a local stack; those named `browser_*` need a browser.
#[derive(Debug, Args, Clone, Copy, Default)]
pub(crate) struct TestOptions {
    /// Leave out the tests that need a local stack
    #[arg(long)]
    pub(crate) fast: bool,
    /// Also run the tests that drive a browser
    #[arg(long)]
    pub(crate) browser: bool,
}

/// What is fuzzed, and for how long.
#[derive(Debug, Args)]
pub(crate) struct FuzzOptions {
    /// Inputs of each target
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) runs: u64,
    /// One target alone: a folder of `dev/fuzz/corpus`
    pub(crate) target: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PackageOptions {
    /// The processor to build for; without it arm64 where this machine can, else its own
    #[arg(long)]
    pub(crate) arch: Option<Arch>,
    /// Only these functions, by folder name
    #[arg(long = "function", value_name = "NAME")]
    pub(crate) functions: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImageOptions {
    /// The image's name
    #[arg(long, default_value = "pi-tickets-runner")]
    pub(crate) tag: String,
    /// The processor to build for: the template's `Architecture`
    #[arg(long, default_value = "arm64")]
    pub(crate) arch: Arch,
    /// With compilers and common command-line tools
    #[arg(long)]
    pub(crate) tools: bool,
    /// Take the newest base images of their tags, and keep their digests
    #[arg(long)]
    pub(crate) update: bool,
}

/// A processor that Lambda offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arch {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_the_stack_are_handed_on() {
        let cli = Cli::parse_from(["xtask", "demo", "--scenario", "reject", "--help"]);
        let Command::Demo { args } = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(args, ["--scenario", "reject", "--help"]);
    }
}
