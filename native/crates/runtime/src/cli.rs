//! Command lines as runc has them: `--flag value`, `--flag=value`, `-f value`; the first word that
//! is no flag ends the flags.

use std::path::PathBuf;

use crate::container::rootless;
use crate::error::Result;
use crate::fail;

/// One flag: its long name, its short one, and whether a value follows.
pub type Flag = (&'static str, Option<char>, bool);

/// Parsed flags and the words after them.
#[derive(Debug, Default)]
pub struct Arguments {
    flags: Vec<(&'static str, String)>,
    pub words: Vec<String>,
}

impl Arguments {
    pub fn parse(arguments: &[String], known: &[Flag]) -> Result<Self> {
        let mut parsed = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                break;
            }
            if !argument.starts_with('-') || argument == "-" {
                parsed.words.push(argument.clone());
                break;
            }
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let &(long, _, takes_value) = find(name, known)?;
            let value = match (takes_value, inline) {
                (true, Some(value)) => value,
                (true, None) => match rest.next() {
                    Some(value) => value.clone(),
                    None => fail!("flag {name} needs a value"),
                },
                (false, inline) => inline.unwrap_or_else(|| "true".to_owned()),
            };
            parsed.flags.push((long, value));
        }
        parsed.words.extend(rest.cloned());
        Ok(parsed)
    }

    /// The last value given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.flags
            .iter()
            .rev()
            .find(|(long, _)| *long == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.flags
            .iter()
            .filter(move |(long, _)| *long == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value != "false")
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    }

    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        match self.value(name).map(str::parse) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => fail!("flag --{name}: {:?} is no number", self.value(name)),
        }
    }

    /// The container id, which most commands need first.
    pub fn id(&self) -> Result<&str> {
        match self.words.first() {
            Some(id) => Ok(id),
            None => fail!("give a container id"),
        }
    }
}

/// Flags may be written with one dash or two, as Go programs allow.
fn find<'a>(name: &str, known: &'a [Flag]) -> Result<&'a Flag> {
    let bare = name.trim_start_matches('-');
    let mut letters = bare.chars();
    let single = letters.next().filter(|_| letters.next().is_none());
    let matches = |flag: &&Flag| flag.0 == bare || (single.is_some() && flag.1 == single);
    match known.iter().find(matches) {
        Some(flag) => Ok(flag),
        None => fail!("flag {name} is unknown here"),
    }
}

/// What applies to every command.
#[derive(Debug)]
pub struct Global {
    pub root: PathBuf,
    pub log: Option<PathBuf>,
    pub log_json: bool,
    /// Goes on without cgroups that the caller may not make.
    pub rootless: bool,
}

pub const DEFAULT_ROOT: &str = "/run/gantry/runtime";

pub const GLOBAL_FLAGS: &[Flag] = &[
    ("root", None, true),
    ("log", None, true),
    ("log-format", None, true),
    ("log-level", None, true),
    ("cgroup-manager", None, true),
    ("rootless", None, true),
    ("criu", None, true),
    ("debug", None, false),
    ("systemd-cgroup", None, false),
    ("help", Some('h'), false),
    ("version", Some('v'), false),
];

/// An ordinary user has a directory of its own for what lasts as long as its session.
fn default_root() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !rootless::is_root());
    own.map_or(DEFAULT_ROOT.into(), |dir| {
        PathBuf::from(dir).join("gantry/runtime")
    })
}

impl Global {
    pub fn of(arguments: &Arguments) -> Self {
        Self {
            root: arguments.path("root").unwrap_or_else(default_root),
            log: arguments.path("log"),
            log_json: arguments.value("log-format") == Some("json"),
            rootless: match arguments.value("rootless") {
                None | Some("auto") => !rootless::is_root(),
                value => value == Some("true"),
            },
        }
    }

    /// Refuses what was asked of the whole runtime but cannot be given.
    pub fn check(arguments: &Arguments) -> Result<()> {
        let systemd = arguments.is_set("systemd-cgroup")
            || arguments.value("cgroup-manager") == Some("systemd");
        if systemd {
            fail!(
                "--systemd-cgroup: this runtime makes its cgroups itself; use the cgroupfs driver \
                 and, below systemd, a unit with Delegate=yes"
            );
        }
        if let Some(other) = arguments.value("rootless")
            && !matches!(other, "true" | "false" | "auto")
        {
            fail!("--rootless {other:?} is none of true, false, auto");
        }
        match arguments.value("log-format") {
            None | Some("json" | "text") => Ok(()),
            Some(other) => fail!("--log-format {other:?} is none of text, json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[("bundle", Some('b'), true), ("force", Some('f'), false)];

    fn parse(line: &str) -> Result<Arguments> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Arguments::parse(&words, FLAGS)
    }

    #[test]
    fn flags_in_every_spelling() {
        for line in [
            "--bundle /b -f id",
            "-b /b --force id",
            "--bundle=/b -force=true id",
        ] {
            let parsed = parse(line).unwrap();
            assert_eq!(parsed.value("bundle"), Some("/b"), "{line}");
            assert!(parsed.is_set("force"), "{line}");
            assert_eq!(parsed.id().unwrap(), "id");
        }
    }

    #[test]
    fn words_end_the_flags() {
        assert_eq!(
            parse("id ls -l --force").unwrap().words,
            ["id", "ls", "-l", "--force"]
        );
        assert_eq!(parse("-- -f").unwrap().words, ["-f"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, word) in [("--nothing id", "--nothing"), ("--bundle", "--bundle")] {
            assert!(
                parse(line).unwrap_err().to_string().contains(word),
                "{line}"
            );
        }
    }
}
