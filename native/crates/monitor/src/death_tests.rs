use super::*;

const EARLIER: &str = "2026-01-01T00:00:01.000000000Z";
const LATER: &str = "2026-01-01T00:00:02.000000000Z";

fn by_signal(signal: i32) -> Evidence {
    Evidence {
        ended: Ended {
            exit_code: 128 + signal,
            signal: Some(signal),
            cpu_micros: 0,
        },
        oom_kills: 0,
        is_init: true,
        requests: Vec::new(),
    }
}

fn by_return(exit_code: i32) -> Evidence {
    Evidence {
        ended: Ended {
            exit_code,
            signal: None,
            cpu_micros: 0,
        },
        ..by_signal(0)
    }
}

fn asked(signal: i32, at: &str, reason: Option<&str>) -> Vec<KillRequest> {
    vec![KillRequest {
        signal,
        at: at.into(),
        reason: reason.map(Into::into),
        sender: None,
        oom_kills: 0,
    }]
}

fn culprit(evidence: &Evidence) -> Option<Culprit> {
    evidence.verdict().map(|verdict| verdict.culprit)
}

#[test]
fn a_return_is_nobodys_kill_unless_it_was_asked_for() {
    assert_eq!(culprit(&by_return(0)), None);
    assert_eq!(culprit(&by_return(7)), None);
    let requests = asked(SIGTERM, LATER, None);
    let stopped = Evidence {
        requests,
        ..by_return(0)
    };
    assert_eq!(culprit(&stopped), Some(Culprit::Request));
    // A signal that means something else to most programs, such as "read your configuration".
    let requests = asked(nix::libc::SIGUSR1, LATER, None);
    let told = Evidence {
        requests,
        ..by_return(1)
    };
    assert_eq!(culprit(&told), None);
    let requests = asked(nix::libc::SIGHUP, EARLIER, None);
    let reloaded = Evidence {
        requests,
        ..by_return(0)
    };
    assert_eq!(culprit(&reloaded), None);
    let requests = asked(nix::libc::SIGUSR1, LATER, Some("the pod is deleted"));
    let stopped = Evidence {
        requests,
        ..by_return(1)
    };
    assert_eq!(culprit(&stopped), Some(Culprit::Request));
}

#[test]
fn a_signal_is_a_request_only_when_it_was_the_one_asked_for() {
    let requests = asked(SIGTERM, EARLIER, Some("the pod is deleted"));
    let crashed = Evidence {
        requests: requests.clone(),
        ..by_signal(SIGSEGV)
    };
    assert_eq!(culprit(&crashed), Some(Culprit::Fault));
    let killed = Evidence {
        requests,
        ..by_signal(SIGKILL)
    };
    assert_eq!(culprit(&killed), Some(Culprit::Outside));
    let requests = asked(SIGKILL, EARLIER, Some("its grace is over"));
    let killed = Evidence {
        requests,
        ..by_signal(SIGKILL)
    };
    let request = killed.verdict().unwrap().request.unwrap();
    assert_eq!(request.reason.as_deref(), Some("its grace is over"));
}

#[test]
fn only_the_first_of_a_namespace_can_be_sure_that_it_was_an_outsider() {
    assert_eq!(culprit(&by_signal(SIGKILL)), Some(Culprit::Outside));
    let shared = Evidence {
        is_init: false,
        ..by_signal(SIGKILL)
    };
    assert_eq!(culprit(&shared), Some(Culprit::Unknown));
    assert_eq!(culprit(&by_signal(SIGSYS)), Some(Culprit::Fault));
}

#[test]
fn memory_is_to_blame_unless_the_kill_came_after() {
    let victim = Evidence {
        oom_kills: 1,
        ..by_signal(SIGKILL)
    };
    assert_eq!(culprit(&victim), Some(Culprit::Oom));
    let parent = Evidence {
        oom_kills: 1,
        ..by_return(137)
    };
    assert_eq!(culprit(&parent), Some(Culprit::Oom));
    let coped = Evidence {
        oom_kills: 1,
        ..by_return(0)
    };
    assert_eq!(culprit(&coped), None);
    let crashed = Evidence {
        oom_kills: 1,
        ..by_signal(SIGSEGV)
    };
    assert_eq!(culprit(&crashed), Some(Culprit::Fault));
    let mut requests = asked(SIGKILL, LATER, None);
    let struck_after = Evidence {
        oom_kills: 1,
        requests: requests.clone(),
        ..by_signal(SIGKILL)
    };
    assert_eq!(culprit(&struck_after), Some(Culprit::Oom));
    requests[0].oom_kills = 1;
    let lived_on = Evidence {
        oom_kills: 1,
        requests,
        ..by_signal(SIGKILL)
    };
    assert_eq!(culprit(&lived_on), Some(Culprit::Request));
}

#[test]
fn we_are_not_the_first_of_a_namespace_of_our_own() {
    assert!(!is_init(nix::unistd::getpid()));
}
