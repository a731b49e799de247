//! The `metrics` object.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::report::Report;
use super::walk::{Member, Walk};
use super::{ConfigError, Identity, Measurement, MetricsConfig, Section, SectionKind, StatsdConfig, unit_of};

const INTERVAL_SECS: std::ops::RangeInclusive<u64> = 1..=172_800;
const DIMENSIONS_MAX: usize = 30;

pub(super) fn parse(
    walk: &Walk<'_>,
    identity: &Identity,
    host: BTreeMap<String, String>,
    interval_secs: u64,
    report: &mut Report,
) -> Result<MetricsConfig, ConfigError> {
    let mut config = MetricsConfig {
        namespace: "CWAgent".to_owned(),
        dimensions: host,
        aggregation_dimensions: Vec::new(),
        flush_secs: 60,
        endpoint: None,
        sections: Vec::new(),
        statsd: None,
    };
    for (name, member) in walk.members() {
        match name {
            "namespace" => {
                let namespace = member.text()?;
                if !(1..=255).contains(&namespace.len()) || namespace.starts_with(':') {
                    return Err(member.invalid("should be a namespace of 1 to 255 characters"));
                }
                config.namespace = namespace.to_owned();
                report.honoured(&member);
            }
            "append_dimensions" => config.dimensions = appended(&member, identity, report)?,
            "aggregation_dimensions" => {
                for list in member.items()? {
                    config.aggregation_dimensions.push(list.texts()?);
                }
                report.honoured(&member);
            }
            "force_flush_interval" => {
                config.flush_secs = member.secs(INTERVAL_SECS)?;
                report.honoured(&member);
            }
            "endpoint_override" => {
                config.endpoint = Some(with_scheme(member.text()?));
                report.honoured(&member);
            }
            "credentials" => report.ignored(&member, "credentials are taken from the environment"),
            "metrics_destinations" => destinations(&member, report)?,
            "metrics_collected" => sections(&Walk::object(&member)?, interval_secs, &mut config, report)?,
            "service.name" | "deployment.environment" => report.ignored(&member, "entities are not sent yet"),
            _ => report.ignored(&member, "unknown member"),
        }
    }
    Ok(config)
}

/// A host becomes the URL that the CloudWatch agent would use.
pub(super) fn with_scheme(endpoint: &str) -> String {
    if endpoint.contains("://") { endpoint.to_owned() } else { format!("https://{endpoint}") }
}

/// Any appended dimension removes `host`.
fn appended(
    member: &Member<'_>,
    identity: &Identity,
    report: &mut Report,
) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut dimensions = BTreeMap::new();
    for (name, value) in Walk::object(member)?.members() {
        let known = match value.text()? {
            "${aws:InstanceId}" => &identity.instance_id,
            "${aws:InstanceType}" => &identity.instance_type,
            "${aws:ImageId}" => &identity.image_id,
            "${aws:AutoScalingGroupName}" => &identity.auto_scaling_group_name,
            text if text.starts_with("${") => &None,
            text => &Some(text.to_owned()),
        };
        match known {
            Some(known) => {
                dimensions.insert(name.to_owned(), known.clone());
                report.honoured(&value);
            }
            None => report.ignored(&value, "not known of this host: the dimension is left out"),
        }
    }
    Ok(dimensions)
}

fn destinations(member: &Member<'_>, report: &mut Report) -> Result<(), ConfigError> {
    for (name, destination) in Walk::object(member)?.members() {
        match name {
            "cloudwatch" => report.honoured(&destination),
            _ => report.refused(&destination, "only cloudwatch is a destination"),
        }
    }
    Ok(())
}

fn sections(
    walk: &Walk<'_>,
    interval_secs: u64,
    config: &mut MetricsConfig,
    report: &mut Report,
) -> Result<(), ConfigError> {
    for (name, member) in walk.members() {
        match (SectionKind::by_name(name), name) {
            (Some(kind), _) => {
                report.honoured(&member);
                let section = section(kind, &Walk::object(&member)?, interval_secs, report)?;
                config.sections.push(section);
            }
            (None, "statsd") => {
                report.honoured(&member);
                config.statsd = Some(statsd(&Walk::object(&member)?, report)?);
            }
            (None, _) => report.refused(&member, "not supported"),
        }
    }
    Ok(())
}

