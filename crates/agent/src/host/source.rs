//! What the kernel says, from `/proc`, as plain figures.

use std::io;
use std::path::Path;

use procfs::net::TcpState;
use procfs::{Current as _, CurrentSI as _, KernelStats, Meminfo};

/// Bytes of a sector in `/proc/diskstats`, whatever the device's own are.
const SECTOR: u64 = 512;
/// Interface flags of the kernel (`if.h`).
const UP: u32 = 1;
const LOOPBACK: u32 = 8;

/// Times of a processor in seconds since the start.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct CpuTimes {
    /// Includes `guest`.
    pub(crate) user: f64,
    /// Includes `guest_nice`.
    pub(crate) nice: f64,
    pub(crate) system: f64,
    pub(crate) idle: f64,
    pub(crate) iowait: f64,
    pub(crate) irq: f64,
    pub(crate) softirq: f64,
    pub(crate) steal: f64,
    pub(crate) guest: f64,
    pub(crate) guest_nice: f64,
}

impl CpuTimes {
    pub(crate) fn total(&self) -> f64 {
        self.user + self.system + self.nice + self.iowait + self.irq + self.softirq + self.steal + self.idle
    }
}

/// In bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Memory {
    pub(crate) total: f64,
    pub(crate) free: f64,
    pub(crate) available: Option<f64>,
    pub(crate) buffers: f64,
    pub(crate) cached: f64,
    pub(crate) reclaimable: f64,
    pub(crate) active: f64,
    pub(crate) inactive: f64,
    pub(crate) shared: f64,
    pub(crate) swap_total: f64,
    pub(crate) swap_free: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mount {
    pub(crate) path: String,
    pub(crate) device: String,
    pub(crate) fstype: String,
}

/// In blocks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Space {
    pub(crate) block_bytes: u64,
    pub(crate) blocks: u64,
    pub(crate) free: u64,
    /// To ordinary users.
    pub(crate) available: u64,
    pub(crate) inodes: u64,
    pub(crate) inodes_free: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) is_up: bool,
    pub(crate) is_loopback: bool,
    pub(crate) counters: Vec<(&'static str, u64)>,
}

/// Sockets by state, in the kernel's order of states, the last being unknown ones.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sockets {
    pub(crate) tcp: [u64; 12],
    pub(crate) udp: u64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Processes {
    /// The state letter of every process.
    pub(crate) states: Vec<char>,
    pub(crate) threads: u64,
}

