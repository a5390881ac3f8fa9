//! The command line with what the `IOLITE_*` variables add to it: called by `main`, and nothing else reads arguments.
//!
//! To clap a variable is as good as the flag that it stands for. To a person it is a default, set once for a whole shell:
//! what stands on the command line wins over it, and one that is empty, as composed files set them, is none.

use std::ffi::OsString;

use clap::builder::{FalseyValueParser, Resettable, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::cli::{Cli, command};

/// Reads the arguments, the program's name first, and the variables.
pub(crate) fn read(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let command = match without_variables(command()).ignore_errors(true).try_get_matches_from(arguments) {
        Ok(given) => weighed(command(), &given),
        // Help, which shows every variable, or the version.
        Err(_) => command(),
    };
    let mut matches = command.try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut self::command()))
}

fn without_variables(command: Command) -> Command {
    command.mut_args(|argument| argument.env(Resettable::Reset)).mut_subcommands(without_variables)
}

/// The command that `given` asks for, without the variables that do not count beside it.
fn weighed(command: Command, given: &ArgMatches) -> Command {
    let idle: Vec<_> = command
        .get_arguments()
        .filter(|argument| {
            !is_on(given, argument) && (is_off(&command, argument) || is_beaten(&command, argument, given))
        })
        .map(|argument| argument.get_id().clone())
        .collect();
    let command =
        idle.into_iter().fold(command, |command, id| command.mut_arg(id, |argument| argument.env(Resettable::Reset)));
    match given.subcommand() {
        Some((name, below)) => command.mut_subcommand(name, |command| weighed(command, below)),
        None => command,
    }
}

/// Whether the flag stands on the command line.
fn is_on(given: &ArgMatches, argument: &Arg) -> bool {
    given.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// Whether the variable says as much as none: it is empty, or a switch that is off.
fn is_off(command: &Command, argument: &Arg) -> bool {
    let Some(value) = argument.get_env().and_then(std::env::var_os) else { return false };
    let is_switch = matches!(argument.get_action(), ArgAction::SetTrue);
    let is_false = || matches!(FalseyValueParser::new().parse_ref(command, None, &value), Ok(false));
    value.is_empty() || (is_switch && is_false())
}

/// Whether a flag on the command line excludes this one.
fn is_beaten(command: &Command, argument: &Arg, given: &ArgMatches) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    let alternatives = |one: &Arg, other: &Arg| {
        command.get_groups().any(|group| {
            let members: Vec<_> = group.get_args().collect();
            !group.clone().is_multiple() && members.contains(&one.get_id()) && members.contains(&other.get_id())
        })
    };
    command
        .get_arguments()
        .filter(|other| is_on(given, other))
        .any(|other| excludes(argument, other) || excludes(other, argument) || alternatives(argument, other))
}

/// Reads how much is logged from `IOLITE_VERBOSE`: a number, or a switch as the other variables take it.
pub(crate) fn verbosity(text: &str) -> Result<u8, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "t" | "y" => Ok(1),
        "false" | "no" | "off" | "f" | "n" => Ok(0),
        number => number.parse().map_err(|_| "say true or false, or how often -v would stand there".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_logged_is_a_number_or_a_switch() {
        let read = ["0", "1", "2", "true", "False", "off", "yes"].map(|text| verbosity(text).unwrap());
        assert_eq!(read, [0, 1, 2, 1, 0, 0, 1]);
        assert!(verbosity("loud").is_err() && verbosity("-1").is_err());
    }
}
