use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("gantry-log-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn log(&self, max_bytes: u64, max_files: u32) -> ContainerLog {
        let path = self.0.join("0.log");
        ContainerLog::open(LogOptions {
            path,
            max_bytes,
            max_files,
        })
        .unwrap()
    }

    /// The entries without their timestamps, which are checked for their shape.
    fn entries(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.0.join(name)).unwrap_or_default();
        text.lines()
            .map(|line| {
                let (time, rest) = line.split_at(gantry_clock::TIMESTAMP_LENGTH);
                assert!(time.ends_with('Z') && time.as_bytes()[10] == b'T', "{line}");
                rest[1..].to_string()
            })
            .collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn splits_lines_across_reads_and_keeps_streams_apart() {
    let scratch = Scratch::new("lines");
    let mut log = scratch.log(1 << 20, 3);
    log.append(Stream::Stdout, b"one\ntw");
    log.append(Stream::Stderr, b"oops\n");
    log.append(Stream::Stdout, b"o\n\nend");
    log.write_unfinished();
    let expected = [
        "stdout F one",
        "stderr F oops",
        "stdout F two",
        "stdout F ",
        "stdout P end",
    ];
    assert_eq!(scratch.entries("0.log"), expected);
}

#[test]
fn cuts_long_lines_into_partial_entries() {
    let scratch = Scratch::new("long");
    let mut log = scratch.log(1 << 20, 3);
    log.append(Stream::Stdout, &vec![b'x'; MAX_LINE * 2 + 5]);
    log.append(Stream::Stdout, b"\n");
    let entries = scratch.entries("0.log");
    let tags: Vec<_> = entries.iter().map(|e| (&e[7..8], e.len() - 9)).collect();
    assert_eq!(tags, [("P", MAX_LINE), ("P", MAX_LINE), ("F", 5)]);
}

#[test]
fn an_unfinished_line_is_due_after_the_linger_time_and_then_goes_on() {
    let scratch = Scratch::new("linger");
    let mut log = scratch.log(1 << 20, 3);
    assert!(log.linger_deadline().is_none());
    log.append(Stream::Stdout, b"name? ");
    assert!(log.linger_deadline().is_some());
    log.write_unfinished();
    assert!(log.linger_deadline().is_none());
    log.append(Stream::Stdout, b"ok\n");
    assert_eq!(scratch.entries("0.log"), ["stdout P name? ", "stdout F ok"]);
}

#[test]
fn rotates_by_size_and_keeps_the_newest_files() {
    let scratch = Scratch::new("rotate");
    let mut log = scratch.log(200, 3);
    for number in 0..20 {
        log.append(
            Stream::Stdout,
            format!("line number {number:04}\n").as_bytes(),
        );
    }
    assert_eq!(
        scratch.entries("0.log").last().unwrap(),
        "stdout F line number 0019"
    );
    let kept: Vec<_> = ["0.log.2", "0.log.1", "0.log"]
        .iter()
        .flat_map(|name| scratch.entries(name))
        .collect();
    let newest: Vec<_> = (20 - kept.len()..20)
        .map(|n| format!("stdout F line number {n:04}"))
        .collect();
    assert_eq!(kept, newest);
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 3);
    for file in fs::read_dir(&scratch.0).unwrap() {
        assert!(file.unwrap().metadata().unwrap().len() <= 200);
    }
}

#[test]
fn one_file_only_starts_over() {
    let scratch = Scratch::new("single");
    let mut log = scratch.log(100, 1);
    for number in 0..5 {
        log.append(
            Stream::Stdout,
            format!("line number {number:020}\n").as_bytes(),
        );
    }
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1);
    assert_eq!(
        scratch.entries("0.log"),
        [format!("stdout F line number {:020}", 4)]
    );
}

#[test]
fn a_link_in_the_logs_place_is_refused() {
    let scratch = Scratch::new("link");
    std::os::unix::fs::symlink("/etc/passwd", scratch.0.join("0.log")).unwrap();
    let path = scratch.0.join("0.log");
    assert!(
        ContainerLog::open(LogOptions {
            path,
            max_bytes: 100,
            max_files: 2
        })
        .is_err()
    );
}
