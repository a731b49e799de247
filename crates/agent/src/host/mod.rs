//! Host metrics: raw figures of the kernel ([`source`]) become the values that are published.

mod compute;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base::Timestamp;

use crate::config::{MetricsConfig, Section, SectionKind};
use crate::metrics::Sample;
use source::{CpuTimes, HostSource};

/// One value of one resource, before it is given its published name.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    field: &'static str,
    value: f64,
    dimensions: Vec<(&'static str, String)>,
}

/// Reads sections, remembering what differences are made from.
pub(crate) struct Collector {
    source: Arc<dyn HostSource>,
    processors: HashMap<String, CpuTimes>,
    counters: HashMap<(SectionKind, String, &'static str), u64>,
}

impl Collector {
    pub(crate) fn new(source: Arc<dyn HostSource>) -> Self {
        Self { source, processors: HashMap::new(), counters: HashMap::new() }
    }

    /// The samples of a section at this moment.
    pub(crate) fn collect(
        &mut self,
        section: &Section,
        config: &MetricsConfig,
        at: Timestamp,
    ) -> std::io::Result<Vec<Sample>> {
        let readings = match section.kind {
            SectionKind::Cpu => self.cpu(section)?,
            SectionKind::Mem => compute::memory(&self.source.memory()?),
            SectionKind::Swap => compute::swap(&self.source.memory()?),
            SectionKind::Disk => self.disk(section)?,
            SectionKind::Diskio => self.disk_io(section)?,
            SectionKind::Net => self.net(section)?,
            SectionKind::Netstat => compute::sockets(&self.source.sockets()?),
            SectionKind::Processes => compute::processes(&self.source.processes()?),
        };
        Ok(samples(section, config, readings, at))
    }

    fn cpu(&mut self, section: &Section) -> std::io::Result<Vec<Reading>> {
        let each = section.resources.as_ref().is_some_and(|names| names.iter().any(|name| name == "*"));
        let mut readings = Vec::new();
        for (name, times) in self.source.processors()? {
            let is_wanted = if name == "cpu-total" { section.total_cpu } else { each };
            if !is_wanted {
                continue;
            }
            let before = self.processors.insert(name.clone(), times);
            for (field, value) in compute::processor(&times, before.as_ref()) {
                readings.push(Reading { field, value, dimensions: vec![("cpu", name.clone())] });
            }
        }
        Ok(readings)
    }

    fn disk(&self, section: &Section) -> std::io::Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for mount in self.source.mounts()? {
            if !is_resource(section, &mount.path) || section.ignored_file_systems.contains(&mount.fstype) {
                continue;
            }
            // It may have been taken away since the list was read, or not be for us to see.
            let Ok(Some(space)) = self.source.space(&mount.path) else { continue };
            let mut dimensions = vec![("path", mount.path), ("fstype", mount.fstype)];
            if !section.drop_device {
                dimensions.push(("device", mount.device.trim_start_matches("/dev/").to_owned()));
            }
            let of = |(field, value)| Reading { field, value, dimensions: dimensions.clone() };
            readings.extend(compute::space(&space).into_iter().map(of));
        }
        Ok(readings)
    }

    fn disk_io(&mut self, section: &Section) -> std::io::Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for (name, figures, in_progress) in self.source.disks()? {
            if !is_resource(section, &name) {
                continue;
            }
            readings.extend(self.differences(SectionKind::Diskio, "name", &name, &figures));
            let dimensions = vec![("name", name)];
            readings.push(Reading { field: "iops_in_progress", value: in_progress as f64, dimensions });
        }
        Ok(readings)
    }

    fn net(&mut self, section: &Section) -> std::io::Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for interface in self.source.interfaces()? {
            let is_named = section.resources.iter().flatten().any(|name| *name == interface.name);
            let is_usual = interface.is_up && !interface.is_loopback && is_resource(section, &interface.name);
            if is_named || is_usual {
                let figures = &interface.counters;
                readings.extend(self.differences(SectionKind::Net, "interface", &interface.name, figures));
            }
        }
        Ok(readings)
    }

    /// What counters grew by since the last time. The first time, and when one was reset, there is nothing.
    fn differences(
        &mut self,
        kind: SectionKind,
        dimension: &'static str,
        resource: &str,
        counters: &[(&'static str, u64)],
    ) -> Vec<Reading> {
        let mut readings = Vec::new();
        for (field, now) in counters {
            let before = self.counters.insert((kind, resource.to_owned(), *field), *now);
            if let Some(grown) = before.and_then(|before| now.checked_sub(before)) {
                let dimensions = vec![(dimension, resource.to_owned())];
                readings.push(Reading { field, value: grown as f64, dimensions });
            }
        }
        readings
    }
}

fn is_resource(section: &Section, name: &str) -> bool {
    section.resources.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == "*" || wanted == name))
}

/// The readings that are wanted, under their published names.
fn samples(section: &Section, config: &MetricsConfig, readings: Vec<Reading>, at: Timestamp) -> Vec<Sample> {
    let mut samples = Vec::with_capacity(readings.len());
    for reading in readings {
        for measurement in section.measurements.iter().filter(|m| m.field == reading.field) {
            let mut dimensions: BTreeMap<String, String> = config.dimensions.clone();
            dimensions.extend(section.dimensions.clone());
            let own = reading.dimensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
            dimensions.extend(own);
            // AWS: an interval under a minute is published in high resolution (CloudWatch-Agent-Configuration-File).
            let high_resolution = section.interval_secs < 60;
            let full_name = format!("{}_{}", section.kind.name(), measurement.field);
            let sample = Sample {
                name: measurement.name.clone(),
                unit: measurement.unit,
                dimensions,
                at,
                value: reading.value,
                weight: 1.0,
                high_resolution,
            };
            let keep_original = !section.drop_original.contains(&full_name);
            samples.extend(crate::metrics::rolled_up(sample, &config.aggregation_dimensions, keep_original));
        }
    }
    samples
}
