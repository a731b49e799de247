//! A service over a fresh store, called as the request path calls it, without a protocol.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{AccountId, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, Timestamp};
use shapes::xray::{GetTraceSummariesRequest, TimeRangeType};
use signals::Principal;
use smithy::shape::{ReadError, ShapeReader, ShapeWriter, WriteError};
use smithy::{Caller, Document, OperationError, Reply, Schema, ServiceTable, Shape, WriteShape};
use store::{Store, StoreCapabilities, StoreConfig};
use xray::{XRay, XRayConfig};

/// B of the vectors.
pub(crate) const BASE_SECS: i64 = 1_736_949_760;

pub(crate) struct Bench {
    _dir: tempfile::TempDir,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) store: Arc<Store>,
    pub(crate) service: Arc<XRay>,
    table: ServiceTable,
}

pub(crate) fn scope() -> Scope {
    Scope::new(AccountId::new("111122223333").unwrap(), Region::new("us-east-1").unwrap())
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SimulatedClock::new(Timestamp::from_secs(BASE_SECS + 10));
        let capabilities = StoreCapabilities {
            objects: store::durable_local(&dir.path().join("objects")).unwrap(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(1),
            faults: Arc::new(NoFaults),
        };
        let store = Store::open(StoreConfig::new(dir.path()), capabilities).unwrap();
        let service = XRay::new(store.traces().clone(), clock.clone(), XRayConfig::default());
        Self { _dir: dir, clock, table: xray::table(service.clone()), store, service }
    }

    /// Calls an operation as its handler is called.
    pub(crate) async fn call<O: smithy::Operation>(
        &self,
        _: O,
        input: O::Input,
    ) -> Result<O::Output, OperationError> {
        let mut value = write(&input);
        let caller = Arc::new(Caller {
            scope: scope(),
            principal: Principal {
                arn: "arn:aws:iam::111122223333:root".to_owned(),
                kind: "Root".to_owned(),
                principal_id: "111122223333".to_owned(),
                user_name: None,
                access_key_id: None,
            },
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            request_id: "r".to_owned(),
        });
        let handler = self.table.handler(O::SCHEMA.name).unwrap();
        let now = base::Clock::now(self.clock.as_ref());
        match handler.read(&mut value, caller, now, false).unwrap() {
            Reply::Violations { violations, .. } => panic!("{violations:?}"),
            Reply::Run { future, .. } => {
                let output = future.await?;
                Ok(O::Output::read(&mut write(output.output.as_ref())).unwrap())
            }
        }
    }

    pub(crate) async fn put(&self, documents: &[String]) -> Vec<(Option<String>, String, String)> {
        let input = shapes::xray::PutTraceSegmentsRequest { trace_segment_documents: documents.to_vec() };
        let result = self.call(shapes::xray::operations::PutTraceSegments, input).await.unwrap();
        let unprocessed = result.unprocessed_trace_segments.unwrap();
        unprocessed.into_iter().map(|u| (u.id, u.error_code.unwrap(), u.message.unwrap())).collect()
    }

    /// All vectors' traces, stored.
    pub(crate) async fn with_vectors() -> Self {
        let bench = Self::new();
        assert_eq!(bench.put(&vectors()).await, []);
        bench
    }
}

pub(crate) fn summaries_request(filter: &str) -> GetTraceSummariesRequest {
    GetTraceSummariesRequest {
        start_time: Timestamp::from_secs(BASE_SECS - 60),
        end_time: Timestamp::from_secs(BASE_SECS + 60),
        filter_expression: Some(filter.to_owned()),
        time_range_type: Some(TimeRangeType::TraceId),
        ..GetTraceSummariesRequest::default()
    }
}

