//! A full copy of what an overlay of layers would show, for hosts on which no overlay can be had. It is made under
//! another name and renamed when it is whole, so a killed program leaves nothing that anybody would use; the next one
//! for the same place starts over.

mod merge;
mod node;

use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, flock, mkdirat, renameat};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::Serialize;

use crate::refusal::{Refusal, Result};
use crate::remove::remove_at;
use crate::store::open_dir;
use crate::usage::{image_share, tree_bytes};
use merge::Merge;

/// The copy, and how it is called until it is whole.
const ROOT: &CStr = c"root";
const MAKING: &CStr = c"root.making";

/// What was copied.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    pub entries: u64,
    /// What the copy takes on disk; `usage` counts only what comes on top of it.
    pub image_bytes: u64,
}

/// Copies the layers (topmost first) to `DIR/root`, which replaces what an earlier attempt left there. Whoever comes
/// while another program does the same waits for it.
pub fn copy(layers: &[PathBuf], dir: &Path) -> Result<Copied> {
    // Nobody waits for the copy of an agent that was killed, and its place may be removed any moment.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| Refusal::system("bind the copy to its caller's life", e))?;
    fs::create_dir_all(dir).map_err(|e| Refusal::system("make the copy's directory", e))?;
    let place = open_dir(dir)?;
    flock(&place, FlockOperation::LockExclusive)
        .map_err(|e| Refusal::system("lock the copy's directory", e))?;
    for name in [ROOT, MAKING] {
        remove_at(&place, name)?;
    }
    let outcome = fill(layers, dir);
    if outcome.is_err() {
        // A full disk must not stay full for the sake of half a copy; the first error is the one to tell.
        let _ = remove_at(&place, MAKING);
    }
    let copied = outcome?;
    renameat(&place, MAKING, &place, ROOT).map_err(|e| Refusal::system("publish the copy", e))?;
    Ok(copied)
}

fn fill(layers: &[PathBuf], dir: &Path) -> Result<Copied> {
    let place = open_dir(dir)?;
    mkdirat(&place, MAKING, Mode::from_raw_mode(0o700))
        .map_err(|e| Refusal::system("make the copy's root", e))?;
    let making = dir.join(path_of(MAKING));
    let layers = layers
        .iter()
        .map(|layer| open_dir(layer))
        .collect::<Result<_>>()?;
    let entries = Merge::new(layers, open_dir(&making)?).run()?;
    let image_bytes = tree_bytes(dir);
    fs::write(image_share(dir), image_bytes.to_string())
        .map_err(|e| Refusal::system("note the copy's size", e))?;
    Ok(Copied {
        entries,
        image_bytes,
    })
}

fn path_of(name: &CStr) -> &Path {
    Path::new(std::str::from_utf8(name.to_bytes()).unwrap_or_default())
}
