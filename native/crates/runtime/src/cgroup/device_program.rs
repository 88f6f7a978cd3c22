//! cgroup v2 has no devices controller: an eBPF program attached to the group decides instead.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::device_rules::ParsedRule;
use crate::error::{Result, Step};

/// One eBPF instruction as the kernel reads it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Instruction {
    code: u8,
    /// Source register in the high half, destination in the low one.
    registers: u8,
    offset: i16,
    immediate: i32,
}

const LOAD_WORD: u8 = 0x61;
const AND_IMMEDIATE: u8 = 0x54;
const SHIFT_RIGHT_IMMEDIATE: u8 = 0x74;
const MOVE_IMMEDIATE: u8 = 0xb7;
const MOVE_REGISTER: u8 = 0xbf;
const JUMP_IF_EQUAL: u8 = 0x15;
const JUMP_IF_NOT_EQUAL: u8 = 0x55;
const JUMP_IF_NOT_EQUAL_REGISTER: u8 = 0x5d;
const EXIT: u8 = 0x95;

const ACCESS_MAKE: i32 = 1;
const ACCESS_READ: i32 = 2;
const ACCESS_WRITE: i32 = 4;
const ACCESS_ALL: i32 = 7;

/// Registers after the prologue: 2 type, 3 requested access, 4 major, 5 minor; 1 is scratch.
fn instruction(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction {
        code,
        registers: source << 4 | destination,
        offset,
        immediate,
    }
}

/// The program for these rules: the last rule that matches decides, none means denied.
pub fn assemble(rules: &[ParsedRule]) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD_WORD, 2, 1, 0, 0),
        instruction(AND_IMMEDIATE, 2, 0, 0, 0xffff),
        instruction(LOAD_WORD, 3, 1, 0, 0),
        instruction(SHIFT_RIGHT_IMMEDIATE, 3, 0, 0, 16),
        instruction(LOAD_WORD, 4, 1, 4, 0),
        instruction(LOAD_WORD, 5, 1, 8, 0),
    ];
    for rule in rules.iter().rev() {
        program.extend(block(rule));
        if decides_everything(rule) {
            // The kernel refuses programs with instructions that nothing reaches.
            return program;
        }
    }
    program.push(instruction(MOVE_IMMEDIATE, 0, 0, 0, 0));
    program.push(instruction(EXIT, 0, 0, 0, 0));
    program
}

/// The rule has no condition, so that earlier ones never matter.
fn decides_everything(rule: &ParsedRule) -> bool {
    let unconditional = rule.kind.is_none() && rule.major.is_none() && rule.minor.is_none();
    unconditional && rule.make && rule.read && rule.write
}

/// Tests of one rule; each jumps past the block when it does not match.
fn block(rule: &ParsedRule) -> Vec<Instruction> {
    let mut block = Vec::new();
    if let Some(kind) = rule.kind {
        let number = if kind == 'b' { 1 } else { 2 };
        block.push(instruction(JUMP_IF_NOT_EQUAL, 2, 0, 0, number));
    }
    let access = i32::from(rule.make) * ACCESS_MAKE
        + i32::from(rule.read) * ACCESS_READ
        + i32::from(rule.write) * ACCESS_WRITE;
    if access != ACCESS_ALL {
        block.push(instruction(MOVE_REGISTER, 1, 3, 0, 0));
        block.push(instruction(AND_IMMEDIATE, 1, 0, 0, access));
        // An allowance must cover all that is asked; a denial need only touch it.
        block.push(if rule.allow {
            instruction(JUMP_IF_NOT_EQUAL_REGISTER, 1, 3, 0, 0)
        } else {
            instruction(JUMP_IF_EQUAL, 1, 0, 0, 0)
        });
    }
    for (register, number) in [(4, rule.major), (5, rule.minor)] {
        if let Some(number) = number {
            block.push(instruction(
                JUMP_IF_NOT_EQUAL,
                register,
                0,
                0,
                number.cast_signed(),
            ));
        }
    }
    block.push(instruction(MOVE_IMMEDIATE, 0, 0, 0, i32::from(rule.allow)));
    block.push(instruction(EXIT, 0, 0, 0, 0));
    let length = block.len();
    for (index, instruction) in block.iter_mut().enumerate() {
        let is_jump = matches!(
            instruction.code,
            JUMP_IF_EQUAL | JUMP_IF_NOT_EQUAL | JUMP_IF_NOT_EQUAL_REGISTER
        );
        if is_jump {
            instruction.offset = (length - index - 1) as i16;
        }
    }
    block
}

#[repr(C)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buffer: u64,
}

#[repr(C)]
struct AttachAttributes {
    target: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
}

#[repr(C)]
struct QueryAttributes {
    target: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    program_ids: u64,
    program_count: u32,
    padding: u32,
}

const PROG_LOAD: u32 = 5;
const PROG_ATTACH: u32 = 8;
const PROG_DETACH: u32 = 9;
const PROG_GET_FD_BY_ID: u32 = 13;
const PROG_QUERY: u32 = 16;
const PROGRAM_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_TYPE_CGROUP_DEVICE: u32 = 6;
const ALLOW_MULTI: u32 = 2;
const PROGRAMS_MAX: usize = 64;

