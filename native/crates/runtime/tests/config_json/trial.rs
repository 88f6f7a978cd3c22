//! One row of the table, and the place in which its test runs.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Place, Said, is_ours};

/// What is known of the runtime beside ours.
#[derive(Clone, Copy)]
pub enum Peer {
    /// It passes the same test.
    Same,
    /// It does not, and why.
    Lacks(&'static str),
}

pub struct Row {
    pub property: String,
    pub shows: String,
    pub runc: Peer,
    pub test: Box<dyn Fn(&Trial)>,
}

pub fn row(
    property: impl Into<String>,
    shows: impl Into<String>,
    runc: Peer,
    test: impl Fn(&Trial) + 'static,
) -> Row {
    Row {
        property: property.into(),
        shows: shows.into(),
        runc,
        test: Box::new(test),
    }
}

/// A place with a plain root filesystem, which every runtime understands.
pub struct Trial {
    pub place: Place,
}

impl Trial {
    pub fn new() -> Self {
        Self {
            place: Place::new(),
        }
    }

    fn plain(&self, config: &mut Value) {
        config["annotations"] = json!({});
        config["root"] = json!({ "path": self.place.dir.join("lower") });
        config["linux"].as_object_mut().unwrap().remove("seccomp");
    }

    /// Runs deeds, which `then` separates, to their end.
    pub fn run(&self, deeds: &str, change: impl FnOnce(&mut Value)) -> Said {
        let words: Vec<&str> = deeds.split(' ').collect();
        self.place.run("row", &words, |config| {
            self.plain(config);
            change(config);
        })
    }

    /// Asserts what each deed says.
    #[track_caller]
    pub fn tells(&self, deeds: &str, expected: &[&str], change: impl FnOnce(&mut Value)) {
        let said = self.run(deeds, change);
        assert_eq!(said.lines(), expected, "{}", said.err);
    }

    /// Asserts a refusal; ours must name the property.
    #[track_caller]
    pub fn refuses(&self, words: &str, change: impl FnOnce(&mut Value)) {
        let said = self.run("cwd", change);
        said.assert_fails(if is_ours() { words } else { "" });
        if is_ours() {
            self.place.assert_gone("row");
        }
    }

    /// Starts a container that stays, for a look from outside.
    #[track_caller]
    pub fn start(&self, id: &str, change: impl FnOnce(&mut Value)) -> i64 {
        self.place.start(id, &["sleep", "60"], |config| {
            self.plain(config);
            change(config);
        });
        self.place.pid(id)
    }

    /// Asserts the value of a control file of a container with these resources.
    #[track_caller]
    pub fn limits(&self, files: (&str, &str), expected: &str, resources: Value) {
        self.start("limited", |config| config["linux"]["resources"] = resources);
        let file = if is_v2() { files.1 } else { files.0 };
        assert_eq!(self.control("limited", file), expected, "{file}");
    }

    pub fn control(&self, id: &str, file: &str) -> String {
        let path = self.place.cgroup_file(id, file);
        fs::read_to_string(path).unwrap().trim().to_owned()
    }
}

pub fn is_v2() -> bool {
    std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// Adds to a list of the configuration.
pub fn push(config: &mut Value, list: &str, item: Value) {
    let place = config.pointer_mut(list).unwrap();
    if place.is_null() {
        *place = json!([]);
    }
    place.as_array_mut().unwrap().push(item);
}

/// Gives the container a user namespace, and its root filesystem to that namespace's root.
pub fn map_users(trial: &Trial, config: &mut Value) {
    let mapping = json!([{ "containerID": 0, "hostID": 100_000, "size": 65_536 }]);
    config["linux"]["uidMappings"] = mapping.clone();
    config["linux"]["gidMappings"] = mapping;
    push(config, "/linux/namespaces", json!({ "type": "user" }));
    let mut chown = std::process::Command::new("chown");
    chown
        .args(["-R", "100000:100000"])
        .arg(trial.place.dir.join("lower"));
    assert!(chown.status().unwrap().success());
}
