//! From a profile to classic BPF.

use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JMP, BPF_K, BPF_LD, BPF_RET,
    BPF_W, sock_filter,
};

use super::profile::{Argument, Profile, action};
use super::table::TABLE;
use crate::error::Result;
use crate::fail;

/// The kernel's bound on one filter.
const INSTRUCTIONS_MAX: usize = 4096;
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCHITECTURE: u32 = 4;
const OFFSET_ARGUMENTS: u32 = 16;
const X32_BIT: u32 = 0x4000_0000;
const LOAD: u32 = BPF_LD | BPF_W | BPF_ABS;
const RETURN: u32 = BPF_RET | BPF_K;
const JUMP_EQUAL: u32 = BPF_JMP | BPF_JEQ | BPF_K;
const JUMP_GREATER: u32 = BPF_JMP | BPF_JGT | BPF_K;
const JUMP_NOT_LESS: u32 = BPF_JMP | BPF_JGE | BPF_K;

/// An architecture: its AUDIT_ARCH number and its column of the table.
struct Architecture {
    audit: u32,
    number: fn(&(&str, i16, i16, i16)) -> i16,
    has_x32: bool,
}

#[cfg(target_arch = "x86_64")]
const NATIVE: Architecture = Architecture {
    audit: 0xc000_003e,
    number: |row| row.1,
    has_x32: true,
};
const X86: Architecture = Architecture {
    audit: 0x4000_0003,
    number: |row| row.2,
    has_x32: false,
};
#[cfg(target_arch = "aarch64")]
const NATIVE: Architecture = Architecture {
    audit: 0xc000_00b7,
    number: |row| row.3,
    has_x32: false,
};

/// What happens for one system call: conditional answers in order, then the last one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Verdict {
    conditional: Vec<(Vec<Condition>, u32)>,
    last: u32,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Condition {
    index: u32,
    operator: Operator,
    value: u64,
    datum: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    NotGreater,
    Greater,
    NotLess,
    MaskedEqual,
}

/// Consecutive numbers with one verdict, from `first` on.
struct Range {
    first: u32,
    verdict: Verdict,
}

pub fn compile(profile: &Profile) -> Result<Vec<sock_filter>> {
    let mut program = vec![statement(LOAD, OFFSET_ARCHITECTURE)];
    for architecture in architectures(profile)? {
        let section = section(profile, &architecture)?;
        program.push(jump(JUMP_EQUAL, architecture.audit, 1, 0));
        program.push(statement(BPF_JMP | BPF_JA, section.len() as u32));
        program.extend(section);
    }
    // Numbers mean other calls on an architecture that the profile did not think of.
    program.push(statement(RETURN, libc::SECCOMP_RET_KILL_PROCESS));
    if program.len() > INSTRUCTIONS_MAX {
        fail!(
            "the filter has {} instructions, the kernel takes {INSTRUCTIONS_MAX}",
            program.len()
        );
    }
    Ok(program)
}

/// Whether the specification knows this name.
fn is_architecture(name: &str) -> bool {
    const NAMES: [&str; 23] = [
        "X86",
        "X86_64",
        "X32",
        "ARM",
        "AARCH64",
        "LOONGARCH64",
        "M68K",
        "MIPS",
        "MIPS64",
        "MIPS64N32",
        "MIPSEL",
        "MIPSEL64",
        "MIPSEL64N32",
        "PARISC",
        "PARISC64",
        "PPC",
        "PPC64",
        "PPC64LE",
        "RISCV64",
        "S390",
        "S390X",
        "SH",
        "SHEB",
    ];
    name.strip_prefix("SCMP_ARCH_")
        .is_some_and(|bare| NAMES.contains(&bare))
}

fn architectures(profile: &Profile) -> Result<Vec<Architecture>> {
    let mut list = vec![NATIVE];
    for name in &profile.architectures {
        match name.as_str() {
            "SCMP_ARCH_X86" if cfg!(target_arch = "x86_64") => {}
            // Foreign to this machine: none of its programs run here.
            name if is_architecture(name) => continue,
            other => fail!("architectures: {other:?} is unknown"),
        }
        if list.iter().all(|known| known.audit != X86.audit) {
            list.push(X86);
        }
    }
    Ok(list)
}

