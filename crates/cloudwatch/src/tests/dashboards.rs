//! Dashboards through the operations.

use base::{Region, Scope, Timestamp};
use shapes::cloudwatch::{
    ComparisonOperator, DeleteDashboardsInput, GetDashboardInput, GetMetricWidgetImageInput,
    ListDashboardsInput, ListTagsForResourceInput, PutDashboardInput, PutMetricAlarmInput, Statistic, Tag,
    TagResourceInput,
};
use signals::{MetricDatum, MetricIdentity, MetricSink as _, MetricValue, Resolution};
use smithy::Cx;

use super::{Server, TODAY, error_text, scope};
use crate::operations::{alarms, dashboards, tags};
use crate::{CloudWatch, CloudWatchConfig, CloudWatchError};

const BODY: &str = "{ \"widgets\" : [ ] }\n";

async fn server() -> Server {
    Server::new(Timestamp::from_secs(TODAY), CloudWatchConfig::default()).await
}

fn elsewhere(cx: Cx<CloudWatch>) -> Cx<CloudWatch> {
    let mut caller = (*cx.caller).clone();
    caller.scope = Scope::new(caller.scope.account, Region::new("us-west-2").unwrap());
    Cx { caller: caller.into(), ..cx }
}

fn put(name: &str, body: &str, tags: Option<Vec<Tag>>) -> PutDashboardInput {
    PutDashboardInput { dashboard_body: body.to_owned(), dashboard_name: name.to_owned(), tags }
}

fn get(name: &str) -> GetDashboardInput {
    GetDashboardInput { dashboard_name: name.to_owned() }
}

#[tokio::test]
async fn a_dashboard_belongs_to_the_account() {
    let server = server().await;
    let answer = dashboards::put_dashboard(server.cx(), put("main", BODY, None)).await.unwrap();
    assert_eq!(answer.dashboard_validation_messages, Some(Vec::new()));
    let found = dashboards::get_dashboard(elsewhere(server.cx()), get("main")).await.unwrap();
    // V13: byte for byte.
    assert_eq!(found.dashboard_body.as_deref(), Some(BODY));
    assert_eq!(found.dashboard_arn.as_deref(), Some("arn:aws:cloudwatch::123456789012:dashboard/main"));
    let listed = dashboards::list_dashboards(elsewhere(server.cx()), ListDashboardsInput::default()).await;
    let entry = listed.unwrap().dashboard_entries.unwrap().pop().unwrap();
    assert_eq!(
        (entry.size, entry.last_modified),
        (Some(BODY.len() as i64), Some(Timestamp::from_secs(TODAY)))
    );
}

#[tokio::test]
async fn bad_names_and_bodies_change_nothing() {
    let server = server().await;
    let error = dashboards::put_dashboard(server.cx(), put("a b", BODY, None)).await.unwrap_err();
    assert!(error_text(error).starts_with("InvalidParameterValue: The value for field DashboardName"));
    dashboards::put_dashboard(server.cx(), put("d", BODY, None)).await.unwrap();
    let error = dashboards::put_dashboard(server.cx(), put("d", "{}", None)).await.unwrap_err();
    assert!(
        error_text(error).starts_with("InvalidParameterInput: The dashboard body is invalid, there are 1 ")
    );
    let found = dashboards::get_dashboard(server.cx(), get("d")).await.unwrap();
    assert_eq!(found.dashboard_body.as_deref(), Some(BODY));
    let error = dashboards::get_dashboard(server.cx(), get("other")).await.unwrap_err();
    assert_eq!(error_text(error), "ResourceNotFound: Dashboard other does not exist");
}

#[tokio::test]
async fn pages_hold_a_thousand() {
    let server = server().await;
    for n in 0..1001 {
        let name = format!("d-{n:04}");
        dashboards::put_dashboard(server.cx(), put(&name, BODY, None)).await.unwrap();
    }
    let input = |prefix: &str, next_token| ListDashboardsInput {
        dashboard_name_prefix: Some(prefix.to_owned()),
        next_token,
    };
    let first = dashboards::list_dashboards(server.cx(), input("d-", None)).await.unwrap();
    assert_eq!(first.dashboard_entries.unwrap().len(), 1000);
    let token = first.next_token.clone();
    let second = dashboards::list_dashboards(server.cx(), input("d-", token.clone())).await.unwrap();
    let names: Vec<_> =
        second.dashboard_entries.unwrap().into_iter().map(|e| e.dashboard_name.unwrap()).collect();
    assert_eq!((names, second.next_token), (vec!["d-1000".to_owned()], None));
    assert!(
        dashboards::list_dashboards(server.cx(), input("x", token)).await.is_err(),
        "another list's token"
    );
    // V14.
    let none = dashboards::list_dashboards(server.cx(), input("zzz", None)).await.unwrap();
    assert_eq!(none.dashboard_entries, Some(Vec::new()));
}

#[tokio::test]
async fn deleting_takes_what_is_there() {
    let server = server().await;
    for name in ["a", "b"] {
        dashboards::put_dashboard(server.cx(), put(name, BODY, None)).await.unwrap();
    }
    let delete = |names: &[&str]| DeleteDashboardsInput {
        dashboard_names: names.iter().map(ToString::to_string).collect(),
    };
    let error = dashboards::delete_dashboards(server.cx(), delete(&["a", "x"])).await.unwrap_err();
    assert_eq!(error_text(error), "ResourceNotFound: Dashboard x does not exist");
    assert!(dashboards::get_dashboard(server.cx(), get("a")).await.is_err());
    assert!(dashboards::get_dashboard(server.cx(), get("b")).await.is_ok());
    dashboards::delete_dashboards(server.cx(), delete(&["b", "b"])).await.unwrap();
    assert!(dashboards::delete_dashboards(server.cx(), delete(&[])).await.is_err());
    assert!(dashboards::delete_dashboards(server.cx(), delete(&["a b"])).await.is_err());
}

