//! Which container holds which address: one small file per address, renamed into place under a
//! lock, so that a crash leaves either a whole lease or none. A lease does not outlive its boot,
//! and when addresses run out those whose network namespace is gone are taken back.

use crate::cidr::Cidr;
use crate::failure::{AtStep, Failure, NO_ADDRESS_LEFT, Outcome};
use crate::runtime_config::PortMapping;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LAST_FILE: &str = "last";

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    pub container_id: String,
    pub ifname: String,
    pub netns: PathBuf,
    /// Of the namespace, since its path may be used again.
    pub netns_inode: u64,
    /// No namespace survives a reboot, and so no lease does.
    pub boot_id: String,
    /// Ports of the host that lead to this address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortMapping>,
}

impl Lease {
    pub fn new(container_id: &str, ifname: &str, netns: &Path) -> Outcome<Self> {
        let inode = inode(netns).at(format!("look at {}", netns.display()))?;
        Ok(Self {
            container_id: container_id.into(),
            ifname: ifname.into(),
            netns: netns.into(),
            netns_inode: inode,
            boot_id: boot_id()?,
            ports: Vec::new(),
        })
    }

    /// The same with ports of the host.
    pub fn with_ports(self, ports: &[PortMapping]) -> Self {
        Self {
            ports: ports.to_vec(),
            ..self
        }
    }

    fn is_of(&self, container_id: &str, ifname: &str) -> bool {
        self.container_id == container_id && self.ifname == ifname
    }

    /// Nothing is left that could use the address.
    pub fn namespace_is_gone(&self) -> bool {
        inode(&self.netns).ok() != Some(self.netns_inode)
    }
}

/// The leases of one network, locked for as long as this value lives.
pub struct Leases {
    dir: PathBuf,
    held: BTreeMap<Ipv4Addr, Lease>,
    _lock: Flock<File>,
}

