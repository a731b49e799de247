//! The fields of each section and their units, as the CloudWatch agent publishes them.
//!
//! Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-collected-by-CloudWatch-agent.html>.

use super::SectionKind;

type Field = (&'static str, &'static str);

impl SectionKind {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "cpu" => Self::Cpu,
            "mem" => Self::Mem,
            "swap" => Self::Swap,
            "disk" => Self::Disk,
            "diskio" => Self::Diskio,
            "net" => Self::Net,
            "netstat" => Self::Netstat,
            "processes" => Self::Processes,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Mem => "mem",
            Self::Swap => "swap",
            Self::Disk => "disk",
            Self::Diskio => "diskio",
            Self::Net => "net",
            Self::Netstat => "netstat",
            Self::Processes => "processes",
        }
    }

    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Cpu => CPU,
            Self::Mem => MEM,
            Self::Swap => SWAP,
            Self::Disk => DISK,
            Self::Diskio => DISKIO,
            Self::Net => NET,
            Self::Netstat => NETSTAT,
            Self::Processes => PROCESSES,
        }
    }

    /// What a section without `measurement` publishes.
    pub(super) fn usual(self) -> &'static [&'static str] {
        match self {
            Self::Cpu => &["usage_active", "usage_iowait", "usage_system", "usage_user"],
            Self::Mem | Self::Swap | Self::Disk => &["used_percent"],
            Self::Diskio => &["read_bytes", "write_bytes", "io_time"],
            Self::Net => &["bytes_recv", "bytes_sent", "err_in", "err_out"],
            Self::Netstat => &["tcp_established", "tcp_time_wait"],
            Self::Processes => &["total", "zombies"],
        }
    }
}

/// The field's own static name and its unit.
pub(crate) fn unit_of(kind: SectionKind, field: &str) -> Option<Field> {
    kind.fields().iter().find(|(name, _)| *name == field).copied()
}

const CPU: &[Field] = &[
    ("usage_active", "Percent"),
    ("usage_guest", "Percent"),
    ("usage_guest_nice", "Percent"),
    ("usage_idle", "Percent"),
    ("usage_iowait", "Percent"),
    ("usage_irq", "Percent"),
    ("usage_nice", "Percent"),
    ("usage_softirq", "Percent"),
    ("usage_steal", "Percent"),
    ("usage_system", "Percent"),
    ("usage_user", "Percent"),
    ("time_active", "None"),
    ("time_guest", "None"),
    ("time_guest_nice", "None"),
    ("time_idle", "None"),
    ("time_iowait", "None"),
    ("time_irq", "None"),
    ("time_nice", "None"),
    ("time_softirq", "None"),
    ("time_steal", "None"),
    ("time_system", "None"),
    ("time_user", "None"),
];
const MEM: &[Field] = &[
    ("active", "Bytes"),
    ("available", "Bytes"),
    ("buffered", "Bytes"),
    ("cached", "Bytes"),
    ("free", "Bytes"),
    ("inactive", "Bytes"),
    ("shared", "Bytes"),
    ("total", "Bytes"),
    ("used", "Bytes"),
    ("available_percent", "Percent"),
    ("used_percent", "Percent"),
];
const SWAP: &[Field] = &[("free", "Bytes"), ("used", "Bytes"), ("used_percent", "Percent")];
const DISK: &[Field] = &[
    ("free", "Bytes"),
    ("total", "Bytes"),
    ("used", "Bytes"),
    ("inodes_free", "Count"),
    ("inodes_total", "Count"),
    ("inodes_used", "Count"),
    ("used_percent", "Percent"),
];
const DISKIO: &[Field] = &[
    ("reads", "Count"),
    ("writes", "Count"),
    ("iops_in_progress", "Count"),
    ("read_bytes", "Bytes"),
    ("write_bytes", "Bytes"),
    ("read_time", "Milliseconds"),
    ("write_time", "Milliseconds"),
    ("io_time", "Milliseconds"),
];
const NET: &[Field] = &[
    ("bytes_sent", "Bytes"),
    ("bytes_recv", "Bytes"),
    ("packets_sent", "Count"),
    ("packets_recv", "Count"),
    ("err_in", "Count"),
    ("err_out", "Count"),
    ("drop_in", "Count"),
    ("drop_out", "Count"),
];
const NETSTAT: &[Field] = &[
    ("tcp_close", "Count"),
    ("tcp_close_wait", "Count"),
    ("tcp_closing", "Count"),
    ("tcp_established", "Count"),
    ("tcp_fin_wait1", "Count"),
    ("tcp_fin_wait2", "Count"),
    ("tcp_last_ack", "Count"),
    ("tcp_listen", "Count"),
    ("tcp_none", "Count"),
    ("tcp_syn_sent", "Count"),
    ("tcp_syn_recv", "Count"),
    ("tcp_time_wait", "Count"),
    ("udp_socket", "Count"),
];
const PROCESSES: &[Field] = &[
    ("blocked", "Count"),
    ("dead", "Count"),
    ("idle", "Count"),
    ("paging", "Count"),
    ("running", "Count"),
    ("sleeping", "Count"),
    ("stopped", "Count"),
    ("total", "Count"),
    ("total_threads", "Count"),
    ("wait", "Count"),
    // AWS: the agent's table of units spells it `zombie`, so it is published without one (agent.md § 4.1).
    ("zombies", "None"),
];