fn section(profile: &Profile, architecture: &Architecture) -> Result<Vec<sock_filter>> {
    let mut section = vec![statement(LOAD, OFFSET_NUMBER)];
    if architecture.has_x32 {
        // The x32 calls are a second way to everything that was denied by number.
        section.push(jump(JUMP_NOT_LESS, X32_BIT, 0, 1));
        section.push(statement(
            RETURN,
            libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ));
    }
    section.extend(search(&ranges(profile, architecture)?));
    Ok(section)
}

/// Verdicts over all numbers: gaps get the default, and what is newer than our table ENOSYS, so
/// that programs fall back to what they used before.
fn ranges(profile: &Profile, architecture: &Architecture) -> Result<Vec<Range>> {
    let default = profile.default_return()?;
    let highest = TABLE.iter().map(architecture.number).max().unwrap_or(0);
    let mut verdicts = vec![
        Verdict {
            conditional: Vec::new(),
            last: default
        };
        highest as usize + 1
    ];
    let mut settled = vec![false; verdicts.len()];
    for rule in &profile.syscalls {
        let answer = action(&rule.action, rule.errno_ret)?;
        let alternatives = alternatives(&rule.args)?;
        for name in &rule.names {
            let Some(number) = number(name, architecture) else {
                continue;
            };
            if settled[number] || (answer == default && alternatives.is_empty()) {
                continue;
            }
            let verdict = &mut verdicts[number];
            if alternatives.is_empty() {
                verdict.last = answer;
                settled[number] = true;
            } else {
                let more = alternatives
                    .iter()
                    .map(|conditions| (conditions.clone(), answer));
                verdict.conditional.extend(more);
            }
        }
    }
    let mut ranges: Vec<Range> = Vec::new();
    for (number, verdict) in verdicts.into_iter().enumerate() {
        if ranges.last().is_none_or(|last| last.verdict != verdict) {
            ranges.push(Range {
                first: number as u32,
                verdict,
            });
        }
    }
    let is_errno = default & libc::SECCOMP_RET_ACTION_FULL == libc::SECCOMP_RET_ERRNO;
    let unknown = if is_errno {
        libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32
    } else {
        default
    };
    let verdict = Verdict {
        conditional: Vec::new(),
        last: unknown,
    };
    ranges.push(Range {
        first: highest as u32 + 1,
        verdict,
    });
    Ok(ranges)
}

fn number(name: &str, architecture: &Architecture) -> Option<usize> {
    let index = TABLE.binary_search_by(|row| row.0.cmp(name)).ok()?;
    usize::try_from((architecture.number)(&TABLE[index])).ok()
}

/// Conditions on different arguments must all hold; several on one argument are alternatives, as
/// libseccomp's callers have it.
fn alternatives(arguments: &[Argument]) -> Result<Vec<Vec<Condition>>> {
    let conditions: Vec<Condition> = arguments.iter().map(condition).collect::<Result<_>>()?;
    let repeated = conditions.iter().enumerate().any(|(at, one)| {
        conditions[..at]
            .iter()
            .any(|other| other.index == one.index)
    });
    Ok(match (conditions.is_empty(), repeated) {
        (true, _) => Vec::new(),
        (false, true) => conditions
            .into_iter()
            .map(|condition| vec![condition])
            .collect(),
        (false, false) => vec![conditions],
    })
}

fn condition(argument: &Argument) -> Result<Condition> {
    if argument.index > 5 {
        fail!("args[].index {} is above 5", argument.index);
    }
    let operator = match argument.op.as_str() {
        "SCMP_CMP_EQ" => Operator::Equal,
        "SCMP_CMP_NE" => Operator::NotEqual,
        "SCMP_CMP_LT" => Operator::Less,
        "SCMP_CMP_LE" => Operator::NotGreater,
        "SCMP_CMP_GT" => Operator::Greater,
        "SCMP_CMP_GE" => Operator::NotLess,
        "SCMP_CMP_MASKED_EQ" => Operator::MaskedEqual,
        other => fail!("args[].op {other:?} is unknown"),
    };
    Ok(Condition {
        index: argument.index,
        operator,
        value: argument.value,
        datum: argument.value_two,
    })
}