impl Leases {
    /// Waits for the lock and reads what is leased in this boot.
    pub fn open(dir: &Path) -> Outcome<Self> {
        fs::create_dir_all(dir).at(format!("make {}", dir.display()))?;
        let file = File::options()
            .create(true)
            .append(true)
            .open(dir.join("lock"));
        let file = file.at("open lease lock")?;
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno);
        let lock = lock.at("lock leases")?;
        Ok(Self {
            dir: dir.into(),
            held: read_all(dir)?,
            _lock: lock,
        })
    }

    /// The address that the attachment holds.
    pub fn find(&self, container_id: &str, ifname: &str) -> Option<Ipv4Addr> {
        self.lease_of(container_id, ifname)
            .map(|(address, _)| address)
    }

    /// The address with what is known of its holder.
    pub fn lease_of(&self, container_id: &str, ifname: &str) -> Option<(Ipv4Addr, &Lease)> {
        let of = |(_, lease): &(&Ipv4Addr, &Lease)| lease.is_of(container_id, ifname);
        self.held
            .iter()
            .find(of)
            .map(|(address, lease)| (*address, lease))
    }

    /// Leases the next free address after the last one given, so that an address rests before it
    /// is used again.
    pub fn allocate(&mut self, cidr: &Cidr, lease: &Lease) -> Outcome<Ipv4Addr> {
        let address = match self.next_free(cidr) {
            Some(address) => address,
            None => {
                self.take_back_abandoned()?;
                self.next_free(cidr).ok_or_else(|| full(cidr))?
            }
        };
        self.write(
            &address.to_string(),
            &serde_json::to_vec(lease).map_err(unwritable)?,
        )?;
        self.write(LAST_FILE, address.to_string().as_bytes())?;
        self.held.insert(address, lease.clone());
        Ok(address)
    }

    /// Frees the attachment's address; one that holds none is no error.
    pub fn release(&mut self, container_id: &str, ifname: &str) -> Outcome<()> {
        match self.find(container_id, ifname) {
            Some(address) => self.free(address),
            None => Ok(()),
        }
    }

    /// The attachments that hold an address.
    pub fn holders(&self) -> impl Iterator<Item = &Lease> {
        self.held.values()
    }

    /// The first of these ports that another holds, and who that is.
    pub fn clash<'a>(&self, ports: &'a [PortMapping]) -> Option<(&'a PortMapping, &Lease)> {
        ports.iter().find_map(|port| {
            let holds = |lease: &&Lease| lease.ports.iter().any(|held| held.clashes(port));
            self.held.values().find(holds).map(|lease| (port, lease))
        })
    }

    /// All ports of the host that lead to pods, but those of one attachment if that is given.
    pub fn ports<'a>(
        &'a self,
        without: Option<(&'a str, &'a str)>,
    ) -> impl Iterator<Item = (Ipv4Addr, &'a PortMapping)> {
        let counts = move |lease: &Lease| without.is_none_or(|(id, name)| !lease.is_of(id, name));
        let held = self.held.iter().filter(move |(_, lease)| counts(lease));
        held.flat_map(|(address, lease)| lease.ports.iter().map(|port| (*address, port)))
    }

    fn next_free(&self, cidr: &Cidr) -> Option<Ipv4Addr> {
        let range = cidr.pod_addresses();
        let last = fs::read_to_string(self.dir.join(LAST_FILE)).ok();
        let last = last
            .and_then(|text| text.trim().parse::<Ipv4Addr>().ok())
            .map(u32::from);
        let start = last
            .filter(|last| range.contains(last))
            .map_or(*range.start(), |last| last + 1);
        let candidates = (start..=*range.end()).chain(*range.start()..start);
        candidates
            .map(Ipv4Addr::from)
            .find(|address| !self.held.contains_key(address))
    }

    /// But for those with ports of the host, which must be closed first: GC does that.
    fn take_back_abandoned(&mut self) -> Outcome<()> {
        let abandoned = self
            .held
            .iter()
            .filter(|(_, lease)| lease.ports.is_empty() && lease.namespace_is_gone());
        let addresses: Vec<Ipv4Addr> = abandoned.map(|(address, _)| *address).collect();
        addresses
            .into_iter()
            .try_for_each(|address| self.free(address))
    }

    fn free(&mut self, address: Ipv4Addr) -> Outcome<()> {
        let path = self.dir.join(address.to_string());
        fs::remove_file(&path).at(format!("remove lease {}", path.display()))?;
        self.held.remove(&address);
        Ok(())
    }

    fn write(&self, name: &str, content: &[u8]) -> Outcome<()> {
        // One name for all, since the lock is held: what a crash leaves is overwritten.
        let temporary = self.dir.join("new");
        let step = || format!("write lease {name}");
        fs::write(&temporary, content).at(step())?;
        fs::rename(&temporary, self.dir.join(name)).at(step())
    }
}

fn read_all(dir: &Path) -> Outcome<BTreeMap<Ipv4Addr, Lease>> {
    let boot_id = boot_id()?;
    let mut held = BTreeMap::new();
    for entry in fs::read_dir(dir)
        .at(format!("list {}", dir.display()))?
        .flatten()
    {
        let name = entry.file_name();
        let Some(address) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A file that is no lease was torn by a power cut, and so is of an earlier boot too.
        let lease = fs::read(entry.path()).ok();
        let lease = lease.and_then(|text| serde_json::from_slice::<Lease>(&text).ok());
        if let Some(lease) = lease.filter(|lease| lease.boot_id == boot_id) {
            held.insert(address, lease);
        }
    }
    Ok(held)
}

fn full(cidr: &Cidr) -> Failure {
    let message = format!(
        "allocate address: all {} of {cidr} are taken",
        cidr.pod_addresses().count()
    );
    Failure::new(NO_ADDRESS_LEFT, message)
        .hint("remove pods of this node or give it a wider podCIDR")
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(crate::failure::IO_FAILURE, format!("write lease: {error}"))
}

