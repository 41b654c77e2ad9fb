//! The command line. Only this folder knows clap. Each command has its file and
//! says by its exit code how it went: 0 well, 1 the database or the service
//! refused, 64 what was typed or configured is wrong, 69 something that is
//! needed is not there.

mod all_shards;
mod args;
mod check;
mod demo;
mod log;
mod output;
mod params;
mod query;
mod serve;
mod shard_outcomes;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};

use crate::rpc::ClientError;

/// EX_USAGE of sysexits.h: the command line or the configuration is wrong.
const EXIT_USAGE: u8 = 64;

/// EX_UNAVAILABLE: a database, an address or a service cannot be had.
const EXIT_UNAVAILABLE: u8 = 69;

/// Why a command failed: what to say, and the exit code.
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    fn usage(message: impl Display) -> Failure {
        Failure {
            message: message.to_string(),
            code: EXIT_USAGE,
        }
    }

    fn unavailable(message: impl Display) -> Failure {
        Failure {
            message: message.to_string(),
            code: EXIT_UNAVAILABLE,
        }
    }

    fn refused(message: impl Display) -> Failure {
        Failure {
            message: message.to_string(),
            code: 1,
        }
    }
}

/// What the service itself says is a refusal; without an answer it is not there.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match error {
            ClientError::Data(_) => Failure::refused(error),
            ClientError::Transport(_) => Failure::unavailable(error),
        }
    }
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            // Nothing is left to tell if this cannot be told.
            let _ = error.print();
            return code.into();
        }
    };
    let result = match args.command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Config => output::print(crate::config::EXAMPLE.as_bytes()),
        Command::Completions { shell } => completions(shell),
        Command::Man => man_page(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("forebay: {}", failure.message);
            failure.code.into()
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "forebay", &mut script);
    output::print(&script)
}

/// One page with a section for each command, instead of a page for each.
fn man_page() -> Result<(), Failure> {
    let mut command = Args::command();
    command.build();
    let mut page = Vec::new();
    write_man_page(&command, &mut page).map_err(Failure::unavailable)?;
    output::print(&page)
}

fn write_man_page(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    for sub in command.get_subcommands() {
        if sub.get_name() == "help" {
            continue;
        }
        let name = sub.get_name().to_uppercase();
        writeln!(page, ".SH \"FOREBAY {name}\"")?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(page)?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        write_as_it_is(sub, page)?;
    }
    write_as_it_is(command, page)
}

/// The text after a command's help, whose lines are not to be filled.
fn write_as_it_is(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let Some(text) = command.get_after_help() else {
        return Ok(());
    };
    let text = text
        .to_string()
        .replace('\\', "\\e")
        .replace("\n'", "\n\\&'");
    writeln!(page, ".SH NOTES\n.nf\n{text}\n.fi")
}