/// A balanced tree of comparisons over the ranges.
fn search(ranges: &[Range]) -> Vec<sock_filter> {
    if let [only] = ranges {
        return answer(&only.verdict);
    }
    let (left, right) = ranges.split_at(ranges.len() / 2);
    let below = search(left);
    let mut code = Vec::new();
    match u8::try_from(below.len()) {
        Ok(length) => code.push(jump(JUMP_NOT_LESS, right[0].first, length, 0)),
        // Conditional jumps reach 255 instructions, an unconditional one any distance.
        Err(_) => {
            code.push(jump(JUMP_NOT_LESS, right[0].first, 0, 1));
            code.push(statement(BPF_JMP | BPF_JA, below.len() as u32));
        }
    }
    code.extend(below);
    code.extend(search(right));
    code
}

fn answer(verdict: &Verdict) -> Vec<sock_filter> {
    let mut code = Vec::new();
    for (conditions, answer) in &verdict.conditional {
        code.extend(guarded(conditions, *answer));
    }
    code.push(statement(RETURN, verdict.last));
    code
}

/// `if all conditions { return answer }`: every test that fails jumps past the return.
fn guarded(conditions: &[Condition], answer: u32) -> Vec<sock_filter> {
    let mut code: Vec<sock_filter> = Vec::new();
    for condition in conditions.iter().rev() {
        // Behind the code of this condition lie those already emitted and one return.
        let to_fail = code.len() + 1;
        let mut test = test(condition, to_fail as u8);
        test.extend(code);
        code = test;
    }
    code.push(statement(RETURN, answer));
    code
}

/// Falls through when the condition holds, else jumps over `beyond` instructions behind its end.
/// Registers have 32 bits: the high half is compared first, then the low one.
fn test(condition: &Condition, beyond: u8) -> Vec<sock_filter> {
    let offset = OFFSET_ARGUMENTS + 8 * condition.index;
    let (load_high, load_low) = (statement(LOAD, offset + 4), statement(LOAD, offset));
    let (high, low) = ((condition.value >> 32) as u32, condition.value as u32);
    let and = |mask| statement(BPF_ALU | BPF_AND | BPF_K, mask);
    match condition.operator {
        Operator::Equal => vec![
            load_high,
            jump(JUMP_EQUAL, high, 0, beyond + 2),
            load_low,
            jump(JUMP_EQUAL, low, 0, beyond),
        ],
        Operator::NotEqual => vec![
            load_high,
            jump(JUMP_EQUAL, high, 0, 2),
            load_low,
            jump(JUMP_EQUAL, low, beyond, 0),
        ],
        Operator::MaskedEqual => vec![
            load_high,
            and(high),
            jump(JUMP_EQUAL, (condition.datum >> 32) as u32, 0, beyond + 3),
            load_low,
            and(low),
            jump(JUMP_EQUAL, condition.datum as u32, 0, beyond),
        ],
        Operator::Greater | Operator::NotLess => {
            let code = if condition.operator == Operator::Greater {
                JUMP_GREATER
            } else {
                JUMP_NOT_LESS
            };
            vec![
                load_high,
                jump(JUMP_GREATER, high, 3, 0),
                jump(JUMP_EQUAL, high, 0, beyond + 2),
                load_low,
                jump(code, low, 0, beyond),
            ]
        }
        Operator::Less | Operator::NotGreater => {
            let code = if condition.operator == Operator::Less {
                JUMP_NOT_LESS
            } else {
                JUMP_GREATER
            };
            vec![
                load_high,
                jump(JUMP_GREATER, high, beyond + 3, 0),
                jump(JUMP_EQUAL, high, 0, 2),
                load_low,
                jump(code, low, beyond, 0),
            ]
        }
    }
}

fn statement(code: u32, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "fuzz_tests.rs"]
mod fuzz_tests;
