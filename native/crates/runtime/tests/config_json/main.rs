//! Every property of config.json (OCI runtime specification 1.2, Linux), each with a test that
//! proves it on the runtime at hand: ours, or the one that GANTRY_RUNTIME_UNDER_TEST names, of which
//! rows that it is known to lack are left out. docs/config-json.md is this table, printed.

#[path = "../harness/mod.rs"]
mod harness;

mod hooks;
mod linux;
mod mounts;
mod namespaces;
mod process;
mod resources;
mod seccomp;
mod trial;

use std::fmt::Write;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use trial::{Peer, Row, Trial};

fn rows() -> Vec<Row> {
    [
        process::rows(),
        mounts::rows(),
        hooks::rows(),
        namespaces::rows(),
        linux::rows(),
        resources::rows(),
        seccomp::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_property_is_kept_or_refused_by_name() {
    let ours = harness::is_ours();
    let mut failed = Vec::new();
    for row in rows() {
        if ours || matches!(row.runc, Peer::Same) {
            let outcome = catch_unwind(AssertUnwindSafe(|| (row.test)(&Trial::new())));
            if outcome.is_err() {
                failed.push(format!("{}: {}", row.property, row.shows));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} rows failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn the_document_is_this_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../docs/config-json.md");
    let expected = document();
    if std::env::var_os("GANTRY_WRITE_TABLE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/config-json.md is not the table of these tests; write it anew with \
         GANTRY_WRITE_TABLE=1 cargo test --release --test config_json"
    );
}

const HEAD: &str = "\
# Every property of config.json

The OCI runtime specification 1.2 for Linux, property by property, with what the test of each row shows. The table is printed from the tests
themselves (`native/crates/runtime/tests/config_json/`), which run against `gantry-runtime` and, in `e2e/oci/`, against Debian's runc
1.1.5: a dot means that both pass the same test. What a host or its kernel cannot keep is refused by the property's name, never dropped.

| property | what the test shows | runc 1.1.5 |
| --- | --- | --- |
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for row in rows() {
        let runc = match row.runc {
            Peer::Same => "·",
            Peer::Lacks(reason) => reason,
        };
        writeln!(text, "| `{}` | {} | {runc} |", row.property, row.shows).unwrap();
    }
    text
}