/// The message of an exception of this name.
pub(crate) fn message<T>(result: Result<T, OperationError>, exception: &str) -> String {
    match result.err().expect("the call fails") {
        OperationError::Modelled(error) => {
            assert_eq!(error.schema().name, exception);
            error.message.unwrap().into_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// The documents of the vectors, with `B+n` resolved.
pub(crate) fn vectors() -> Vec<String> {
    let text = include_str!("vectors.txt");
    text.split("\n\n").map(|document| with_times(document.trim())).filter(|d| !d.is_empty()).collect()
}

/// `B+n` as the number it stands for.
pub(crate) fn with_times(text: &str) -> String {
    let mut parts = text.split("B+");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(part.len());
        let offset: f64 = part[..end].parse().unwrap();
        out.push_str(&format!("{:.3}", BASE_SECS as f64 + offset));
        out.push_str(&part[end..]);
    }
    out
}

// A protocol without bytes: shapes as a tree.

#[derive(Debug, Clone)]
enum Tree {
    Structure(BTreeMap<usize, Tree>),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
    String(String),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Timestamp(Timestamp),
    Blob(Vec<u8>),
    Document(Document),
    Nothing,
}

fn write(shape: &dyn WriteShape) -> Tree {
    let mut tree = Tree::Nothing;
    tree.write_structure(shape.schema(), shape).unwrap();
    tree
}

impl ShapeWriter for Tree {
    fn write_structure(&mut self, _: &'static Schema, shape: &dyn WriteShape) -> Result<(), WriteError> {
        *self = Tree::Structure(BTreeMap::new());
        shape.write_members(self)
    }

    fn member(
        &mut self,
        _: &'static Schema,
        index: usize,
        value: &mut dyn FnMut(&mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut member = Tree::Nothing;
        value(&mut member)?;
        if let Tree::Structure(members) = self {
            members.insert(index, member);
        }
        Ok(())
    }

    fn write_list(
        &mut self,
        _: &'static Schema,
        len: usize,
        element: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut elements = vec![Tree::Nothing; len];
        for (index, tree) in elements.iter_mut().enumerate() {
            element(index, tree)?;
        }
        *self = Tree::List(elements);
        Ok(())
    }

    fn write_map(
        &mut self,
        _: &'static Schema,
        keys: &[&str],
        entry: &mut dyn FnMut(usize, &mut dyn ShapeWriter) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut entries = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let mut tree = Tree::Nothing;
            entry(index, &mut tree)?;
            entries.push(((*key).to_owned(), tree));
        }
        *self = Tree::Map(entries);
        Ok(())
    }

    fn write_string(&mut self, _: &'static Schema, value: &str) -> Result<(), WriteError> {
        *self = Tree::String(value.to_owned());
        Ok(())
    }

    fn write_boolean(&mut self, _: &'static Schema, value: bool) -> Result<(), WriteError> {
        *self = Tree::Boolean(value);
        Ok(())
    }

    fn write_integer(&mut self, _: &'static Schema, value: i64) -> Result<(), WriteError> {
        *self = Tree::Integer(value);
        Ok(())
    }

    fn write_double(&mut self, _: &'static Schema, value: f64) -> Result<(), WriteError> {
        *self = Tree::Double(value);
        Ok(())
    }

    fn write_timestamp(&mut self, _: &'static Schema, value: Timestamp) -> Result<(), WriteError> {
        *self = Tree::Timestamp(value);
        Ok(())
    }

    fn write_blob(&mut self, _: &'static Schema, value: &[u8]) -> Result<(), WriteError> {
        *self = Tree::Blob(value.to_vec());
        Ok(())
    }

    fn write_document(&mut self, _: &'static Schema, value: &Document) -> Result<(), WriteError> {
        *self = Tree::Document(value.clone());
        Ok(())
    }
}

fn wrong<T>(expected: &'static str, found: &Tree) -> Result<T, ReadError> {
    Err(ReadError::WrongType { expected, found: format!("{found:?}") })
}

impl ShapeReader for Tree {
    fn read_structure(
        &mut self,
        _: &'static Schema,
        member: &mut dyn FnMut(usize, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self {
            Tree::Structure(members) => members.iter_mut().try_for_each(|(index, tree)| member(*index, tree)),
            other => wrong("structure", other),
        }
    }

    fn read_list(
        &mut self,
        _: &'static Schema,
        element: &mut dyn FnMut(&mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self {
            Tree::List(elements) => elements.iter_mut().try_for_each(|tree| element(tree)),
            other => wrong("list", other),
        }
    }

    fn read_map(
        &mut self,
        _: &'static Schema,
        entry: &mut dyn FnMut(String, &mut dyn ShapeReader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self {
            Tree::Map(entries) => entries.iter_mut().try_for_each(|(key, tree)| entry(key.clone(), tree)),
            other => wrong("map", other),
        }
    }

    fn read_string(&mut self, _: &'static Schema) -> Result<String, ReadError> {
        if let Tree::String(value) = self { Ok(value.clone()) } else { wrong("string", self) }
    }

    fn read_boolean(&mut self, _: &'static Schema) -> Result<bool, ReadError> {
        if let Tree::Boolean(value) = self { Ok(*value) } else { wrong("boolean", self) }
    }

    fn read_integer(&mut self, _: &'static Schema) -> Result<i64, ReadError> {
        if let Tree::Integer(value) = self { Ok(*value) } else { wrong("integer", self) }
    }

    fn read_double(&mut self, _: &'static Schema) -> Result<f64, ReadError> {
        if let Tree::Double(value) = self { Ok(*value) } else { wrong("double", self) }
    }

    fn read_timestamp(&mut self, _: &'static Schema) -> Result<Timestamp, ReadError> {
        if let Tree::Timestamp(value) = self { Ok(*value) } else { wrong("timestamp", self) }
    }

    fn read_blob(&mut self, _: &'static Schema) -> Result<Vec<u8>, ReadError> {
        if let Tree::Blob(value) = self { Ok(value.clone()) } else { wrong("blob", self) }
    }

    fn read_document(&mut self, _: &'static Schema) -> Result<Document, ReadError> {
        if let Tree::Document(value) = self { Ok(value.clone()) } else { wrong("document", self) }
    }
}
