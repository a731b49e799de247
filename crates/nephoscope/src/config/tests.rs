//! Precedence, and what is refused.

use clap::{CommandFactory as _, Parser as _};

use super::*;
use crate::cli::Cli;

fn file(text: &str) -> Result<Settings, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let flags =
        Cli::try_parse_from(["nephoscope", "serve", "--default-region", "eu-west-1"]).unwrap().settings;
    let from_file = file("default-region = 'us-west-2'\ndefault-account = '111111111111'").unwrap();
    let config = Config::new(flags.or(from_file)).unwrap();
    assert_eq!(config.default_scope.to_string(), "111111111111/eu-west-1");
    assert_eq!(config.listen, ["127.0.0.1:4580".parse().unwrap()]);
    assert_eq!(
        config.xray_daemon,
        Some(XrayDaemon { addr: "127.0.0.1:2000".parse().unwrap(), required: false })
    );
}

#[test]
fn every_setting_is_a_flag_an_environment_variable_and_a_key() {
    let all = Settings {
        tls_listen: Some(vec!["127.0.0.1:1".parse().unwrap()]),
        tls_cert: Some("c".into()),
        tls_key: Some("k".into()),
        credentials: Some("f".into()),
        cors_origin: Some(vec!["http://a".into()]),
        public_url: Some("http://a".into()),
        syslog: Some(vec!["udp://127.0.0.1:514".into()]),
        otlp_resource_dimension: Some(vec!["host.name".into()]),
        allow_loopback_endpoints: Some(true),
        ..Settings::defaults()
    };
    let text = toml::to_string(&all).unwrap();
    assert_eq!(file(&text).unwrap(), all);
    let keys: toml::Table = toml::from_str(&text).unwrap();
    let command = Cli::command();
    let flags: Vec<&clap::Arg> = command
        .get_arguments()
        .filter(|a| a.get_id() != "config" && a.get_id() != "abort_at" && a.get_env().is_some())
        .collect();
    for flag in &flags {
        let name = flag.get_long().unwrap();
        assert!(keys.contains_key(name), "{name} is no key of the file");
        let variable = format!("NEPHOSCOPE_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(flag.get_env().unwrap().to_str(), Some(variable.as_str()));
    }
    assert_eq!(flags.len(), keys.len());
}

#[test]
fn unknown_keys_and_bad_values_are_named() {
    assert!(file("lisen = []").unwrap_err().to_string().contains("lisen"));
    assert!(file("xray-daemon = 'no'").is_err());
    for (text, setting) in [
        ("listen = ['0.0.0.0:4580']", "listen"),
        ("xray-daemon = '0.0.0.0:2000'", "listen"),
        ("listen = []", "listen"),
        ("auth = 'enforced'", "auth"),
        ("tls-cert = 'a'", "tls-cert"),
        ("tls-listen = ['127.0.0.1:0']", "tls-listen"),
        ("tls-self-signed = true", "tls-listen"),
        ("default-account = '1'", "default-account"),
        ("default-region = 'US'", "default-region"),
        ("clock = 'simulated:yesterday'", "clock"),
        ("clock = 'sundial'", "clock"),
        ("log-level = 'a=b=c'", "log-level"),
        ("query-memory-mib = 1", "query-memory-mib"),
    ] {
        match Config::new(file(text).unwrap()) {
            Err(ConfigError::Setting { setting: named, .. }) => assert_eq!(named, setting, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn what_a_user_may_choose() {
    for text in [
        "listen = ['0.0.0.0:4580']\nallow-open-network = true",
        "listen = ['[::1]:0']\nxray-daemon = 'off'",
        "listen = ['0.0.0.0:4580']\nauth = 'enforced'\ncredentials = 'keys.toml'",
        "tls-listen = ['127.0.0.1:0']\ntls-self-signed = true",
    ] {
        Config::new(file(text).unwrap()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    let simulated = Config::new(file("clock = 'simulated:2026-01-01T00:00:00Z'").unwrap()).unwrap();
    assert_eq!(simulated.clock, ClockChoice::Simulated(Some(Timestamp::from_secs(1_767_225_600))));
}
