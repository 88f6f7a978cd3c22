//! Foreign seccomp profiles: compiled without a crash to what the kernel would accept, and to the
//! very verdicts that a plain reading of the profile gives.

use super::tests::run;
use super::*;
use crate::seccomp::profile;
use gantry_fuzz::{Fuzz, Random, mutate_document};
use serde_json::{Value, json};

fn seed() -> Value {
    json!({
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            { "names": ["read", "write", "close", "no_such_call"], "action": "SCMP_ACT_ALLOW" },
            { "names": ["clone"], "action": "SCMP_ACT_ALLOW",
              "args": [{ "index": 0, "value": 2114060288, "valueTwo": 0,
                         "op": "SCMP_CMP_MASKED_EQ" }] },
            { "names": ["personality", "socket"], "action": "SCMP_ACT_ALLOW",
              "args": [{ "index": 0, "value": 8, "op": "SCMP_CMP_EQ" },
                       { "index": 1, "value": 1, "op": "SCMP_CMP_GE" }] },
            { "names": ["ptrace"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
              "args": [{ "index": 5, "value": 4294967296u64, "op": "SCMP_CMP_LT" }] },
            { "names": ["mount"], "action": "SCMP_ACT_KILL_PROCESS" },
        ],
    })
}

/// What the kernel's own check of a filter asks for.
fn assert_loadable(program: &[sock_filter]) {
    assert!(!program.is_empty() && program.len() <= INSTRUCTIONS_MAX);
    for (at, instruction) in program.iter().enumerate() {
        let room = program.len() - at - 1;
        let sock_filter { code, jt, jf, k } = *instruction;
        let code = u32::from(code);
        if code == BPF_JMP | BPF_JA {
            assert!((k as usize) < room, "jump out of the filter at {at}");
        } else if code & 7 == BPF_JMP {
            assert!(
                usize::from(jt.max(jf)) < room,
                "branch out of the filter at {at}"
            );
        } else if code == LOAD {
            assert!(k % 4 == 0 && k < 64, "load out of seccomp_data at {at}");
        }
    }
    assert_eq!(u32::from(program.last().unwrap().code), RETURN);
}

fn holds(argument: &profile::Argument, values: [u64; 6]) -> bool {
    let actual = values[argument.index as usize];
    match argument.op.as_str() {
        "SCMP_CMP_EQ" => actual == argument.value,
        "SCMP_CMP_NE" => actual != argument.value,
        "SCMP_CMP_LT" => actual < argument.value,
        "SCMP_CMP_LE" => actual <= argument.value,
        "SCMP_CMP_GE" => actual >= argument.value,
        "SCMP_CMP_GT" => actual > argument.value,
        _ => actual & argument.value == argument.value_two,
    }
}

/// Conditions on different arguments must all hold; several on one argument are alternatives.
fn conditions_hold(arguments: &[profile::Argument], values: [u64; 6]) -> bool {
    let indexes: std::collections::BTreeSet<u32> = arguments.iter().map(|a| a.index).collect();
    if indexes.len() < arguments.len() {
        return arguments.iter().any(|argument| holds(argument, values));
    }
    arguments.iter().all(|argument| holds(argument, values))
}

/// The verdicts that a reader of the profile could expect: those of the rules that hold, else the
/// default.
fn expected(profile: &profile::Profile, name: &str, values: [u64; 6]) -> Vec<u32> {
    let applies = |rule: &&profile::Rule| {
        rule.names.iter().any(|own| own == name) && conditions_hold(&rule.args, values)
    };
    let rules: Vec<u32> = profile
        .syscalls
        .iter()
        .filter(applies)
        .map(|rule| profile::action(&rule.action, rule.errno_ret).unwrap())
        .collect();
    if rules.is_empty() {
        return vec![profile.default_return().unwrap()];
    }
    rules
}

#[test]
fn fuzz_seccomp_profile() {
    let seed = seed();
    let names = [
        "read",
        "clone",
        "personality",
        "socket",
        "ptrace",
        "mount",
        "bpf",
    ];
    let interesting = [
        0,
        1,
        7,
        8,
        9,
        2_114_060_288,
        u64::MAX,
        1 << 32,
        (1 << 32) - 1,
    ];
    let mut compiled = 0;
    let mut random = Random::new(7);
    Fuzz {
        name: "seccomp",
        iterations: 20_000,
    }
    .run(
        |random| mutate_document(random, &seed),
        |input| {
            let Ok(profile) = serde_json::from_slice::<profile::Profile>(input) else {
                return;
            };
            let _ = profile.flags();
            let Ok(program) = compile(&profile) else {
                return;
            };
            assert_loadable(&program);
            compiled += 1;
            for name in names {
                let number = number(name, &NATIVE).unwrap() as u32;
                let values = [0; 6].map(|_: u64| *random.pick(&interesting));
                let verdict = run(&program, NATIVE.audit, number, values);
                let expected = expected(&profile, name, values);
                assert!(
                    expected.contains(&verdict),
                    "{name}{values:?}: {verdict:#x}"
                );
            }
        },
    );
    assert!(
        compiled > 100,
        "only {compiled} profiles compiled: the seed is too poor"
    );
}
