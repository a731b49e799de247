//! The vectors of agent.md § 10 for host metrics.

use std::io;
use std::sync::{Arc, Mutex};

use base::Timestamp;
use serde_json::json;

use super::source::{
    CpuTimes, Disk, HostSource, Interface, Memory, Mount, Processes, Sockets, Space, ThisHost,
};
use super::{Collector, compute};
use crate::config::{AgentConfig, Identity, parse};
use crate::metrics::Sample;

/// A host whose figures a test sets.
#[derive(Default)]
struct FakeHost {
    cpu: Mutex<CpuTimes>,
    received: Mutex<u64>,
    read_bytes: Mutex<u64>,
    processes: Processes,
}

impl HostSource for FakeHost {
    fn processors(&self) -> io::Result<Vec<(String, CpuTimes)>> {
        let times = *self.cpu.lock().unwrap();
        Ok(vec![("cpu-total".to_owned(), times), ("cpu0".to_owned(), times)])
    }
    fn memory(&self) -> io::Result<Memory> {
        let kb = 1024.0;
        Ok(Memory {
            total: 1000.0 * kb,
            free: 200.0 * kb,
            buffers: 100.0 * kb,
            cached: 250.0 * kb,
            reclaimable: 50.0 * kb,
            ..Memory::default()
        })
    }
    fn mounts(&self) -> io::Result<Vec<Mount>> {
        let mount = |path: &str, fstype: &str| Mount {
            path: path.to_owned(),
            device: "/dev/sda1".to_owned(),
            fstype: fstype.to_owned(),
        };
        Ok(vec![mount("/", "ext4"), mount("/tmp", "tmpfs"), mount("/gone", "ext4")])
    }
    fn space(&self, path: &str) -> io::Result<Option<Space>> {
        if path == "/gone" {
            return Err(io::ErrorKind::NotFound.into());
        }
        let space = Space {
            block_bytes: 4096,
            blocks: 1000,
            free: 300,
            available: 250,
            inodes: 100,
            inodes_free: 90,
        };
        Ok(Some(space))
    }
    fn disks(&self) -> io::Result<Vec<Disk>> {
        Ok(vec![("sda".to_owned(), vec![("read_bytes", *self.read_bytes.lock().unwrap())], 3)])
    }
    fn interfaces(&self) -> io::Result<Vec<Interface>> {
        let counters = vec![("bytes_recv", *self.received.lock().unwrap())];
        let interface = |name: &str, is_up, is_loopback| Interface {
            name: name.to_owned(),
            is_up,
            is_loopback,
            counters: counters.clone(),
        };
        Ok(vec![interface("eth0", true, false), interface("eth1", false, false), interface("lo", true, true)])
    }
    fn sockets(&self) -> io::Result<Sockets> {
        Ok(Sockets::default())
    }
    fn processes(&self) -> io::Result<Processes> {
        Ok(self.processes.clone())
    }
}

fn config(metrics: serde_json::Value) -> AgentConfig {
    let identity = Identity {
        hostname: Some("web1".to_owned()),
        instance_id: Some("i-1".to_owned()),
        ..Identity::default()
    };
    parse(&json!({ "metrics": metrics }), &identity).unwrap().0
}

fn collect(collector: &mut Collector, config: &AgentConfig) -> Vec<Sample> {
    let metrics = config.metrics.as_ref().unwrap();
    let at = Timestamp::from_secs(1_795_348_800);
    metrics.sections.iter().flat_map(|section| collector.collect(section, metrics, at).unwrap()).collect()
}

fn shown(samples: &[Sample]) -> Vec<String> {
    let line = |sample: &Sample| {
        let dimensions: Vec<String> =
            sample.dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {:.6} {} [{}]", sample.name, sample.value, sample.unit, dimensions.join(","))
    };
    samples.iter().map(line).collect()
}

#[test]
fn vectors_1_2_and_7_memory() {
    let mut collector = Collector::new(Arc::new(FakeHost::default()));
    let plain =
        config(json!({"metrics_collected": {"mem": {"measurement": ["used_percent", "mem_total", "used"]}}}));
    let samples = collect(&mut collector, &plain);
    assert_eq!(
        shown(&samples),
        [
            "mem_total 1024000.000000 Bytes [host=web1]",
            "mem_used 409600.000000 Bytes [host=web1]",
            "mem_used_percent 40.000000 Percent [host=web1]"
        ]
    );
    assert!(samples.iter().all(|sample| !sample.high_resolution));
    let often = config(json!({"metrics_collected": {"mem": {"metrics_collection_interval": 10}}}));
    assert!(collect(&mut collector, &often)[0].high_resolution);
}

#[test]
fn vectors_3_and_4_names_and_dimensions() {
    let host = Arc::new(FakeHost::default());
    let mut collector = Collector::new(host.clone());
    let config = config(json!({
        "append_dimensions": {"InstanceId": "${aws:InstanceId}", "ImageId": "${aws:ImageId}"},
        "metrics_collected": {"cpu": {"measurement": [{"name": "cpu_usage_idle", "rename": "IDLE", "unit": "Percent"}]}},
    }));
    assert_eq!(collect(&mut collector, &config), [], "the first time there are no percentages");
    host.cpu.lock().unwrap().idle = 10.0;
    assert_eq!(
        shown(&collect(&mut collector, &config)),
        ["IDLE 100.000000 Percent [InstanceId=i-1,cpu=cpu-total]"]
    );
}

