//! The formulas: from what the kernel counts to what is published.
//!
//! They bind us to agent.md § 4.1, which follows the CloudWatch agent.

use super::Reading;
use super::source::{CpuTimes, Memory, Processes, Sockets, Space};

type Values = Vec<(&'static str, f64)>;

/// Times in seconds, and percentages of the time since `before`.
pub(super) fn processor(now: &CpuTimes, before: Option<&CpuTimes>) -> Values {
    let parts = |times: &CpuTimes| {
        // The kernel counts guests within user and nice.
        [
            times.total() - times.idle,
            times.guest,
            times.guest_nice,
            times.idle,
            times.iowait,
            times.irq,
            times.nice - times.guest_nice,
            times.softirq,
            times.steal,
            times.system,
            times.user - times.guest,
        ]
    };
    const TIMES: [&str; 11] = [
        "time_active",
        "time_guest",
        "time_guest_nice",
        "time_idle",
        "time_iowait",
        "time_irq",
        "time_nice",
        "time_softirq",
        "time_steal",
        "time_system",
        "time_user",
    ];
    const USAGES: [&str; 11] = [
        "usage_active",
        "usage_guest",
        "usage_guest_nice",
        "usage_idle",
        "usage_iowait",
        "usage_irq",
        "usage_nice",
        "usage_softirq",
        "usage_steal",
        "usage_system",
        "usage_user",
    ];
    let mut values: Values = TIMES.into_iter().zip(parts(now)).collect();
    if let Some(before) = before {
        let total = now.total() - before.total();
        if total > 0.0 {
            let grown = parts(now).into_iter().zip(parts(before)).map(|(now, before)| now - before);
            values.extend(USAGES.into_iter().zip(grown.map(|grown| 100.0 * grown / total)));
        }
    }
    values
}

fn plain((field, value): (&'static str, f64)) -> Reading {
    Reading { field, value, dimensions: Vec::new() }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

pub(super) fn memory(memory: &Memory) -> Vec<Reading> {
    let total = memory.total;
    let cached = memory.cached + memory.reclaimable;
    let used = (total - memory.free - memory.buffers - cached).max(0.0);
    let mut values = vec![
        ("active", memory.active),
        ("buffered", memory.buffers),
        ("cached", cached),
        ("free", memory.free),
        ("inactive", memory.inactive),
        ("shared", memory.shared),
        ("total", total),
        ("used", used),
        ("used_percent", percent(used, total)),
    ];
    if let Some(available) = memory.available {
        values.extend([("available", available), ("available_percent", percent(available, total))]);
    }
    values.into_iter().map(plain).collect()
}

pub(super) fn swap(memory: &Memory) -> Vec<Reading> {
    let used = memory.swap_total - memory.swap_free;
    let values =
        [("free", memory.swap_free), ("used", used), ("used_percent", percent(used, memory.swap_total))];
    values.into_iter().map(plain).collect()
}

/// `used_percent` as `df` shows it: the root user's reserve is no part of the whole.
pub(super) fn space(space: &Space) -> Values {
    let block = space.block_bytes as f64;
    let (total, free, available) = (space.blocks as f64, space.free as f64, space.available as f64);
    let used = total - free;
    let (inodes, inodes_free) = (space.inodes as f64, space.inodes_free as f64);
    vec![
        ("total", total * block),
        ("free", available * block),
        ("used", used * block),
        ("used_percent", percent(used, used + available)),
        ("inodes_total", inodes),
        ("inodes_free", inodes_free),
        ("inodes_used", inodes - inodes_free),
    ]
}

pub(super) fn sockets(sockets: &Sockets) -> Vec<Reading> {
    const STATES: [&str; 12] = [
        "tcp_established",
        "tcp_syn_sent",
        "tcp_syn_recv",
        "tcp_fin_wait1",
        "tcp_fin_wait2",
        "tcp_time_wait",
        "tcp_close",
        "tcp_close_wait",
        "tcp_last_ack",
        "tcp_listen",
        "tcp_closing",
        "tcp_none",
    ];
    let states = STATES.into_iter().zip(sockets.tcp.map(|count| count as f64));
    states.chain([("udp_socket", sockets.udp as f64)]).map(plain).collect()
}

pub(super) fn processes(processes: &Processes) -> Vec<Reading> {
    let count =
        |states: &[char]| processes.states.iter().filter(|state| states.contains(state)).count() as f64;
    let values = [
        ("running", count(&['R'])),
        ("sleeping", count(&['S'])),
        ("blocked", count(&['D', 'U', 'L'])),
        ("zombies", count(&['Z'])),
        ("dead", count(&['X', 'x'])),
        ("stopped", count(&['T', 't'])),
        ("paging", count(&['W'])),
        ("idle", count(&['I'])),
        // A state of other systems.
        ("wait", 0.0),
        ("total", processes.states.len() as f64),
        ("total_threads", processes.threads as f64),
    ];
    values.into_iter().map(plain).collect()
}