#[tokio::test]
async fn tags_come_with_creation_and_go_with_deletion() {
    let server = server().await;
    let tag = |value: &str| Tag { key: "team".to_owned(), value: value.to_owned() };
    let arn = "arn:aws:cloudwatch::123456789012:dashboard/d".to_owned();
    let list = |cx| {
        let input = ListTagsForResourceInput { resource_arn: arn.clone() };
        async move { tags::list_tags_for_resource(cx, input).await.map(|answer| answer.tags.unwrap()) }
    };
    dashboards::put_dashboard(server.cx(), put("d", BODY, Some(vec![tag("a")]))).await.unwrap();
    // Only creation tags.
    dashboards::put_dashboard(server.cx(), put("d", BODY, Some(vec![tag("b")]))).await.unwrap();
    assert_eq!(list(elsewhere(server.cx())).await.unwrap(), [tag("a")]);
    let change = TagResourceInput { resource_arn: arn.clone(), tags: vec![tag("c")] };
    tags::tag_resource(elsewhere(server.cx()), change).await.unwrap();
    assert_eq!(list(server.cx()).await.unwrap(), [tag("c")]);
    let delete = DeleteDashboardsInput { dashboard_names: vec!["d".to_owned()] };
    dashboards::delete_dashboards(server.cx(), delete).await.unwrap();
    assert!(list(server.cx()).await.is_err());
    dashboards::put_dashboard(server.cx(), put("d", BODY, None)).await.unwrap();
    assert_eq!(list(server.cx()).await.unwrap(), []);
}

#[tokio::test]
async fn a_widget_becomes_a_picture() {
    let server = server().await;
    let at = |secs: i64| Timestamp::from_secs(TODAY - 3600 + secs);
    let data = (0..20).map(|n| {
        let metric = MetricIdentity::new("App", "Load", Vec::new());
        let value = MetricValue::Single(f64::from(n));
        MetricDatum {
            metric,
            timestamp: at(i64::from(n) * 60),
            unit: "Percent".into(),
            resolution: Resolution::Standard,
            value,
        }
    });
    server.service.put_metric_data(&scope(), data.collect()).await.unwrap();
    let image = |widget: &str, format: Option<&str>| {
        let input = GetMetricWidgetImageInput {
            metric_widget: widget.to_owned(),
            output_format: format.map(str::to_owned),
        };
        dashboards::get_metric_widget_image(server.cx(), input)
    };
    let widget = |entries: &str| format!(r#"{{"metrics":[{entries}],"period":60,"width":300,"height":200}}"#);
    let png = |answer: shapes::cloudwatch::GetMetricWidgetImageOutput| answer.metric_widget_image.unwrap();
    let plain = png(image(&widget(r#"["App","Load",{"id":"m1"}]"#), None).await.unwrap());
    assert_eq!(&plain[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!((&plain[16..20], &plain[20..24]), (&300u32.to_be_bytes()[..], &200u32.to_be_bytes()[..]));
    // What is hidden is not drawn; what is computed of it is.
    let twice = r#"["App","Load",{"id":"m1","visible":false}],[{"expression":"m1*2","label":"twice"}]"#;
    let twice = png(image(&widget(twice), Some("png")).await.unwrap());
    let nothing = png(image(&widget(r#"["App","Other"]"#), None).await.unwrap());
    assert!(plain != twice && twice != nothing && plain != nothing);
    for (widget, format) in [
        ("{}", None),
        (r#"{"metrics":[["App","Load"]]}"#, Some("gif")),
        (r#"{"metrics":[["App","Load"]]}"#, Some("image/png")),
        (r#"{"metrics":[[{"expression":"nope(1)"}]]}"#, None),
        (r#"{"metrics":[["App","Load",{"stat":"Nothing"}]]}"#, None),
    ] {
        let error = image(widget, format).await.unwrap_err();
        assert!(matches!(error, CloudWatchError::Validation(_)), "{widget}: {error}");
    }
}

#[tokio::test]
async fn an_alarm_has_a_widget_of_its_own() {
    let server = server().await;
    let alarm = PutMetricAlarmInput {
        alarm_name: "high".to_owned(),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        evaluation_periods: Some(1),
        metric_name: Some("Load".to_owned()),
        namespace: Some("App".to_owned()),
        period: Some(60),
        statistic: Some(Statistic::Average),
        threshold: Some(5.0),
        ..PutMetricAlarmInput::default()
    };
    alarms::put_metric_alarm::put_metric_alarm(server.cx(), alarm).await.unwrap();
    let image = |arn: &str| {
        let input = GetMetricWidgetImageInput {
            metric_widget: format!(r#"{{"annotations":{{"alarms":["{arn}"]}}}}"#),
            output_format: None,
        };
        dashboards::get_metric_widget_image(server.cx(), input)
    };
    let drawn = image("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:high").await.unwrap();
    let plain = GetMetricWidgetImageInput {
        metric_widget: r#"{"metrics":[["App","Load",{"period":60}]],"title":"high"}"#.to_owned(),
        output_format: None,
    };
    let plain = dashboards::get_metric_widget_image(server.cx(), plain).await.unwrap();
    assert!(drawn.metric_widget_image != plain.metric_widget_image, "the threshold is drawn");
    for missing in ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:low", "high", ""] {
        let error = image(missing).await.unwrap_err();
        assert!(error.to_string().contains("does not exist"), "{error}");
    }
}
