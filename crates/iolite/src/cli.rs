//! The command line as a whole: the list of commands and the flags they share.

use std::any::TypeId;
use std::process::ExitCode;

use anyhow::Result;
use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    allow_sas, check, clock, demo, deny_sas, env, exec, explain, lab, models, reset, roles, sas, snapshot, start, token,
};
use crate::global::Global;

const EXAMPLES: &str = "\
Examples:
  iolite start                          run the built-in world `contoso` until Ctrl-C
  eval \"$(iolite env)\"                  point this shell's SDKs at it
  iolite exec -- pytest                 a fresh emulator for one command, on free ports
  iolite explain --last                 why was the last request let through or refused?
  iolite demo                           the whole story, told with real requests

Every flag can also be set by the environment variable in its [env: …] note.
Status: 0 fine, 1 failed, 2 asked wrongly (bad flags, a bad world file, a port in use).";

/// A local emulator of the Azure IoT data plane: IoT Hub, Device Provisioning, Digital Twins, and the Entra ID and ARM
/// they need, with their real permissions and refusals.
#[derive(Debug, Parser)]
#[command(name = "iolite", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Start(start::Start),
    Exec(exec::Exec),
    Env(env::Env),
    Token(token::Token),
    Sas(sas::Sas),
    Explain(explain::Explain),
    Check(check::Check),
    Roles(roles::Roles),
    DenySas(deny_sas::DenySas),
    AllowSas(allow_sas::AllowSas),
    Reset(reset::Reset),
    Snapshot(snapshot::Snapshot),
    Clock(clock::Clock),
    Models(models::Models),
    Demo(demo::Demo),
    Lab(lab::Lab),
}

/// The command line for clap. An empty name, as `"$NAME"` gives where nothing is set, is a missing one: clap says which.
pub(crate) fn command() -> clap::Command {
    fn named(command: clap::Command) -> clap::Command {
        let is_name = |argument: &clap::Arg| argument.get_value_parser().type_id() == TypeId::of::<String>();
        let name = |argument: clap::Arg| argument.value_parser(NonEmptyStringValueParser::new());
        command.mut_args(|argument| if is_name(&argument) { name(argument) } else { argument }).mut_subcommands(named)
    }
    named(Cli::command())
}

impl Cli {
    /// Runs the command that was asked for; gives the status to end with.
    pub(crate) async fn run(self) -> Result<ExitCode> {
        let global = &self.global;
        match self.command {
            Command::Start(command) => command.run(global).await,
            Command::Exec(command) => command.run().await,
            Command::Env(command) => command.run(global).await,
            Command::Token(command) => command.run(global).await,
            Command::Sas(command) => command.run(global).await,
            Command::Explain(command) => command.run(global).await,
            Command::Check(command) => command.run(global).await,
            Command::Roles(command) => command.run(global).await,
            Command::DenySas(command) => command.run(global).await,
            Command::AllowSas(command) => command.run(global).await,
            Command::Reset(command) => command.run(global).await,
            Command::Snapshot(command) => command.run(global).await,
            Command::Clock(command) => command.run(global).await,
            Command::Models(command) => command.run(),
            Command::Demo(command) => command.run().await,
            Command::Lab(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_command() -> Vec<clap::Command> {
        fn gather(command: &clap::Command, into: &mut Vec<clap::Command>) {
            into.push(command.clone());
            command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| gather(sub, into));
        }
        let mut root = command();
        root.build();
        let mut all = Vec::new();
        gather(&root, &mut all);
        all
    }

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable_of_ours() {
        for command in every_command() {
            for argument in command.get_arguments() {
                let Some(long) = argument.get_long() else { continue };
                if matches!(long, "help" | "version") {
                    continue;
                }
                let variable = argument.get_env().and_then(|name| name.to_str()).unwrap_or_default();
                assert!(variable.starts_with("IOLITE_"), "--{long} of {} has no IOLITE_ variable", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_shows_an_example_and_says_what_each_flag_does() {
        for command in every_command() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("iolite "), "{} shows no example", command.get_name());
            assert!(command.get_about().is_some(), "{} says nothing about itself", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} of {} has no help", argument.get_id(), command.get_name());
            }
        }
    }

    #[test]
    fn no_example_is_wider_than_a_screen() {
        for command in every_command() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn what_is_run_by_exec_keeps_its_own_flags() {
        let cli = Cli::try_parse_from(["iolite", "exec", "--as", "reader-app", "--", "ls", "--format", "json", "-v"]);
        let Command::Exec(exec) = cli.unwrap().command else { panic!("not exec") };
        assert_eq!(exec.command, ["ls", "--format", "json", "-v"]);
    }

    #[test]
    fn a_name_that_is_empty_is_missing() {
        for line in [
            &["iolite", "explain", ""][..],
            &["iolite", "snapshot", "save", ""],
            &["iolite", "snapshot", "load", ""],
            &["iolite", "deny-sas", ""],
            &["iolite", "allow-sas", ""],
            &["iolite", "token", "--as", ""],
            &["iolite", "sas", "--hub", ""],
            &["iolite", "roles", "--action", ""],
        ] {
            let error = command().try_get_matches_from(line).expect_err("it should be refused");
            assert_eq!(error.exit_code(), 2, "{line:?}");
            assert!(error.to_string().contains("a value is required for"), "{line:?}: {error}");
        }
    }

    #[test]
    fn flags_that_exclude_each_other_are_refused_together() {
        for line in [
            &["iolite", "sas", "--policy", "service", "--device", "d1"][..],
            &["iolite", "sas", "--module", "m1"],
            &["iolite", "explain", "--last", "some-id"],
            &["iolite", "check", "--as", "reader-app", "--on", "group:contoso"],
            &["iolite", "snapshot", "save"],
            &["iolite", "exec"],
        ] {
            let error = Cli::try_parse_from(line).expect_err("it should be refused");
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
    }
}
