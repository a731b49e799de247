//! The server's own endpoints under `/_nephoscope/`: health, metrics and the simulated clock.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock as _, SimulatedClock, Timestamp};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::body;
use crate::config::AuthMode;
use crate::finish;
use crate::metrics::Gauge;
use crate::request::{Answer, Head};

pub(crate) async fn answer(app: &Arc<App>, head: &Head, body: Incoming) -> Answer {
    let path = head.path().trim_start_matches("/_nephoscope/");
    let method = &head.parts.method;
    if !may_ask(app, head) {
        body::discard(body, app.network_clock.as_ref(), &app.config.limits).await;
        return refused("unknown", StatusCode::FORBIDDEN, "only this machine may ask");
    }
    match (path, method) {
        ("health", &Method::GET | &Method::HEAD) => {
            Answer::new("server", "Health", finish::json(StatusCode::OK, &health(app)))
        }
        ("metrics", &Method::GET | &Method::HEAD) => Answer::new("server", "Metrics", metrics(app)),
        ("clock", &Method::GET) => {
            Answer::new("server", "Clock", finish::json(StatusCode::OK, &clock_state(app)))
        }
        ("clock", &Method::POST) => move_clock(app, body).await,
        ("health" | "metrics" | "clock", _) => {
            refused("unknown", StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        }
        _ => refused("unknown", StatusCode::NOT_FOUND, "no such endpoint"),
    }
}

/// In enforced mode these endpoints, which know no signatures, are for this machine.
fn may_ask(app: &App, head: &Head) -> bool {
    // A notification whose subscriber named this server as its endpoint.
    if head.parts.headers.contains_key("x-amz-sns-message-type") {
        return false;
    }
    app.config.auth == AuthMode::Open
        || app.config.admin_remote
        || head.peer.addr.ip().to_canonical().is_loopback()
}

fn refused(operation: &'static str, status: StatusCode, message: &str) -> Answer {
    let mut answer = Answer::new("server", operation, finish::json(status, &json!({ "message": message })));
    answer.error = Some(("Refused".to_owned(), message.to_owned()));
    answer
}

fn health(app: &App) -> Value {
    let bound = app.bound.get().cloned().unwrap_or_default();
    let urls = |scheme: &str, addrs: &[std::net::SocketAddr]| -> Vec<String> {
        addrs.iter().map(|addr| format!("{scheme}://{addr}")).collect()
    };
    let mut listeners = urls("http", &bound.plain);
    listeners.extend(urls("https", &bound.tls));
    let uptime = app.network_clock.monotonic().saturating_sub(app.started);
    let tasks: serde_json::Map<String, Value> = app
        .status
        .tasks()
        .into_iter()
        .map(|(name, status)| {
            let (result, error) = match &status.last_result {
                None => (None, None),
                Some(Ok(activity)) => (Some(activity.summary.clone()), None),
                Some(Err(error)) => (None, Some(error.clone())),
            };
            let value = json!({
                "activations": status.activations,
                "failures": status.failures,
                "running": status.running,
                "lastStarted": status.last_started.map(Timestamp::to_iso8601_millis),
                "lastFinished": status.last_finished.map(Timestamp::to_iso8601_millis),
                "lastResult": result,
                "lastError": error,
            });
            (name.to_owned(), value)
        })
        .collect();
    json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "listeners": listeners,
        "xrayDaemon": bound.daemon.map(|addr| addr.to_string()),
        "sockets": bound.sockets.iter().map(|addr| addr.map(|addr| addr.to_string())).collect::<Vec<_>>(),
        "auth": match app.config.auth { AuthMode::Open => "open", AuthMode::Enforced => "enforced" },
        "uptimeSecs": uptime.as_secs(),
        "clock": clock_state(app),
        "services": app.services.iter().map(|s| s.schema.signing_name).collect::<Vec<_>>(),
        "tasks": tasks,
    })
}

fn clock_state(app: &App) -> Value {
    let mode = if app.clock.simulated().is_some() { "simulated" } else { "system" };
    json!({ "mode": mode, "now": app.clock.now().to_iso8601_millis() })
}

