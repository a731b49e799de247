//! The `logs` object.

use super::metrics::{address, with_scheme};
use super::report::Report;
use super::walk::{Member, Walk};
use super::{ConfigError, EmfConfig, FileConfig, Filter, Identity, LogsConfig};

/// Retentions PutRetentionPolicy takes.
const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const EMF_PORT: u16 = 25_888;

pub(super) fn parse(
    walk: &Walk<'_>,
    identity: &Identity,
    report: &mut Report,
) -> Result<LogsConfig, ConfigError> {
    let mut config = LogsConfig { files: Vec::new(), flush_secs: 5, endpoint: None, emf: None };
    let stream = match walk.get("log_stream_name") {
        Some(member) => {
            report.honoured(&member);
            identity.fill_in(member.text()?)
        }
        // AWS: the instance; elsewhere the host.
        None => identity.instance_id.clone().unwrap_or_else(|| identity.fill_in("{hostname}")),
    };
    for (name, member) in walk.members() {
        match name {
            "log_stream_name" => {}
            "logs_collected" => collected(&Walk::object(&member)?, identity, &stream, &mut config, report)?,
            "metrics_collected" => received(&Walk::object(&member)?, &stream, &mut config, report)?,
            "force_flush_interval" => {
                config.flush_secs = member.secs(1..=3600)?;
                report.honoured(&member);
            }
            "endpoint_override" => {
                config.endpoint = Some(with_scheme(member.text()?));
                report.honoured(&member);
            }
            "concurrency" => report.ignored(&member, "each stream has its own sender"),
            "credentials" => report.ignored(&member, "credentials are taken from the environment"),
            "service.name" | "deployment.environment" => report.ignored(&member, "entities are not sent yet"),
            _ => report.ignored(&member, "unknown member"),
        }
    }
    Ok(config)
}

fn collected(
    walk: &Walk<'_>,
    identity: &Identity,
    stream: &str,
    config: &mut LogsConfig,
    report: &mut Report,
) -> Result<(), ConfigError> {
    for (name, member) in walk.members() {
        if name != "files" {
            report.refused(&member, "not supported");
            continue;
        }
        for (name, member) in Walk::object(&member)?.members() {
            if name != "collect_list" {
                report.ignored(&member, "unknown member");
                continue;
            }
            for item in member.items()? {
                if let Some(file) = file(&item, identity, stream, report)? {
                    config.files.push(file);
                }
            }
        }
    }
    conflicts(&config.files, walk, report);
    Ok(())
}

/// Entries that want the same group in different forms: the first decides.
fn conflicts(files: &[FileConfig], walk: &Walk<'_>, report: &mut Report) {
    for (index, file) in files.iter().enumerate() {
        let other = files[..index].iter().find(|other| other.log_group == file.log_group);
        let differs = |other: &&FileConfig| {
            other.retention_days != file.retention_days || other.log_group_class != file.log_group_class
        };
        if other.filter(differs).is_some()
            && let Some(member) = walk.get("files")
        {
            let note =
                format!("{} is wanted with another retention or class; the first holds", file.log_group);
            report.refused(&member, &note);
        }
    }
}

fn file(
    item: &Member<'_>,
    identity: &Identity,
    stream: &str,
    report: &mut Report,
) -> Result<Option<FileConfig>, ConfigError> {
    let walk = Walk::object(item)?;
    let Some(path) = walk.get("file_path") else { return Err(item.invalid("has no file_path")) };
    let path = path.text()?.to_owned();
    let mut file = FileConfig {
        log_group: group_of_path(&path),
        file_path: path,
        log_stream: stream.to_owned(),
        log_group_class: None,
        retention_days: None,
        timestamp_format: None,
        utc: false,
        trim_timestamp: false,
        multi_line_start: None,
        filters: Vec::new(),
        blacklist: None,
        publish_multi_logs: false,
        from_beginning: true,
    };
    let mut usable = true;
    for (name, member) in walk.members() {
        match name {
            "file_path" => {}
            "log_group_name" => file.log_group = legal_group(&identity.fill_in(member.text()?)),
            "log_stream_name" => file.log_stream = legal_stream(&identity.fill_in(member.text()?)),
            "log_group_class" => file.log_group_class = class(&member)?,
            "retention_in_days" => file.retention_days = retention(&member)?,
            "timestamp_format" => file.timestamp_format = Some(member.text()?.to_owned()),
            "timezone" => file.utc = member.text()?.eq_ignore_ascii_case("utc"),
            "trim_timestamp" => file.trim_timestamp = member.flag()?,
            "multi_line_start_pattern" => file.multi_line_start = Some(member.text()?.to_owned()),
            "filters" => file.filters = filters(&member)?,
            "blacklist" => file.blacklist = Some(member.text()?.to_owned()),
            "publish_multi_logs" => file.publish_multi_logs = member.flag()?,
            "from_beginning" => file.from_beginning = member.flag()?,
            "encoding" if is_utf8(member.text()?) => {}
            "encoding" => {
                usable = false;
                report.refused(&member, "only UTF-8 is read: the file is not collected");
                continue;
            }
            "auto_removal" => {
                report.ignored(&member, "files are never removed");
                continue;
            }
            "backpressure_mode" => {
                report.ignored(&member, "no file but the current one is held open");
                continue;
            }
            "service.name" | "deployment.environment" => {
                report.ignored(&member, "entities are not sent yet");
                continue;
            }
            _ => {
                report.ignored(&member, "unknown member");
                continue;
            }
        }
        report.honoured(&member);
    }
    crate::logs::compile(&file).map_err(|detail| item.invalid(detail))?;
    Ok(usable.then_some(file))
}