/// A disk's name, its counters, and requests in progress.
pub(crate) type Disk = (String, Vec<(&'static str, u64)>, u64);

/// A host, or what a test says of one.
pub(crate) trait HostSource: Send + Sync {
    /// `cpu-total`, `cpu0`, …
    fn processors(&self) -> io::Result<Vec<(String, CpuTimes)>>;
    fn memory(&self) -> io::Result<Memory>;
    fn mounts(&self) -> io::Result<Vec<Mount>>;
    /// `None` for file systems without space of their own.
    fn space(&self, path: &str) -> io::Result<Option<Space>>;
    fn disks(&self) -> io::Result<Vec<Disk>>;
    fn interfaces(&self) -> io::Result<Vec<Interface>>;
    fn sockets(&self) -> io::Result<Sockets>;
    fn processes(&self) -> io::Result<Processes>;
}

/// The host this process runs on.
pub(crate) struct ThisHost;

fn failed(error: procfs::ProcError) -> io::Error {
    io::Error::other(error.to_string())
}

impl HostSource for ThisHost {
    fn processors(&self) -> io::Result<Vec<(String, CpuTimes)>> {
        let stats = KernelStats::current().map_err(failed)?;
        let ticks = procfs::ticks_per_second() as f64;
        let each = stats.cpu_time.iter().enumerate().map(|(n, times)| (format!("cpu{n}"), times));
        let all = std::iter::once(("cpu-total".to_owned(), &stats.total)).chain(each);
        Ok(all.map(|(name, times)| (name, cpu_times(times, ticks))).collect())
    }

    fn memory(&self) -> io::Result<Memory> {
        let info = Meminfo::current().map_err(failed)?;
        let optional = |bytes: Option<u64>| bytes.unwrap_or(0) as f64;
        Ok(Memory {
            total: info.mem_total as f64,
            free: info.mem_free as f64,
            available: info.mem_available.map(|bytes| bytes as f64),
            buffers: info.buffers as f64,
            cached: info.cached as f64,
            reclaimable: optional(info.s_reclaimable),
            active: info.active as f64,
            inactive: info.inactive as f64,
            shared: optional(info.shmem),
            swap_total: info.swap_total as f64,
            swap_free: info.swap_free as f64,
        })
    }

    fn mounts(&self) -> io::Result<Vec<Mount>> {
        let entries = procfs::mounts().map_err(failed)?.into_iter();
        Ok(entries
            .map(|entry| Mount { path: entry.fs_file, device: entry.fs_spec, fstype: entry.fs_vfstype })
            .collect())
    }

    fn space(&self, path: &str) -> io::Result<Option<Space>> {
        let found = rustix::fs::statvfs(Path::new(path))?;
        let space = Space {
            block_bytes: found.f_frsize,
            blocks: found.f_blocks,
            free: found.f_bfree,
            available: found.f_bavail,
            inodes: found.f_files,
            inodes_free: found.f_ffree,
        };
        Ok((space.blocks > 0).then_some(space))
    }

    fn disks(&self) -> io::Result<Vec<Disk>> {
        let disks = procfs::diskstats().map_err(failed)?.into_iter();
        Ok(disks
            .map(|disk| {
                let counters = vec![
                    ("reads", disk.reads),
                    ("writes", disk.writes),
                    ("read_bytes", disk.sectors_read.saturating_mul(SECTOR)),
                    ("write_bytes", disk.sectors_written.saturating_mul(SECTOR)),
                    ("read_time", disk.time_reading),
                    ("write_time", disk.time_writing),
                    ("io_time", disk.time_in_progress),
                ];
                (disk.name, counters, disk.in_progress)
            })
            .collect())
    }

    fn interfaces(&self) -> io::Result<Vec<Interface>> {
        let found = procfs::net::dev_status().map_err(failed)?;
        let mut interfaces: Vec<Interface> = found
            .into_values()
            .map(|device| {
                let flags = interface_flags(&device.name).unwrap_or(UP);
                Interface {
                    is_up: flags & UP != 0,
                    is_loopback: flags & LOOPBACK != 0 || device.name == "lo",
                    counters: vec![
                        ("bytes_recv", device.recv_bytes),
                        ("packets_recv", device.recv_packets),
                        ("err_in", device.recv_errs),
                        ("drop_in", device.recv_drop),
                        ("bytes_sent", device.sent_bytes),
                        ("packets_sent", device.sent_packets),
                        ("err_out", device.sent_errs),
                        ("drop_out", device.sent_drop),
                    ],
                    name: device.name,
                }
            })
            .collect();
        interfaces.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(interfaces)
    }

    fn sockets(&self) -> io::Result<Sockets> {
        let mut sockets = Sockets::default();
        // A kernel without version 6 has no such files.
        let six = procfs::net::tcp6().unwrap_or_default();
        for entry in procfs::net::tcp().map_err(failed)?.into_iter().chain(six) {
            sockets.tcp[place_of(&entry.state)] += 1;
        }
        let six = procfs::net::udp6().unwrap_or_default().len();
        sockets.udp = (procfs::net::udp().map_err(failed)?.len() + six) as u64;
        Ok(sockets)
    }

    fn processes(&self) -> io::Result<Processes> {
        let mut processes = Processes::default();
        for process in procfs::process::all_processes().map_err(failed)? {
            // Processes end while they are counted.
            let Ok(stat) = process.and_then(|process| process.stat()) else { continue };
            processes.states.push(stat.state);
            processes.threads += u64::try_from(stat.num_threads).unwrap_or(0);
        }
        Ok(processes)
    }
}

fn cpu_times(times: &procfs::CpuTime, ticks: f64) -> CpuTimes {
    let secs = |count: u64| count as f64 / ticks;
    let optional = |count: Option<u64>| secs(count.unwrap_or(0));
    CpuTimes {
        user: secs(times.user),
        nice: secs(times.nice),
        system: secs(times.system),
        idle: secs(times.idle),
        iowait: optional(times.iowait),
        irq: optional(times.irq),
        softirq: optional(times.softirq),
        steal: optional(times.steal),
        guest: optional(times.guest),
        guest_nice: optional(times.guest_nice),
    }
}

fn interface_flags(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(Path::new("/sys/class/net").join(name).join("flags")).ok()?;
    u32::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

fn place_of(state: &TcpState) -> usize {
    match state {
        TcpState::Established => 0,
        TcpState::SynSent => 1,
        TcpState::SynRecv | TcpState::NewSynRecv => 2,
        TcpState::FinWait1 => 3,
        TcpState::FinWait2 => 4,
        TcpState::TimeWait => 5,
        TcpState::Close => 6,
        TcpState::CloseWait => 7,
        TcpState::LastAck => 8,
        TcpState::Listen => 9,
        TcpState::Closing => 10,
    }
}
