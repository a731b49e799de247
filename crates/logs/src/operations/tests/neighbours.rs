//! Sinks that keep what they are given and fail on demand.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use base::Scope;
use bytes::Bytes;
use parking_lot::Mutex;
use signals::{
    BucketError, Buckets, MetricDatum, MetricSink, SinkError, TargetCall, TargetError, TargetSink,
};

/// Takes metric data, calls of targets and objects of buckets.
#[derive(Default)]
pub(in crate::operations) struct Recorder {
    pub(in crate::operations) metrics: Mutex<Vec<(Scope, MetricDatum)>>,
    pub(in crate::operations) calls: Mutex<Vec<TargetCall>>,
    /// Answers to the next calls of targets; then they succeed.
    pub(in crate::operations) failures: Mutex<VecDeque<TargetError>>,
    /// Objects by bucket and key. A bucket exists when it has an entry.
    pub(in crate::operations) objects: Mutex<BTreeMap<String, BTreeMap<String, Bytes>>>,
    /// Answers to the next writes of objects; then they succeed.
    pub(in crate::operations) bucket_failures: Mutex<VecDeque<BucketError>>,
}

impl Recorder {
    pub(in crate::operations) fn create_bucket(&self, name: &str) {
        self.objects.lock().entry(name.to_owned()).or_default();
    }

    /// What was called since the last look.
    pub(in crate::operations) fn take_calls(&self) -> Vec<TargetCall> {
        std::mem::take(&mut self.calls.lock())
    }
}

#[async_trait]
impl MetricSink for Recorder {
    async fn put_metric_data(&self, scope: &Scope, data: Vec<MetricDatum>) -> Result<(), SinkError> {
        self.metrics.lock().extend(data.into_iter().map(|datum| (scope.clone(), datum)));
        Ok(())
    }
}

#[async_trait]
impl TargetSink for Recorder {
    async fn call(&self, call: TargetCall) -> Result<(), TargetError> {
        if let Some(error) = self.failures.lock().pop_front() {
            return Err(error);
        }
        self.calls.lock().push(call);
        Ok(())
    }

    fn is_mapped(&self, arn: &str) -> bool {
        !arn.contains("unmapped")
    }
}

#[async_trait]
impl Buckets for Recorder {
    async fn exists(&self, bucket: &str) -> Result<bool, BucketError> {
        Ok(self.objects.lock().contains_key(bucket))
    }

    async fn put_object(&self, bucket: &str, key: &str, body: Bytes) -> Result<(), BucketError> {
        if let Some(error) = self.bucket_failures.lock().pop_front() {
            return Err(error);
        }
        let mut objects = self.objects.lock();
        let bucket = objects.get_mut(bucket).ok_or_else(|| BucketError::Missing(bucket.to_owned()))?;
        bucket.insert(key.to_owned(), body);
        Ok(())
    }
}