fn metrics(app: &App) -> Response<Full<Bytes>> {
    let mut gauges = app.status.gauges();
    gauges.push(Gauge {
        name: "nephoscope_bodies_bytes".to_owned(),
        help: "Request bodies held in memory.",
        labels: Vec::new(),
        value: app.bodies.used() as f64,
    });
    let mut response = Response::new(Full::new(Bytes::from(app.metrics.render(&gauges))));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// `{"advance_secs": 60}` or `{"now": "2026-01-01T00:00:00Z"}` (or epoch seconds).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockRequest {
    advance_secs: Option<f64>,
    now: Option<Value>,
}

async fn move_clock(app: &Arc<App>, body: Incoming) -> Answer {
    let mut room = app.bodies.reserve_nothing();
    let received = body::receive(body, app.network_clock.as_ref(), &app.config.limits, &mut room).await;
    let Some(clock) = app.clock.simulated() else {
        let message = "the clock is the machine's; start the server with --clock simulated to move it";
        return refused("Clock", StatusCode::CONFLICT, message);
    };
    let Ok(bytes) = received else {
        return refused("Clock", StatusCode::BAD_REQUEST, "the body could not be read");
    };
    match target(&bytes, clock.now()) {
        Ok(to) => {
            advance(app, clock, to).await;
            Answer::new("server", "Clock", finish::json(StatusCode::OK, &clock_state(app)))
        }
        Err(message) => refused("Clock", StatusCode::BAD_REQUEST, &message),
    }
}

/// The time a request asks for, which is never before `now`.
fn target(body: &[u8], now: Timestamp) -> Result<Timestamp, String> {
    let request: ClockRequest =
        serde_json::from_slice(body).map_err(|error| format!("not understood: {error}"))?;
    let to = match (request.advance_secs, request.now) {
        (Some(secs), None) if (0.0..=1e11).contains(&secs) => now + Duration::from_secs_f64(secs),
        (None, Some(Value::Number(secs))) => {
            secs.as_f64().and_then(Timestamp::from_secs_f64).ok_or_else(|| "now is not a time".to_owned())?
        }
        (None, Some(Value::String(text))) => chrono::DateTime::parse_from_rfc3339(&text)
            .map(|at| Timestamp::from_millis(at.timestamp_millis()))
            .map_err(|error| format!("now is not a time: {error}"))?,
        _ => {
            return Err("give either advance_secs (a number not below 0) or now (ISO 8601 or epoch seconds)"
                .to_owned());
        }
    };
    if to < now { Err("the clock cannot go back".to_owned()) } else { Ok(to) }
}

/// Steps taken one deadline at a time; a longer journey ends with one jump.
const STEPS_MAX: usize = 20_000;
/// Times the scheduler is given way after a step, for what it woke to begin.
const YIELDS: usize = 20;
const SETTLE_PAUSE: Duration = Duration::from_millis(1);

/// Moves the clock from deadline to deadline, letting background work finish at each, so that a month
/// that passes at once is still lived through in order.
async fn advance(app: &App, clock: &SimulatedClock, to: Timestamp) {
    for _ in 0..STEPS_MAX {
        match clock.next_deadline() {
            Some(next) if next <= to => clock.advance_to(next),
            _ => break,
        }
        settle(app).await;
    }
    clock.advance_to(to);
    settle(app).await;
}

/// Waits until background work has done what is due.
async fn settle(app: &App) {
    for _ in 0..YIELDS {
        tokio::task::yield_now().await;
    }
    while !app.status.is_quiescent() {
        app.network_clock.sleep(SETTLE_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_only_goes_forward() {
        let now = Timestamp::from_secs(1000);
        for (body, expected) in [
            (r#"{"advance_secs": 60}"#, Some(1_060_000)),
            (r#"{"advance_secs": 0.5}"#, Some(1_000_500)),
            (r#"{"now": 2000}"#, Some(2_000_000)),
            (r#"{"now": "1970-01-01T01:00:00Z"}"#, Some(3_600_000)),
            (r#"{"now": 999}"#, None),
            (r#"{"advance_secs": -1}"#, None),
            (r#"{"advance_secs": 1e300}"#, None),
            (r#"{"advance_secs": 1, "now": 2000}"#, None),
            (r#"{"later": 1}"#, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(target(body.as_bytes(), now).ok().map(Timestamp::as_millis), expected, "{body}");
        }
    }
}
