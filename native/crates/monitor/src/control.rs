//! The socket by which the launcher hands a client's connection to a container's monitor, so that
//! no byte of an attach session goes through the launcher.

use crate::client::Client;
use crate::failure::{AtStep, Failure, Outcome, Reason};
use crate::stdio::{accept, listen_unix, receive_message, set_nonblocking};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, sendmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

const SOCKET_NAME: &str = "control";
/// Attached clients beyond this number are refused.
const MAX_CLIENTS: usize = 16;
const HANDOVER_SECONDS: i64 = 1;

/// Comes with the client's connection.
#[derive(Debug, Deserialize, Serialize)]
struct Handover {
    id: u64,
    stdin: bool,
}

/// The monitor's side.
pub struct Control {
    listener: OwnedFd,
}

impl Control {
    /// Listens in the working directory, which is the container's state directory.
    pub fn listen() -> Outcome<Self> {
        let step = "make control socket";
        let listener = listen_unix(SockType::SeqPacket, Path::new(SOCKET_NAME)).at(step)?;
        set_nonblocking(&listener)?;
        Ok(Self { listener })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// The client that was handed over, if one was and there is room for it.
    pub fn accept(&self, clients: usize) -> Option<Client> {
        let connection = accept(&self.listener).ok()?;
        // The launcher sends right after it has connected; one that was stopped is not waited for.
        let patience = TimeVal::new(HANDOVER_SECONDS, 0);
        fcntl(&connection, FcntlArg::F_SETFL(OFlag::empty())).ok()?;
        setsockopt(&connection, sockopt::ReceiveTimeout, &patience).ok()?;
        let mut buffer = [0; 256];
        let (length, mut descriptors) = receive_message(&connection, &mut buffer).ok()?;
        let handover: Handover = serde_json::from_slice(&buffer[..length]).ok()?;
        let mut client = Client::new(descriptors.pop()?, handover.stdin);
        let room = clients < MAX_CLIENTS;
        let answer = if room {
            json!({ "id": handover.id, "result": {} })
        } else {
            let message = format!("{MAX_CLIENTS} clients are attached already");
            let failure = Failure::new(Reason::ServiceUnavailable, "attach", message);
            json!({ "id": handover.id, "error": failure })
        };
        client.send_raw(format!("{answer}\n").as_bytes());
        room.then_some(client)
    }
}

/// The launcher's side: gives `client` to the monitor whose state directory is `dir`.
pub fn hand_over(dir: &Path, id: u64, stdin: bool, client: BorrowedFd) -> Outcome<()> {
    let step = "hand connection to monitor";
    // By the directory's descriptor: its own path may be longer than a socket's may be.
    let directory = File::open(dir).at(step)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(SOCKET_NAME);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let control = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).at(step)?;
    connect(control.as_raw_fd(), &UnixAddr::new(&path).at(step)?).at(step)?;
    let message = serde_json::to_vec(&Handover { id, stdin }).at(step)?;
    let descriptors = [client.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let parts = [IoSlice::new(&message)];
    sendmsg::<()>(
        control.as_raw_fd(),
        &parts,
        &rights,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )
    .at(step)?;
    Ok(())
}
