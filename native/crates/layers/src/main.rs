//! `gantry-layers`: the command line over the library. Results are JSON on stdout, refusals JSON on stderr.

mod arguments;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::process::ExitCode;

use gantry_layers::apply::Contents;
use gantry_layers::compose::compose;
use gantry_layers::copy::copy;
use gantry_layers::erofs::{self, Made};
use gantry_layers::feed::Feed;
use gantry_layers::probe::probe;
use gantry_layers::refusal::{Code, Refusal, Result};
use gantry_layers::remove::remove_tree;
use gantry_layers::store::{Ingest, Store};
use gantry_layers::transfer::{Source, hex, transfer};
use gantry_layers::usage::{paths, usage};
use gantry_layers::verify::verify;
use serde::Serialize;
use serde_json::json;

use arguments::{Apply, Command};

/// Exit status for a wrong command line, as getopt programs have it.
const USAGE_STATUS: u8 = 2;

fn main() -> ExitCode {
    // Modes are those of the archive, not of whoever started us.
    rustix::process::umask(rustix::fs::Mode::empty());
    match arguments::parse(std::env::args_os().skip(1)).and_then(run) {
        Ok(text) => print(&text),
        Err(refusal) => {
            report(&refusal);
            let usage = refusal.code == Code::Usage;
            // Threads may still wait for input that never ends; leaving main ends them.
            ExitCode::from(if usage { USAGE_STATUS } else { 1 })
        }
    }
}

fn print(text: &str) -> ExitCode {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn report(refusal: &Refusal) {
    let error = json!({
        "code": refusal.code.as_str(),
        "message": refusal.message,
        "entry": refusal.entry,
    });
    // With stderr gone the exit status still tells.
    let _ = writeln!(io::stderr(), "{error}");
}

fn run(command: Command) -> Result<String> {
    match command {
        Command::Apply(apply) => run_apply(&apply),
        Command::Compose { store, diff_ids } => {
            to_json(&json!({ "fixup": compose(&Store::open(&store)?, &diff_ids)? }))
        }
        Command::Mount { store, diff_ids } => {
            to_json(&json!({ "mounted": Store::open(&store)?.mount_layers(&diff_ids)? }))
        }
        Command::Unmount { store } => {
            to_json(&json!({ "unmounted": Store::open(&store)?.unmount_layers()? }))
        }
        Command::Probe { ability, dir } => to_json(&probe(ability, &dir)?),
        Command::Sweep { store } => to_json(&Store::open(&store)?.sweep()?),
        Command::Sync { store } => to_json(&json!({ "synced": Store::open(&store)?.sync()? })),
        Command::Verify { store } => to_json(&verify(&Store::open(&store)?)?),
        Command::Copy { to } => to_json(&copy(&paths(io::stdin().lock())?, &to)?),
        Command::Remove { dirs } => {
            dirs.iter().try_for_each(|dir| remove_tree(dir))?;
            to_json(&json!({ "removed": dirs.len() }))
        }
        Command::Usage => to_json(&json!({ "bytes": usage(io::stdin().lock())? })),
        Command::Help => Ok(arguments::USAGE.to_owned()),
    }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Refusal::system("write the result", e))
}

/// What `apply` answers, and what stays beside the layer as `layer.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerRecord {
    digest: String,
    diff_id: String,
    size: u64,
    /// Size of the EROFS image, when the layer is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    erofs_bytes: Option<u64>,
    /// Why it is none although it was to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    erofs_fault: Option<String>,
    #[serde(flatten)]
    contents: Contents,
}

fn run_apply(apply: &Apply) -> Result<String> {
    let store = Store::open(&apply.store)?;
    let name = hex(&apply.expected.digest);
    let busy = || Refusal::new(Code::Busy, format!("another process is at sha256:{name}"));
    let ingest = Ingest::lock(&store, &name)?.ok_or_else(busy)?;
    let outcome = fill(apply, &store, &ingest);
    let kept = matches!(&outcome, Err(e) if e.code == Code::Truncated);
    // A refusal leaves nothing but, after a cut, what has arrived of the blob.
    let cleaned = if kept {
        ingest.discard_layer()
    } else {
        ingest.discard()
    };
    let record = outcome?;
    cleaned?;
    to_json(&record)
}

fn fill(apply: &Apply, store: &Store, ingest: &Ingest) -> Result<LayerRecord> {
    let (blob_name, layer_name) = (hex(&apply.expected.digest), hex(&apply.expected.diff_id));
    let (source, stored) = open_source(apply, store, ingest)?;
    let contents = transfer(source, apply.expected, ingest.fresh_fs()?, &apply.policy)?;
    let (erofs_bytes, erofs_fault) = match apply.erofs && contents.entries > 0 {
        false => (None, None),
        true => match erofs::replace(&ingest.layer())? {
            Made::Image(bytes) => (Some(bytes), None),
            Made::Kept(fault) => (None, Some(fault)),
        },
    };
    let record = LayerRecord {
        digest: format!("sha256:{blob_name}"),
        diff_id: format!("sha256:{layer_name}"),
        size: apply.expected.size,
        erofs_bytes,
        erofs_fault,
        contents,
    };
    fs::write(ingest.layer().join("layer.json"), to_json(&record)?)
        .map_err(|e| Refusal::system("record the layer", e))?;
    if !stored {
        store.publish("blob", &blob_name, &ingest.blob())?;
    }
    store.publish("layer", &layer_name, &ingest.layer())?;
    Ok(record)
}

/// The blob from the store when it is whole there, else the saved part and then standard input.
fn open_source(apply: &Apply, store: &Store, ingest: &Ingest) -> Result<(Source, bool)> {
    if apply.stored {
        let saved = File::open(store.blob(&hex(&apply.expected.digest)))
            .map_err(|e| Refusal::system("open the stored blob", e))?;
        return Ok((
            Source {
                saved: Some(saved),
                rest: None,
                save: None,
            },
            true,
        ));
    }
    let open = |e| Refusal::system("open the partial blob", e);
    let mut options = OpenOptions::new();
    let save = options
        .append(true)
        .create(true)
        .open(ingest.blob())
        .map_err(open)?;
    let length = save.metadata().map_err(open)?.len();
    if length < apply.resume_from {
        let message = format!("only {length} of {} bytes are saved", apply.resume_from);
        return Err(Refusal::new(Code::Truncated, message));
    }
    save.set_len(apply.resume_from).map_err(open)?;
    let saved = File::open(ingest.blob()).map_err(open)?;
    // The saved part goes through the same stages as what follows it, so it is verified like the rest.
    let rest: Box<dyn io::Read + Send> = if apply.instructed {
        let feed = Feed::start(apply.resume_from, apply.expected.size);
        Box::new(feed.map_err(|e| Refusal::system("listen for instructions", e))?)
    } else {
        Box::new(io::stdin())
    };
    Ok((
        Source {
            saved: Some(saved),
            rest: Some(rest),
            save: Some(save),
        },
        false,
    ))
}
