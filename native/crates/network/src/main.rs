//! `gantry-network`: the CNI plugin that gives a pod its interface, and the node-wide network under
//! it. Its nouns: an *attachment* is one interface of one container; a *lease* is an address that
//! an attachment holds; the *bridge* joins a node's pods; *routes* lead to other nodes' pods. It
//! refuses configurations that are not wholly valid before it changes anything, and undoes what it
//! did when a later step fails. It talks netlink itself; only `setup`,
//! `teardown` and ports of the host run nft.

mod attachment;
mod chain;
mod cidr;
mod config;
mod failure;
#[cfg(test)]
mod fuzz_tests;
mod host_ports;
mod leases;
mod limit;
mod link;
mod masquerade;
mod netlink;
mod netns;
mod node;
mod route;
mod runtime_config;

use config::{Attachment, Config, SUPPORTED_VERSIONS, read_stdin};
use failure::{Failure, INVALID_ENVIRONMENT, Outcome};
use serde_json::{Value, json};
use std::process::ExitCode;

const USAGE: &str = "usage: gantry-network setup|teardown|routes < JSON
       CNI_COMMAND=ADD|DEL|CHECK|GC|STATUS|VERSION gantry-network < CONFIG";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (outcome, version) = match arguments.as_slice() {
        [] => plugin(),
        [verb] if verb == "--version" => {
            println!("gantry-network {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        [verb] => (read_stdin().and_then(|input| node_wide(verb, &input)), None),
        _ => (Err(Failure::new(INVALID_ENVIRONMENT, USAGE)), None),
    };
    match outcome {
        Ok(Value::Null) => ExitCode::SUCCESS,
        Ok(result) => {
            println!("{result}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            // CNI wants the error on stdout, where its callers look for it; people look at stderr.
            println!("{}", failure.to_json(version.as_deref().unwrap_or("1.1.0")));
            eprintln!("gantry-network: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn node_wide(verb: &str, input: &str) -> Outcome<Value> {
    match verb {
        "setup" => node::setup(input),
        "teardown" => node::teardown(input),
        "routes" => node::routes(input),
        _ => Err(Failure::new(
            INVALID_ENVIRONMENT,
            format!("{verb:?} is not known\n{USAGE}"),
        )),
    }
}

/// One CNI call; also the version in which to word an error.
fn plugin() -> (Outcome<Value>, Option<String>) {
    let command = std::env::var("CNI_COMMAND").unwrap_or_default();
    if command.is_empty() {
        return (
            Err(Failure::new(
                INVALID_ENVIRONMENT,
                format!("CNI_COMMAND is not set\n{USAGE}"),
            )),
            None,
        );
    }
    if command == "VERSION" {
        let versions = json!({ "cniVersion": "1.1.0", "supportedVersions": SUPPORTED_VERSIONS });
        return (Ok(versions), None);
    }
    match read_stdin().and_then(|input| Config::parse(&input)) {
        Ok(config) => (perform(&command, &config), Some(config.cni_version)),
        Err(failure) => (Err(failure), None),
    }
}

fn perform(command: &str, config: &Config) -> Outcome<Value> {
    let attachment = |needs_netns| Attachment::parse(|name| std::env::var(name).ok(), needs_netns);
    match command {
        "ADD" => attachment::add(config, &attachment(true)?),
        "DEL" => attachment::del(config, &attachment(false)?).map(|()| Value::Null),
        "CHECK" => attachment::check(config, &attachment(true)?).map(|()| Value::Null),
        "GC" => attachment::collect_garbage(config).map(|()| Value::Null),
        "STATUS" => node::status(config).map(|()| Value::Null),
        _ => Err(Failure::new(
            INVALID_ENVIRONMENT,
            format!("CNI_COMMAND {command:?} is not known"),
        )),
    }
}
