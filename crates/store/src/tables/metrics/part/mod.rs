//! Parts: immutable Parquet files of metric rows with an index inside (`docs/formats/metric-part.md`).

mod columns;
mod index;
mod reader;
mod writer;

pub(super) use reader::{BlockCache, Part, PartScan};
pub(super) use writer::{BuiltPart, PartWriter, Window};
