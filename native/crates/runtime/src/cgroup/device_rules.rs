//! Which devices the container may use: everything is denied first, then rules apply in order.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::device_program;
use crate::error::{Result, Step};
use crate::fail;
use crate::spec::{Device, DeviceRule};

/// Type, major and minor of what every container may read, write and make: null, zero, full,
/// random, urandom, tty, console, ptmx and the pseudo-terminals.
const DEFAULT_DEVICES: [(i64, Option<i64>); 9] = [
    (1, Some(3)),
    (1, Some(5)),
    (1, Some(7)),
    (1, Some(8)),
    (1, Some(9)),
    (5, Some(0)),
    (5, Some(1)),
    (5, Some(2)),
    (136, None),
];

/// The rules that are added to those of config.json: the default devices, and making (not using)
/// the nodes in `linux.devices`, without which a v2 group would refuse their mknod.
pub fn default_rules(devices: &[Device]) -> Vec<DeviceRule> {
    let defaults = DEFAULT_DEVICES.iter().map(|&(major, minor)| DeviceRule {
        allow: true,
        kind: Some("c".to_owned()),
        major: Some(major),
        minor,
        access: Some("rwm".to_owned()),
    });
    let nodes = devices
        .iter()
        .filter(|device| device.kind != "p")
        .map(|device| DeviceRule {
            allow: true,
            kind: Some(if device.kind == "b" { "b" } else { "c" }.to_owned()),
            major: Some(device.major),
            minor: Some(device.minor),
            access: Some("m".to_owned()),
        });
    defaults.chain(nodes).collect()
}

pub fn apply_v1(dir: &Path, rules: &[DeviceRule]) -> Result<()> {
    // Ten and more rules go to two files: each is opened once, each write is one rule.
    let open = |name: &str| {
        let path = dir.join(name);
        let file = fs::OpenOptions::new().write(true).open(&path);
        file.step_with(|| format!("open {}", path.display()))
    };
    let (mut allow, mut deny) = (open("devices.allow")?, open("devices.deny")?);
    let mut last = String::new();
    for rule in rules {
        let rule = ParsedRule::parse(rule)?;
        let line = rule.v1_line();
        // Callers begin with the same denial of everything as we do.
        if !rule.allow && line == last {
            continue;
        }
        let file = if rule.allow { &mut allow } else { &mut deny };
        file.write_all(line.as_bytes())
            .step_with(|| format!("write device rule {line:?} to {}", dir.display()))?;
        last = line;
    }
    Ok(())
}

pub fn apply_v2(dir: &Path, rules: &[DeviceRule]) -> Result<()> {
    let rules: Vec<ParsedRule> = rules.iter().map(ParsedRule::parse).collect::<Result<_>>()?;
    device_program::attach(dir, &device_program::assemble(&rules))
}

/// A rule with its defaults filled in.
#[derive(Clone, Debug)]
pub struct ParsedRule {
    pub allow: bool,
    /// None for both types.
    pub kind: Option<char>,
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub read: bool,
    pub write: bool,
    pub make: bool,
}

impl ParsedRule {
    pub fn parse(rule: &DeviceRule) -> Result<Self> {
        let kind = match rule.kind.as_deref() {
            None | Some("" | "a") => None,
            Some("c" | "u") => Some('c'),
            Some("b") => Some('b'),
            Some(other) => fail!("linux.resources.devices: type {other:?} is none of a, b, c"),
        };
        let access = match rule.access.as_deref() {
            None | Some("") => "rwm",
            Some(access) => access,
        };
        if let Some(letter) = access.chars().find(|letter| !"rwm".contains(*letter)) {
            fail!("linux.resources.devices: access {letter:?} is none of r, w, m");
        }
        let number = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Self {
            allow: rule.allow,
            kind,
            major: number(rule.major),
            minor: number(rule.minor),
            read: access.contains('r'),
            write: access.contains('w'),
            make: access.contains('m'),
        })
    }

    fn is_everything(&self) -> bool {
        self.kind.is_none()
            && self.major.is_none()
            && self.minor.is_none()
            && self.read
            && self.write
            && self.make
    }

    /// The kernel reads a bare `a` as "reset to all", and `a` with more as nothing else.
    fn v1_line(&self) -> String {
        if self.is_everything() {
            return "a".to_owned();
        }
        let number = |value: Option<u32>| value.map_or("*".to_owned(), |value| value.to_string());
        let mut line = format!(
            "{} {}:{} ",
            self.kind.unwrap_or('a'),
            number(self.major),
            number(self.minor)
        );
        let letters = [(self.read, 'r'), (self.write, 'w'), (self.make, 'm')];
        line.extend(
            letters
                .iter()
                .filter(|(set, _)| *set)
                .map(|(_, letter)| letter),
        );
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_lines_of_v1() {
        let line = |json: &str| {
            ParsedRule::parse(&serde_json::from_str(json).unwrap())
                .unwrap()
                .v1_line()
        };
        assert_eq!(line(r#"{"allow":false}"#), "a");
        assert_eq!(line(r#"{"allow":false,"access":"rwm","type":"a"}"#), "a");
        assert_eq!(
            line(r#"{"allow":true,"type":"c","major":1,"access":"rw"}"#),
            "c 1:* rw"
        );
        assert_eq!(
            line(r#"{"allow":true,"type":"b","major":-1,"minor":3}"#),
            "b *:3 rwm"
        );
    }

    #[test]
    fn refuses_letters_and_types_that_do_not_exist() {
        for json in [r#"{"type":"x"}"#, r#"{"access":"rx"}"#] {
            assert!(
                ParsedRule::parse(&serde_json::from_str(json).unwrap()).is_err(),
                "{json}"
            );
        }
    }
}