/// Attaches the program and then detaches those attached before, so that no moment is unguarded.
pub fn attach(dir: &Path, program: &[Instruction]) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let group = rustix::fs::open(dir, flags, Mode::empty())
        .step_with(|| format!("open cgroup {}", dir.display()))?;
    let before = attached(&group).unwrap_or_default();
    let loaded = load(program).step("load the device program")?;
    attach_one(PROG_ATTACH, &group, &loaded, ALLOW_MULTI).step("attach the device program")?;
    for id in before {
        let old = program_by_id(id).step("open the former device program")?;
        attach_one(PROG_DETACH, &group, &old, 0).step("detach the former device program")?;
    }
    Ok(())
}

fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    let mut attributes = LoadAttributes {
        program_type: PROGRAM_TYPE_CGROUP_DEVICE,
        instruction_count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buffer: 0,
    };
    let fd = bpf(PROG_LOAD, &mut attributes)?;
    // SAFETY: a successful load returns a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn attach_one(command: u32, group: &OwnedFd, program: &OwnedFd, flags: u32) -> io::Result<()> {
    let mut attributes = AttachAttributes {
        target: group.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        attach_type: ATTACH_TYPE_CGROUP_DEVICE,
        flags,
    };
    bpf(command, &mut attributes).map(|_| ())
}

fn attached(group: &OwnedFd) -> io::Result<Vec<u32>> {
    let mut ids = [0_u32; PROGRAMS_MAX];
    let mut attributes = QueryAttributes {
        target: group.as_raw_fd() as u32,
        attach_type: ATTACH_TYPE_CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        program_ids: ids.as_mut_ptr() as u64,
        program_count: PROGRAMS_MAX as u32,
        padding: 0,
    };
    bpf(PROG_QUERY, &mut attributes)?;
    Ok(ids[..attributes.program_count as usize].to_vec())
}

fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    let mut attributes = [id, 0, 0];
    let fd = bpf(PROG_GET_FD_BY_ID, &mut attributes)?;
    // SAFETY: success returns a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<T>(command: u32, attributes: &mut T) -> io::Result<RawFd> {
    // SAFETY: the kernel reads and writes at most the given size of `attributes`; the pointers
    // stored inside it are to buffers that the callers hold through this call.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attributes, size_of::<T>()) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result as RawFd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::DeviceRule;

    /// Interprets the few instructions in use.
    fn decide(program: &[Instruction], kind: i64, access: i64, major: i64, minor: i64) -> bool {
        let mut registers = [0_i64; 6];
        let mut at = 0;
        loop {
            let Instruction {
                code,
                registers: r,
                offset,
                immediate,
            } = program[at];
            let (to, from) = (usize::from(r & 15), usize::from(r >> 4));
            let immediate = i64::from(immediate);
            at += 1;
            let jumps = match code {
                LOAD_WORD => {
                    registers[to] = [access << 16 | kind, major, minor][offset as usize / 4];
                    false
                }
                AND_IMMEDIATE => {
                    registers[to] &= immediate;
                    false
                }
                SHIFT_RIGHT_IMMEDIATE => {
                    registers[to] >>= immediate;
                    false
                }
                MOVE_IMMEDIATE => {
                    registers[to] = immediate;
                    false
                }
                MOVE_REGISTER => {
                    registers[to] = registers[from];
                    false
                }
                JUMP_IF_EQUAL => registers[to] == immediate,
                JUMP_IF_NOT_EQUAL => registers[to] != immediate,
                JUMP_IF_NOT_EQUAL_REGISTER => registers[to] != registers[from],
                EXIT => return registers[0] == 1,
                other => panic!("unknown instruction {other:#x}"),
            };
            at = if jumps {
                (at as i64 + i64::from(offset)) as usize
            } else {
                at
            };
        }
    }

    #[test]
    fn nothing_unreachable_follows_a_rule_that_decides_everything() {
        let parse = |text| ParsedRule::parse(&serde_json::from_str(text).unwrap()).unwrap();
        let all = parse(r#"{"allow":false}"#);
        let null = parse(r#"{"allow":true,"type":"c","major":1,"minor":3}"#);
        let program = assemble(&[null.clone(), all.clone(), null.clone()]);
        assert_eq!(program, assemble(&[all, null]));
        let exits = program.iter().filter(|each| each.code == EXIT).count();
        assert_eq!(exits, 2, "one for each rule that can be reached");
    }

    #[test]
    fn the_last_matching_rule_decides() {
        let rules: Vec<DeviceRule> = serde_json::from_str(
            r#"[{"allow":false},
                {"allow":true,"type":"c","major":1,"minor":3,"access":"rw"},
                {"allow":true,"type":"b","access":"m"},
                {"allow":true,"type":"c","major":10},
                {"allow":false,"type":"c","major":10,"minor":7,"access":"w"}]"#,
        )
        .unwrap();
        let rules: Vec<_> = rules
            .iter()
            .map(|rule| ParsedRule::parse(rule).unwrap())
            .collect();
        let program = assemble(&rules);
        let (block, character) = (1, 2);
        for (kind, access, major, minor, allowed) in [
            (character, 2, 1, 3, true),
            (character, 6, 1, 3, true),
            (character, 7, 1, 3, false),
            (block, 2, 1, 3, false),
            (block, 1, 8, 0, true),
            (character, 7, 10, 6, true),
            (character, 2, 10, 7, true),
            (character, 6, 10, 7, false),
        ] {
            let decided = decide(&program, kind, access, major, minor);
            assert_eq!(decided, allowed, "{kind} {access} {major}:{minor}");
        }
    }
}