fn inode(path: &Path) -> std::io::Result<u64> {
    Ok(fs::metadata(path)?.ino())
}

fn boot_id() -> Outcome<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").at("read boot id")?;
    Ok(text.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("gantry-leases-{}-{name}", std::process::id());
            let dir = std::env::temp_dir().join(name);
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn leases(&self) -> Leases {
            Leases::open(&self.0.join("net")).unwrap()
        }

        fn lease(&self, id: &str) -> Lease {
            let netns = self.0.join(format!("netns-{id}"));
            fs::write(&netns, "").unwrap();
            Lease::new(id, "eth0", &netns).unwrap()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn cidr() -> Cidr {
        "10.0.0.0/29".parse().unwrap()
    }

    #[test]
    fn an_address_rests_before_it_is_given_again() {
        let scratch = Scratch::new("rest");
        let mut leases = scratch.leases();
        let first = leases.allocate(&cidr(), &scratch.lease("a")).unwrap();
        assert_eq!(first, Ipv4Addr::new(10, 0, 0, 2));
        leases.release("a", "eth0").unwrap();
        leases.release("a", "eth0").unwrap();
        let second = leases.allocate(&cidr(), &scratch.lease("b")).unwrap();
        assert_eq!(second, Ipv4Addr::new(10, 0, 0, 3));
    }

    #[test]
    fn leases_are_found_again_and_full_is_said() {
        let scratch = Scratch::new("full");
        for id in ["a", "b", "c", "d", "e"] {
            scratch
                .leases()
                .allocate(&cidr(), &scratch.lease(id))
                .unwrap();
        }
        let mut leases = scratch.leases();
        assert_eq!(leases.holders().count(), 5);
        let failure = leases.allocate(&cidr(), &scratch.lease("f")).unwrap_err();
        assert_eq!(failure.code, NO_ADDRESS_LEFT);
        leases.release("c", "eth0").unwrap();
        let again = leases.allocate(&cidr(), &scratch.lease("f")).unwrap();
        assert_eq!(again, Ipv4Addr::new(10, 0, 0, 4));
    }

    #[test]
    fn what_vanished_containers_held_is_taken_back_when_needed() {
        let scratch = Scratch::new("gone");
        for id in ["a", "b", "c", "d", "e"] {
            scratch
                .leases()
                .allocate(&cidr(), &scratch.lease(id))
                .unwrap();
        }
        fs::remove_file(scratch.0.join("netns-d")).unwrap();
        let address = scratch
            .leases()
            .allocate(&cidr(), &scratch.lease("f"))
            .unwrap();
        assert_eq!(address, Ipv4Addr::new(10, 0, 0, 5));
    }

    #[test]
    fn leases_of_an_earlier_boot_and_torn_ones_are_free() {
        let scratch = Scratch::new("boot");
        let old = Lease {
            boot_id: "earlier".into(),
            ..scratch.lease("a")
        };
        scratch.leases().allocate(&cidr(), &old).unwrap();
        fs::write(scratch.0.join("net/10.0.0.3"), "{\"containerId\":").unwrap();
        let leases = scratch.leases();
        assert_eq!(leases.holders().count(), 0);
    }

    #[test]
    fn many_at_once_get_different_addresses() {
        let scratch = Scratch::new("race");
        let wide: Cidr = "10.0.0.0/24".parse().unwrap();
        let lease = |id: usize| {
            let lease = scratch.lease(&format!("c{id}"));
            let dir = scratch.0.join("net");
            move || Leases::open(&dir).unwrap().allocate(&wide, &lease).unwrap()
        };
        let threads: Vec<_> = (0..40).map(|id| thread::spawn(lease(id))).collect();
        let given: std::collections::BTreeSet<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        assert_eq!(given.len(), 40);
    }
}
