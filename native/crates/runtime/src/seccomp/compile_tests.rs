use super::*;

/// Runs a filter as the kernel would.
pub(super) fn run(program: &[sock_filter], audit: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let (mut at, mut accumulator) = (0, 0_u32);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let code = u32::from(code);
        let taken = match code {
            LOAD => {
                accumulator = match k {
                    OFFSET_NUMBER => number,
                    OFFSET_ARCHITECTURE => audit,
                    offset => {
                        let index = ((offset - OFFSET_ARGUMENTS) / 8) as usize;
                        (arguments[index] >> (8 * (offset % 8))) as u32
                    }
                };
                continue;
            }
            RETURN => return k,
            JUMP_EQUAL => accumulator == k,
            JUMP_GREATER => accumulator > k,
            JUMP_NOT_LESS => accumulator >= k,
            code if code == BPF_JMP | BPF_JA => {
                at += k as usize;
                continue;
            }
            code if code == BPF_ALU | BPF_AND | BPF_K => {
                accumulator &= k;
                continue;
            }
            other => panic!("unknown instruction {other:#x}"),
        };
        at += usize::from(if taken { jt } else { jf });
    }
}

fn compiled(json: &str) -> Vec<sock_filter> {
    compile(&serde_json::from_str(json).unwrap()).unwrap()
}

fn native(name: &str) -> u32 {
    number(name, &NATIVE).unwrap() as u32
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

#[test]
fn the_table_is_sorted() {
    assert!(TABLE.is_sorted_by(|one, next| one.0 < next.0));
}

#[test]
fn every_call_gets_its_answer() {
    let allowed = ["read", "write", "openat", "clone3", "mseal"];
    let program = compiled(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["read","write","openat","clone3","mseal","no_such_call"],"action":"SCMP_ACT_ALLOW"},
            {"names":["ptrace"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
            {"names":["read"],"action":"SCMP_ACT_KILL"}]}"#,
    );
    for row in TABLE {
        let Ok(number) = u32::try_from((NATIVE.number)(&row)) else {
            continue;
        };
        let expected = match row.0 {
            "ptrace" => ENOSYS,
            name if allowed.contains(&name) => ALLOW,
            _ => EPERM,
        };
        assert_eq!(
            run(&program, NATIVE.audit, number, [0; 6]),
            expected,
            "{}",
            row.0
        );
    }
    assert_eq!(run(&program, NATIVE.audit, 5000, [0; 6]), ENOSYS);
    assert_eq!(
        run(&program, 0x1234, native("read"), [0; 6]),
        libc::SECCOMP_RET_KILL_PROCESS
    );
}

#[cfg(target_arch = "x86_64")]
#[test]
fn foreign_calls_of_the_machine_are_no_way_around() {
    let text = |architectures: &str| {
        format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","architectures":[{architectures}],
                "syscalls":[{{"names":["mount"],"action":"SCMP_ACT_ERRNO"}}]}}"#
        )
    };
    let program = compiled(&text(r#""SCMP_ARCH_X86""#));
    let mount32 = number("mount", &X86).unwrap() as u32;
    assert_eq!(run(&program, X86.audit, mount32, [0; 6]), EPERM);
    assert_eq!(
        run(&program, NATIVE.audit, native("mount") | X32_BIT, [0; 6]),
        ENOSYS
    );
    let alone = compiled(&text(""));
    assert_eq!(
        run(&alone, X86.audit, mount32, [0; 6]),
        libc::SECCOMP_RET_KILL_PROCESS
    );
}

#[test]
fn operators_compare_all_64_bits() {
    let big = 0x1_0000_0005_u64;
    let around = [
        0,
        4,
        5,
        6,
        u64::from(u32::MAX),
        big - 1,
        big,
        big + 1,
        0x2_0000_0000,
        u64::MAX,
    ];
    type Expected = fn(u64, u64) -> bool;
    let operators: [(&str, Expected); 6] = [
        ("EQ", |a, b| a == b),
        ("NE", |a, b| a != b),
        ("LT", |a, b| a < b),
        ("LE", |a, b| a <= b),
        ("GT", |a, b| a > b),
        ("GE", |a, b| a >= b),
    ];
    for (operator, expected) in operators {
        for value in [5, big] {
            let program = compiled(&format!(
                r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{{"names":["read"],
                    "action":"SCMP_ACT_ALLOW","args":[
                    {{"index":0,"value":7,"op":"SCMP_CMP_EQ"}},
                    {{"index":2,"value":{value},"op":"SCMP_CMP_{operator}"}}]}}]}}"#
            ));
            for argument in around {
                let answer = run(
                    &program,
                    NATIVE.audit,
                    native("read"),
                    [7, 0, argument, 0, 0, 0],
                );
                let allowed = expected(argument, value);
                assert_eq!(
                    answer == ALLOW,
                    allowed,
                    "{argument:#x} {operator} {value:#x}"
                );
            }
            assert_eq!(
                run(
                    &program,
                    NATIVE.audit,
                    native("read"),
                    [8, 0, value, 0, 0, 0]
                ),
                EPERM
            );
        }
    }
}

#[test]
fn masked_equality_and_alternatives() {
    let program = compiled(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
            {"names":["clone"],"action":"SCMP_ACT_ALLOW","args":[
                {"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"}]},
            {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[
                {"index":0,"value":0,"op":"SCMP_CMP_EQ"},{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]}]}"#,
    );
    for (name, argument, expected) in [
        ("clone", 0x11, ALLOW),
        ("clone", libc::CLONE_NEWUSER as u64, EPERM),
        ("clone", libc::CLONE_NEWUSER as u64 | 1 << 40, EPERM),
        ("personality", 0, ALLOW),
        ("personality", 8, ALLOW),
        ("personality", 4, EPERM),
    ] {
        let answer = run(
            &program,
            NATIVE.audit,
            native(name),
            [argument, 0, 0, 0, 0, 0],
        );
        assert_eq!(answer, expected, "{name} {argument:#x}");
    }
}

#[test]
fn refuses_what_it_does_not_know() {
    for json in [
        r#"{"defaultAction":"SCMP_ACT_MAYBE"}"#,
        r#"{"defaultAction":"SCMP_ACT_NOTIFY"}"#,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["X"]}"#,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL",
            "args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]}"#,
    ] {
        assert!(
            compile(&serde_json::from_str(json).unwrap()).is_err(),
            "{json}"
        );
    }
}