fn section(
    kind: SectionKind,
    walk: &Walk<'_>,
    interval_secs: u64,
    report: &mut Report,
) -> Result<Section, ConfigError> {
    let usual = || kind.usual().iter().filter_map(|field| measurement(kind, field, None, None));
    let mut section = Section {
        kind,
        measurements: usual().collect(),
        resources: None,
        interval_secs,
        dimensions: BTreeMap::new(),
        drop_original: Vec::new(),
        total_cpu: true,
        drop_device: false,
        ignored_file_systems: Vec::new(),
    };
    for (name, member) in walk.members() {
        match name {
            "measurement" => section.measurements = measurements(kind, &member, report)?,
            "resources" => section.resources = Some(member.texts()?),
            "metrics_collection_interval" => section.interval_secs = member.secs(INTERVAL_SECS)?,
            "append_dimensions" => section.dimensions = member.pairs()?,
            "drop_original_metrics" => {
                let full = |name: String| full_name(kind, &name);
                section.drop_original = member.texts()?.into_iter().map(full).collect();
            }
            "totalcpu" => section.total_cpu = member.flag()?,
            "drop_device" => section.drop_device = member.flag()?,
            "ignore_file_system_types" => section.ignored_file_systems = member.texts()?,
            _ => {
                report.ignored(&member, "unknown member");
                continue;
            }
        }
        report.honoured(&member);
    }
    if section.dimensions.len() > DIMENSIONS_MAX {
        section.dimensions = section.dimensions.into_iter().take(DIMENSIONS_MAX).collect();
    }
    Ok(section)
}

/// A published name: with the section's, however it was written.
fn full_name(kind: SectionKind, name: &str) -> String {
    let prefix = format!("{}_", kind.name());
    if name.starts_with(&prefix) { name.to_owned() } else { prefix + name }
}

fn measurement(
    kind: SectionKind,
    name: &str,
    rename: Option<&str>,
    unit: Option<&'static str>,
) -> Option<Measurement> {
    let full = full_name(kind, name);
    let bare = full.strip_prefix(kind.name())?.strip_prefix('_')?;
    let (field, own_unit) = unit_of(kind, bare)?;
    let name = rename.map_or_else(|| full.clone(), str::to_owned);
    Some(Measurement { field, name, unit: unit.unwrap_or(own_unit) })
}

fn measurements(
    kind: SectionKind,
    member: &Member<'_>,
    report: &mut Report,
) -> Result<Vec<Measurement>, ConfigError> {
    let mut found = Vec::new();
    for item in member.items()? {
        let (name, rename, unit) = match item.value.as_str() {
            Some(name) => (name, None, None),
            None => {
                let walk = Walk::object(&item)?;
                let text = |name: &str| walk.get(name).map(|member| member.text()).transpose();
                let name = text("name")?.ok_or_else(|| item.invalid("has no name"))?;
                (name, text("rename")?, text("unit")?)
            }
        };
        let unit = match unit {
            None => None,
            Some(unit) => Some(
                signals::Unit::by_name(unit)
                    .ok_or_else(|| item.invalid(format!("{unit} is not a unit")))?
                    .name(),
            ),
        };
        match measurement(kind, name, rename, unit) {
            Some(measurement) => found.push(measurement),
            None => report.refused(&item, "not a field of this section"),
        }
    }
    Ok(found)
}

fn statsd(walk: &Walk<'_>, report: &mut Report) -> Result<StatsdConfig, ConfigError> {
    let mut config = StatsdConfig {
        address: SocketAddr::from(([0, 0, 0, 0], 8125)),
        aggregation_secs: 60,
        collection_secs: 10,
    };
    for (name, member) in walk.members() {
        match name {
            "service_address" => config.address = address(&member, member.text()?)?,
            "metrics_aggregation_interval" => config.aggregation_secs = member.secs(0..=172_800)?,
            "metrics_collection_interval" => config.collection_secs = member.secs(INTERVAL_SECS)?,
            "metric_separator" | "allowed_pending_messages" | "drop_original_metrics" => {
                report.ignored(&member, "has no effect");
                continue;
            }
            _ => {
                report.ignored(&member, "unknown member");
                continue;
            }
        }
        report.honoured(&member);
    }
    Ok(config)
}

/// `:8125` or `127.0.0.1:8125`.
pub(super) fn address(member: &Member<'_>, text: &str) -> Result<SocketAddr, ConfigError> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    full.parse().map_err(|_| member.invalid(format!("{text} is not an address")))
}
