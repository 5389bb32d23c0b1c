//! Headless commands over the pipeline. Results and nothing else go to stdout; progress and faults to stderr.
//!
//! Exit status: 0 done, 1 failed with one sentence on stderr (where only a scenario of several failed, the others are answered
//! all the same), 2 wrong usage.

mod args;
mod bandit;
mod budget;
mod commands;
mod customers;
mod experiment;
mod feedback;
mod policy;
mod progress;
mod scan;
mod simulated;
mod uplift;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use crate::base::{CancelToken, JobCtx, Lang};

/// Reads the arguments and does what they say; `window` opens the window, which is above this layer.
pub fn main(window: impl FnOnce(Option<PathBuf>, Option<Lang>) -> anyhow::Result<()>) -> ExitCode {
    let cli = args::Cli::parse();
    let lang = cli.lang.map(Lang::from);
    let Some(command) = cli.command else {
        return match window(cli.file, lang) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("{e:#}");
                ExitCode::FAILURE
            }
        };
    };
    let lang = lang.unwrap_or_else(Lang::of_system);
    let sink = Arc::new(progress::Stderr::new(lang));
    let ctx = JobCtx::new(sink.clone(), CancelToken::default());
    let result = commands::execute(&command, lang, &ctx);
    sink.end();
    match result {
        Ok(said) => {
            use std::io::Write as _;
            // A reader that went away (`| head`) is not a failure of ours.
            drop(std::io::stdout().write_all(said.out.as_bytes()));
            for warning in said.warnings {
                eprintln!("! {}", warning.say(lang));
            }
            for fault in &said.faults {
                eprintln!("{}", fault.say(lang));
            }
            if said.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(fault) => {
            eprintln!("{}", fault.say(lang));
            ExitCode::FAILURE
        }
    }
}
