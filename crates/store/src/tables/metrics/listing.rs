//! Which series a listing shows.

use std::sync::Arc;

use super::api::MetricFilter;
use super::key;

/// A filter in the encoding of keys, so that series which fail it are never decoded.
pub(super) struct FilterFields {
    pub(super) namespace: Option<Vec<u8>>,
    pub(super) name: Option<Vec<u8>>,
    dimensions: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl FilterFields {
    pub(super) fn new(filter: &MetricFilter) -> Self {
        let encoded = |text: &Arc<str>| {
            let mut field = Vec::with_capacity(text.len() + 1);
            key::push_field(&mut field, text);
            field
        };
        Self {
            namespace: filter.namespace.as_ref().map(encoded),
            name: filter.name.as_ref().map(encoded),
            dimensions: filter
                .dimensions
                .iter()
                .map(|d| (encoded(&d.name), d.value.as_ref().map(encoded)))
                .collect(),
        }
    }

    pub(super) fn matches(&self, key: &[u8]) -> bool {
        let mut fields = key::fields(key).skip(2);
        let same = |wanted: &Option<Vec<u8>>, found: Option<&[u8]>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        if !same(&self.namespace, fields.next()) || !same(&self.name, fields.next()) {
            return false;
        }
        self.dimensions.is_empty() || {
            let fields: Vec<&[u8]> = fields.collect();
            let has = |(name, value): &(Vec<u8>, Option<Vec<u8>>)| {
                fields.chunks_exact(2).any(|pair| pair[0] == name.as_slice() && same(value, Some(pair[1])))
            };
            self.dimensions.iter().all(has)
        }
    }
}
