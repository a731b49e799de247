//! Shapes of different kinds read back what they wrote, and violations are noticed on the way.

use std::collections::BTreeMap;

use base::Timestamp;
use shapes::{cloudwatch, logs, xray};
use smithy::{CheckedReader, Document, OperationError, Shape, ShapeWriter};

use crate::document_codec::{TreeReader, TreeWriter};

fn tree<T: Shape>(value: &T) -> Document {
    let mut writer = TreeWriter::default();
    writer.write_structure(T::shape_schema(), value).expect("writing cannot fail");
    writer.value
}

fn assert_round_trip<T: Shape + PartialEq + std::fmt::Debug>(value: &T) {
    let tree = tree(value);
    let mut reader = TreeReader(&tree);
    assert_eq!(&T::read(&mut reader).expect("what was written"), value);
}

#[test]
fn structures_with_lists_maps_and_enums() {
    assert_round_trip(&cloudwatch::PutMetricDataInput {
        namespace: "App".into(),
        metric_data: Some(vec![cloudwatch::MetricDatum {
            metric_name: "Hits".into(),
            timestamp: Some(Timestamp::from_millis(1_704_067_200_000)),
            value: Some(1.5),
            values: Some(vec![1.0, 2.0]),
            unit: Some(cloudwatch::StandardUnit::CountSecond),
            storage_resolution: Some(1),
            dimensions: Some(vec![cloudwatch::Dimension { name: "Svc".into(), value: "a".into() }]),
            statistic_values: Some(cloudwatch::StatisticSet {
                maximum: 3.0,
                minimum: 1.0,
                sample_count: 2.0,
                sum: 4.0,
            }),
            ..Default::default()
        }]),
        ..Default::default()
    });
    assert_round_trip(&logs::PutLogEventsRequest {
        log_group_name: "g".into(),
        log_stream_name: "s".into(),
        log_events: vec![logs::InputLogEvent { timestamp: 5, message: "hello".into() }],
        entity: Some(logs::Entity {
            key_attributes: Some(BTreeMap::from([("Type".to_owned(), "Service".to_owned())])),
            ..Default::default()
        }),
        ..Default::default()
    });
    assert_round_trip(&xray::GetTraceSummariesRequest {
        start_time: Timestamp::from_millis(1),
        end_time: Timestamp::from_millis(2),
        sampling: Some(true),
        sampling_strategy: Some(xray::SamplingStrategy {
            name: Some(xray::SamplingStrategyName::FixedRate),
            value: Some(0.5),
        }),
        ..Default::default()
    });
}

#[test]
fn unions_maps_of_structures_and_blobs() {
    assert_round_trip(&xray::UpdateIndexingRuleRequest {
        name: "Default".into(),
        rule: xray::IndexingRuleValueUpdate::Probabilistic(xray::ProbabilisticRuleValueUpdate {
            desired_sampling_percentage: 5.0,
        }),
    });
    assert_round_trip(&xray::TraceSummary {
        annotations: Some(BTreeMap::from([(
            "k".to_owned(),
            vec![xray::ValueWithServiceIds {
                annotation_value: Some(xray::AnnotationValue {
                    string_value: Some("v".into()),
                    ..Default::default()
                }),
                ..Default::default()
            }],
        )])),
        ..Default::default()
    });
    assert_round_trip(&cloudwatch::GetMetricWidgetImageOutput { metric_widget_image: Some(vec![1, 2, 255]) });
}

#[test]
fn enums_keep_values_the_model_does_not_list() {
    let unit = cloudwatch::StandardUnit::from("Parsecs");
    assert_eq!(unit, cloudwatch::StandardUnit::Unknown("Parsecs".into()));
    assert_eq!(unit.as_str(), "Parsecs");
    assert_eq!(cloudwatch::StandardUnit::from("Bytes/Second".to_owned()).as_str(), "Bytes/Second");
}

#[test]
fn exceptions_become_operation_errors_with_their_text() {
    let error: OperationError = logs::ResourceNotFoundException::new("gone").into();
    let OperationError::Modelled(error) = error else { panic!("not modelled") };
    assert_eq!(error.schema().name, "ResourceNotFoundException");
    assert_eq!(error.message.as_deref(), Some("gone"));
    let error: OperationError = cloudwatch::DashboardInvalidInputError::new("bad").into();
    let OperationError::Modelled(error) = error else { panic!("not modelled") };
    let mut writer = TreeWriter::default();
    writer.write_structure(error.schema(), &*error.shape).expect("writing cannot fail");
    assert_eq!(writer.value, Document::Map(vec![("message".to_owned(), Document::String("bad".to_owned()))]));
}

#[test]
fn a_checked_read_notes_every_violation() {
    let request = Document::Map(vec![
        ("logGroupName".to_owned(), Document::String("bad name".to_owned())),
        ("logStreamName".to_owned(), Document::String("s".to_owned())),
    ]);
    let mut reader = TreeReader(&request);
    let mut checked = CheckedReader::new(&mut reader);
    logs::PutLogEventsRequest::read(&mut checked).expect("well-typed");
    assert_eq!(
        smithy::violations_message(&checked.violations()),
        "2 validation errors detected: Value 'bad name' at 'logGroupName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+; Value null at 'logEvents' failed to satisfy \
         constraint: Member must not be null"
    );
}