fn is_utf8(label: &str) -> bool {
    matches!(label.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii")
}

fn class(member: &Member<'_>) -> Result<Option<String>, ConfigError> {
    match member.text()?.to_ascii_uppercase().as_str() {
        "" => Ok(None),
        class @ ("STANDARD" | "INFREQUENT_ACCESS") => Ok(Some(class.to_owned())),
        other => Err(member.invalid(format!("{other} is not a class events can be put to"))),
    }
}

/// −1 leaves the group's retention alone.
fn retention(member: &Member<'_>) -> Result<Option<i32>, ConfigError> {
    match member.whole()? {
        -1 => Ok(None),
        days if RETENTION_DAYS.contains(&days) => Ok(Some(days as i32)),
        days => Err(member.invalid(format!("{days} is not a retention CloudWatch Logs offers"))),
    }
}

fn filters(member: &Member<'_>) -> Result<Vec<Filter>, ConfigError> {
    let filter = |item: &Member<'_>| {
        let walk = Walk::object(item)?;
        let text = |name: &str| match walk.get(name) {
            Some(member) => member.text().map(str::to_owned),
            None => Err(item.invalid(format!("has no {name}"))),
        };
        let include = match text("type")?.as_str() {
            "include" => true,
            "exclude" => false,
            other => return Err(item.invalid(format!("{other} is neither include nor exclude"))),
        };
        Ok(Filter { include, expression: text("expression")? })
    };
    member.items()?.iter().map(filter).collect()
}

fn received(
    walk: &Walk<'_>,
    stream: &str,
    config: &mut LogsConfig,
    report: &mut Report,
) -> Result<(), ConfigError> {
    for (name, member) in walk.members() {
        if name != "emf" {
            report.refused(&member, "not supported");
            continue;
        }
        let mut emf = EmfConfig { log_stream: stream.to_owned(), ..EmfConfig::default() };
        match Walk::object(&member)?.get("service_address") {
            None => {
                let everywhere = std::net::SocketAddr::from(([0, 0, 0, 0], EMF_PORT));
                (emf.tcp, emf.udp) = (Some(everywhere), Some(everywhere));
            }
            Some(given) => {
                let text = given.text()?;
                match text.split_once("://") {
                    Some(("tcp", rest)) => emf.tcp = Some(address(&given, rest)?),
                    Some(("udp", rest)) => emf.udp = Some(address(&given, rest)?),
                    _ => return Err(given.invalid(format!("{text} is neither tcp:// nor udp://"))),
                }
            }
        }
        report.honoured(&member);
        config.emf = Some(emf);
    }
    Ok(())
}

/// The path without its last extension.
fn group_of_path(path: &str) -> String {
    let name_start = path.rfind('/').map_or(0, |slash| slash + 1);
    let end = path[name_start..].rfind('.').filter(|dot| *dot > 0).map_or(path.len(), |dot| name_start + dot);
    legal_group(&path[..end])
}

/// Characters a log group's name cannot hold become `_`.
fn legal_group(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_/#.".contains(c);
    name.chars().map(|c| if legal(c) { c } else { '_' }).take(512).collect()
}

/// A stream's name cannot hold `:` and `*`.
pub(crate) fn legal_stream(name: &str) -> String {
    name.chars().map(|c| if matches!(c, ':' | '*') { '_' } else { c }).take(512).collect()
}

impl Identity {
    /// Replaces placeholders; what is not known becomes what the CloudWatch agent writes.
    pub(super) fn fill_in(&self, text: &str) -> String {
        let known =
            |value: &Option<String>, unknown: &str| value.clone().unwrap_or_else(|| unknown.to_owned());
        let hostname = known(&self.hostname, "UNKNOWN-HOST");
        text.replace("{instance_id}", &known(&self.instance_id, "i-UNKNOWN"))
            .replace("{hostname}", &hostname)
            .replace("{local_hostname}", &hostname)
            .replace("{ip_address}", &known(&self.ip_address, "UNKNOWN-IP"))
            .replace("{aws_region}", &known(&self.region, "UNKNOWN-REGION"))
            .replace("{account_id}", &known(&self.account, "UNKNOWN-ACCOUNT"))
            .replace("{date}", &self.date)
    }
}
