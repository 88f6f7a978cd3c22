//! The command line.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use gantry_layers::policy::{Policy, Setuid};
use gantry_layers::probe::Ability;
use gantry_layers::refusal::{Code, Refusal, Result};
use gantry_layers::transfer::{Expected, Sha256Sum};

pub const USAGE: &str = "\
usage: gantry-layers apply --store DIR --digest sha256:HEX --size BYTES --diff-id sha256:HEX
           [--stored | [--instructed] [--resume-from BYTES]] [--max-bytes N]
           [--max-entries N] [--setuid allow|strip|refuse] [--format directory|erofs]
       gantry-layers compose|mount --store DIR --layers HEX,HEX…
       gantry-layers sweep|sync|verify|unmount --store DIR
       gantry-layers probe overlay|erofs --dir DIR
       gantry-layers copy --to DIR
       gantry-layers remove DIR…
       gantry-layers usage

apply   verifies and unpacks one layer from standard input, saving its blob; --stored takes the blob
        from the store, --resume-from says how much of it an earlier, cut attempt has saved;
        --instructed fetches it from where lines of JSON on standard input say; --format erofs makes one
        read-only image file of it, by mkfs.erofs
compose makes an image's fixup from its diffIDs, bottom first: {fixup: HEX or null}
mount   mounts those of the layers that are images: {mounted: N}; unmount takes all these mounts away
probe   tells whether containers' roots can be made so in DIR: {possible: true} or {possible: false, reason}
sweep   clears what dead processes left, and the trash
sync    brings new content onto the disk
verify  hashes every blob
copy    copies what the layers show together to DIR/root; standard input holds a JSON array of their
        directories, topmost first: {entries: N, imageBytes: N}
remove  removes whole trees, however deep or oddly named; missing ones are fine
usage   tells the bytes that trees take on disk, in the order of their paths in a JSON array on standard
        input: {bytes: [N, …]}; of a copy only those that came on top of its image
Results are JSON on standard output; refusals JSON on standard error: {code, message, entry}.";

pub struct Apply {
    pub store: PathBuf,
    pub expected: Expected,
    pub stored: bool,
    pub instructed: bool,
    pub resume_from: u64,
    pub policy: Policy,
    /// The layer is to be an EROFS image.
    pub erofs: bool,
}

pub enum Command {
    Apply(Box<Apply>),
    Compose {
        store: PathBuf,
        diff_ids: Vec<String>,
    },
    Mount {
        store: PathBuf,
        diff_ids: Vec<String>,
    },
    Unmount {
        store: PathBuf,
    },
    Probe {
        ability: Ability,
        dir: PathBuf,
    },
    Sweep {
        store: PathBuf,
    },
    Sync {
        store: PathBuf,
    },
    Verify {
        store: PathBuf,
    },
    Copy {
        to: PathBuf,
    },
    Remove {
        dirs: Vec<PathBuf>,
    },
    Usage,
    Help,
}

fn usage(message: impl std::fmt::Display) -> Refusal {
    Refusal::new(Code::Usage, format!("{message}; see gantry-layers --help"))
}

const OPTIONS: [&str; 12] = [
    "--store",
    "--digest",
    "--size",
    "--diff-id",
    "--resume-from",
    "--max-bytes",
    "--max-entries",
    "--setuid",
    "--layers",
    "--to",
    "--format",
    "--dir",
];

struct Options(HashMap<String, String>);

impl Options {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn required(&mut self, name: &str) -> Result<String> {
        self.take(name)
            .ok_or_else(|| usage(format!("{name} is missing")))
    }

    fn number(&mut self, name: &str) -> Result<Option<u64>> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let parsed = value
            .parse()
            .map_err(|_| usage(format!("{name} {value} is no number")))?;
        Ok(Some(parsed))
    }

    fn digest(&mut self, name: &str) -> Result<Sha256Sum> {
        let value = self.required(name)?;
        parse_digest(&value).ok_or_else(|| usage(format!("{name} {value} is no sha256 digest")))
    }
}

