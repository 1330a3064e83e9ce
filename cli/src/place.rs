//! Where a verb goes: to a database or to a coordinator.

use crate::args::Cli;
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;

impl Cli {
    /// What was typed. Of a database and a coordinator, what is typed stands above what the environment names; of two in
    /// the environment the coordinator does, and two that are typed are refused. Ends the process where help was asked
    /// for, or for a mistake.
    pub fn read() -> Cli {
        Cli::read_from(&std::env::args_os().collect::<Vec<_>>()).unwrap_or_else(|error| error.exit())
    }

    fn read_from(words: &[OsString]) -> Result<Cli, clap::Error> {
        let mut command = Cli::command();
        let mut matches = command.clone().try_get_matches_from(words)?;
        if typed(&matches, "db") {
            if typed(&matches, "coordinator") {
                let why = "--db and --coordinator name two places; give one of them";
                return Err(command.error(ErrorKind::ArgumentConflict, why));
            }
            matches = without_coordinator(command.clone()).try_get_matches_from(words)?;
        }
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Whether the option stands on the command line.
fn typed(matches: &ArgMatches, option: &str) -> bool {
    let here =
        matches.try_contains_id(option).is_ok() && matches.value_source(option) == Some(ValueSource::CommandLine);
    here || matches.subcommand().is_some_and(|(_, matches)| typed(matches, option))
}

/// The same command line, to which the environment names no coordinator.
fn without_coordinator(command: Command) -> Command {
    let deaf = |arg: Arg| if arg.get_id() == "coordinator" { arg.env(Resettable::Reset) } else { arg };
    command.mut_args(deaf).mut_subcommands(without_coordinator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Verb;

    #[test]
    fn a_database_and_a_coordinator_are_not_typed_together() {
        let read = |words: &[&str]| Cli::read_from(&words.iter().map(OsString::from).collect::<Vec<_>>());
        let both = [
            &["sweep", "list", "--db", "x.db", "--coordinator", "http://127.0.0.1:1"][..],
            &["sweep", "--db", "x.db", "sql", "SELECT 1", "--coordinator", "http://127.0.0.1:1"],
            &["sweep", "token", "list", "--coordinator", "http://127.0.0.1:1", "--db", "x.db"],
        ];
        for words in both {
            let refused = read(words).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ArgumentConflict, "{words:?}");
            assert!(refused.to_string().contains("name two places"), "{refused}");
        }
        let cli = read(&["sweep", "list", "--coordinator", "http://127.0.0.1:1"]).unwrap();
        assert!(matches!(&cli.verb, Verb::List { of } if of.coordinator.is_some()));
        let cli = read(&["sweep", "--db", "x.db", "list"]).unwrap();
        assert!(matches!(&cli.verb, Verb::List { of } if of.coordinator.is_none()) && cli.db == "x.db");
    }
}