#[test]
fn vector_5_aggregation() {
    let host = Arc::new(FakeHost::default());
    let mut collector = Collector::new(host.clone());
    let config = config(json!({
        "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
        "aggregation_dimensions": [["InstanceId"], [], ["Nothing"]],
        "metrics_collected": {"cpu": {"measurement": ["time_idle"]}},
    }));
    assert_eq!(
        shown(&collect(&mut collector, &config)),
        [
            "cpu_time_idle 0.000000 None [InstanceId=i-1,cpu=cpu-total]",
            "cpu_time_idle 0.000000 None [InstanceId=i-1]",
            "cpu_time_idle 0.000000 None []"
        ]
    );
}

#[test]
fn vector_6_processor_time() {
    let first = CpuTimes { user: 100.0, system: 50.0, idle: 800.0, iowait: 50.0, ..CpuTimes::default() };
    let second = CpuTimes {
        user: 160.0,
        system: 80.0,
        idle: 1080.0,
        iowait: 80.0,
        guest: 20.0,
        ..CpuTimes::default()
    };
    let values = compute::processor(&second, Some(&first));
    let of = |name: &str| values.iter().find(|(field, _)| *field == name).unwrap().1;
    let found =
        ["user", "guest", "system", "idle", "iowait", "active"].map(|name| of(&format!("usage_{name}")));
    assert_eq!(found, [10.0, 5.0, 7.5, 70.0, 7.5, 30.0]);
    // No time passed, or it went back.
    assert_eq!(compute::processor(&first, Some(&first)).len(), 11);
    assert_eq!(compute::processor(&first, Some(&second)).len(), 11);
}

#[test]
fn vector_8_disks() {
    let mut collector = Collector::new(Arc::new(FakeHost::default()));
    let config = config(json!({"metrics_collected": {"disk": {
        "measurement": ["total", "free", "used", "used_percent", "inodes_used"],
        "resources": ["/", "/gone"],
    }}}));
    let dimensions = "[device=sda1,fstype=ext4,host=web1,path=/]";
    assert_eq!(
        shown(&collect(&mut collector, &config)),
        [
            format!("disk_total 4096000.000000 Bytes {dimensions}"),
            format!("disk_free 1024000.000000 Bytes {dimensions}"),
            format!("disk_used 2867200.000000 Bytes {dimensions}"),
            format!("disk_used_percent 73.684211 Percent {dimensions}"),
            format!("disk_inodes_used 10.000000 Count {dimensions}"),
        ]
    );
}

#[test]
fn vectors_9_and_10_counters_are_differences() {
    let host = Arc::new(FakeHost::default());
    let mut collector = Collector::new(host.clone());
    let config = config(json!({"metrics_collected": {
        "net": {"measurement": ["bytes_recv"]},
        "diskio": {"measurement": ["read_bytes", "iops_in_progress"]},
    }}));
    let mut seen = Vec::new();
    for (received, read) in [(1000, 8 * 512), (4000, 24 * 512), (3500, 24 * 512)] {
        *host.received.lock().unwrap() = received;
        *host.read_bytes.lock().unwrap() = read;
        seen.push(shown(&collect(&mut collector, &config)));
    }
    let in_progress = "diskio_iops_in_progress 3.000000 Count [host=web1,name=sda]";
    assert_eq!(seen[0], [in_progress]);
    assert_eq!(
        seen[1],
        [
            "diskio_read_bytes 8192.000000 Bytes [host=web1,name=sda]",
            in_progress,
            "net_bytes_recv 3000.000000 Bytes [host=web1,interface=eth0]",
        ]
    );
    assert_eq!(seen[2], ["diskio_read_bytes 0.000000 Bytes [host=web1,name=sda]", in_progress]);
}

#[test]
fn vector_11_processes() {
    let processes = Processes { states: vec!['R', 'S', 'S', 'Z', 'D'], threads: 9 };
    let readings = compute::processes(&processes);
    let of = |name: &str| readings.iter().find(|reading| reading.field == name).unwrap().value;
    let found = ["running", "sleeping", "zombies", "blocked", "total", "total_threads"].map(of);
    assert_eq!(found, [1.0, 2.0, 1.0, 1.0, 5.0, 9.0]);
}

#[test]
fn this_host_can_be_read() {
    let everything = ["cpu", "mem", "swap", "disk", "diskio", "net", "netstat", "processes"];
    let sections: serde_json::Map<_, _> =
        everything.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    let config = config(json!({ "metrics_collected": sections }));
    let mut collector = Collector::new(Arc::new(ThisHost));
    let samples = collect(&mut collector, &config);
    assert!(samples.iter().any(|s| s.name == "mem_used_percent" && s.value > 0.0 && s.value < 100.0));
    assert!(samples.iter().any(|s| s.name == "processes_total" && s.value >= 1.0));
}