pub fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Command> {
    let mut words = Vec::new();
    for word in arguments {
        let text = word.into_string();
        words.push(text.map_err(|word| usage(format!("{} is not UTF-8", word.to_string_lossy())))?);
    }
    let Some((name, rest)) = words.split_first() else {
        return Err(usage("a command is missing"));
    };
    if matches!(name.as_str(), "--help" | "-h" | "help") {
        return Ok(Command::Help);
    }
    if name == "usage" {
        return no_more(rest);
    }
    if name == "remove" {
        return parse_remove(rest);
    }
    let (ability, rest) = match name.as_str() {
        "probe" => parse_ability(rest)?,
        _ => (None, rest),
    };
    let (mut stored, mut instructed) = (false, false);
    let mut options = Options(HashMap::new());
    let mut rest = rest.iter();
    while let Some(option) = rest.next() {
        match option.as_str() {
            "--stored" => {
                stored = true;
                continue;
            }
            "--instructed" => {
                instructed = true;
                continue;
            }
            _ => {}
        }
        if !OPTIONS.contains(&option.as_str()) {
            return Err(usage(format!("unknown option {option}")));
        }
        let value = rest
            .next()
            .ok_or_else(|| usage(format!("{option} needs a value")))?;
        options.0.insert(option.clone(), value.clone());
    }
    if name == "copy" {
        let to = PathBuf::from(options.required("--to")?);
        return Ok(Command::Copy { to });
    }
    if let Some(ability) = ability {
        let dir = PathBuf::from(options.required("--dir")?);
        return Ok(Command::Probe { ability, dir });
    }
    let store = PathBuf::from(options.required("--store")?);
    match name.as_str() {
        "apply" => parse_apply(store, (stored, instructed), options),
        "compose" => {
            let diff_ids = parse_layers(options)?;
            Ok(Command::Compose { store, diff_ids })
        }
        "mount" => {
            let diff_ids = parse_layers(options)?;
            Ok(Command::Mount { store, diff_ids })
        }
        "unmount" => Ok(Command::Unmount { store }),
        "sweep" => Ok(Command::Sweep { store }),
        "sync" => Ok(Command::Sync { store }),
        "verify" => Ok(Command::Verify { store }),
        other => Err(usage(format!("unknown command {other}"))),
    }
}

fn no_more(rest: &[String]) -> Result<Command> {
    match rest.first() {
        Some(option) => Err(usage(format!("unknown option {option}"))),
        None => Ok(Command::Usage),
    }
}

fn parse_ability(rest: &[String]) -> Result<(Option<Ability>, &[String])> {
    match rest.split_first() {
        Some((name, rest)) if name == "overlay" => Ok((Some(Ability::Overlay), rest)),
        Some((name, rest)) if name == "erofs" => Ok((Some(Ability::Erofs), rest)),
        _ => Err(usage("probe wants overlay or erofs")),
    }
}

fn parse_remove(rest: &[String]) -> Result<Command> {
    let dirs: Vec<PathBuf> = rest.iter().map(PathBuf::from).collect();
    // A relative path would depend on where the program was started.
    if dirs.is_empty() || !dirs.iter().all(|dir| dir.is_absolute()) {
        return Err(usage("remove wants absolute paths"));
    }
    Ok(Command::Remove { dirs })
}

fn parse_apply(
    store: PathBuf,
    (stored, instructed): (bool, bool),
    mut options: Options,
) -> Result<Command> {
    let standard = Policy::default();
    let setuid = match options.take("--setuid").as_deref() {
        None | Some("allow") => Setuid::Allow,
        Some("strip") => Setuid::Strip,
        Some("refuse") => Setuid::Refuse,
        Some(other) => {
            return Err(usage(format!(
                "--setuid {other} is not allow, strip or refuse"
            )));
        }
    };
    let erofs = match options.take("--format").as_deref() {
        None | Some("directory") => false,
        Some("erofs") => true,
        Some(other) => return Err(usage(format!("--format {other} is not directory or erofs"))),
    };
    Ok(Command::Apply(Box::new(Apply {
        store,
        erofs,
        stored,
        instructed,
        expected: Expected {
            digest: options.digest("--digest")?,
            diff_id: options.digest("--diff-id")?,
            size: options
                .number("--size")?
                .ok_or_else(|| usage("--size is missing"))?,
        },
        resume_from: options.number("--resume-from")?.unwrap_or(0),
        policy: Policy {
            max_bytes: options.number("--max-bytes")?.unwrap_or(standard.max_bytes),
            max_entries: options
                .number("--max-entries")?
                .unwrap_or(standard.max_entries),
            setuid,
        },
    })))
}

fn parse_layers(mut options: Options) -> Result<Vec<String>> {
    let text = options.required("--layers")?;
    let diff_ids: Vec<String> = text.split(',').map(str::to_owned).collect();
    if diff_ids
        .iter()
        .any(|hex| parse_digest(&format!("sha256:{hex}")).is_none())
    {
        return Err(usage("--layers is no list of diffIDs"));
    }
    Ok(diff_ids)
}

fn parse_digest(text: &str) -> Option<Sha256Sum> {
    let hex = text.strip_prefix("sha256:")?;
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut sum = [0; 32];
    for (byte, pair) in sum.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(sum)
}
