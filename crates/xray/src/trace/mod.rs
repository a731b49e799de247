//! A trace, put together of its documents: segments with the subsegments that were sent alone embedded in
//! them, the segments inferred from calls to what sends none, the root.
//!
//! The service graph will stand on the same items: an item knows its segment, its caller and its callee.

mod documents;
mod node;
mod root_cause;
mod summary;
mod view;

use std::collections::HashMap;

use base::Timestamp;
use ingest::segment_document::{Entity, ViewError};
use sha2::{Digest, Sha256};
use signals::TraceId;
use store::tables::traces::StoredTrace;

pub(crate) use documents::{TRACE_BYTES_MAX, documents};
pub(crate) use node::Node;
pub(crate) use summary::{duration_secs, summary};
pub(crate) use view::FilterView;

/// An assembled trace.
pub(crate) struct Trace {
    pub(crate) id: TraceId,
    /// Every segment and subsegment; documents in order of acceptance.
    pub(crate) items: Vec<Item>,
    /// Received segments.
    pub(crate) segments: Vec<ItemId>,
    /// Subsegments sent alone whose parent has not come.
    pub(crate) waiting: Vec<ItemId>,
    pub(crate) inferred: Vec<Inferred>,
    /// The trace root.
    pub(crate) root: Option<ItemId>,
    /// How many documents were accepted.
    pub(crate) versions: u64,
    by_id: HashMap<u64, ItemId>,
}

/// Index into [`Trace::items`].
pub(crate) type ItemId = usize;

/// A segment or subsegment.
pub(crate) struct Item {
    /// Without the embedded subsegments, which are items of their own.
    pub(crate) entity: Entity,
    pub(crate) is_segment: bool,
    pub(crate) parent: Option<ItemId>,
    pub(crate) children: Vec<ItemId>,
    /// The received segment it belongs to (itself, for a segment).
    pub(crate) segment: Option<ItemId>,
    /// What its call reached; a segment may be the caller of several.
    pub(crate) callees: Vec<Callee>,
    /// Of a segment: its place in the service graph.
    pub(crate) node: Option<Node>,
    /// Which stored document it came with.
    document: usize,
    /// Whether it is itself a document.
    is_document: bool,
}

/// The other end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A received segment.
    Received(ItemId),
    /// Index into [`Trace::inferred`].
    Inferred(usize),
}

/// A segment inferred from a subsegment that called something which sent no segment.
pub(crate) struct Inferred {
    pub(crate) id: u64,
    pub(crate) caller: ItemId,
    pub(crate) node: Node,
}

impl Trace {
    /// `account` is the one that received the documents.
    pub(crate) fn assemble(stored: &StoredTrace, account: &str) -> Result<Self, ViewError> {
        let mut trace = Self {
            id: stored.id,
            items: Vec::new(),
            segments: Vec::new(),
            waiting: Vec::new(),
            inferred: Vec::new(),
            root: None,
            versions: stored.versions(),
            by_id: HashMap::new(),
        };
        let mut lone = Vec::new();
        for pass_lone in [false, true] {
            for (document, segment) in stored.segments.iter().enumerate() {
                if segment.is_lone_subsegment == pass_lone {
                    let entity = Entity::read(&segment.document)?;
                    let item = trace.add(entity, document, stored);
                    lone.extend(item.filter(|_| pass_lone));
                }
            }
        }
        trace.attach(lone);
        trace.assign_segments(account);
        trace.find_callees(account);
        trace.find_root();
        Ok(trace)
    }

    pub(crate) fn item_by_id(&self, id: u64) -> Option<ItemId> {
        self.by_id.get(&id).copied()
    }

    /// Received segments and waiting subsegments: what stands at the top.
    pub(crate) fn tops(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.segments.iter().chain(&self.waiting).copied()
    }

    /// `top` and everything under it, outer first.
    pub(crate) fn subtree(&self, top: ItemId) -> Vec<ItemId> {
        let mut all = vec![top];
        let mut next = 0;
        while let Some(item) = all.get(next).copied() {
            next += 1;
            all.extend(&self.items[item].children);
        }
        all
    }

    /// The root item's entity, if a root has come.
    pub(crate) fn root_entity(&self) -> Option<&Entity> {
        self.root.map(|root| &self.items[root].entity)
    }

    /// Whether a segment is a root: it has no parent, or one that is nowhere in the trace.
    pub(crate) fn is_root(&self, segment: ItemId) -> bool {
        self.items[segment].entity.parent_id.is_none_or(|parent| !self.by_id.contains_key(&parent))
    }

    /// Adds a document. `None` if it is a lone subsegment that was also received embedded: the later
    /// complete one of the two counts.
    fn add(&mut self, entity: Entity, document: usize, stored: &StoredTrace) -> Option<ItemId> {
        let is_segment = !stored.segments[document].is_lone_subsegment;
        if !is_segment
            && let Some(twin) = self.item_by_id(entity.id).filter(|twin| !self.items[*twin].is_segment)
        {
            let order =
                |e: &Entity, document: usize| (!e.is_in_progress(), stored.segments[document].sequence);
            let held = &self.items[twin];
            if order(&entity, document) > order(&held.entity, held.document) {
                let mut entity = entity;
                let embedded = std::mem::take(&mut entity.subsegments);
                self.items[twin].children.clear();
                (self.items[twin].entity, self.items[twin].document) = (entity, document);
                self.items[twin].is_document = true;
                self.add_embedded(embedded, twin, document);
            }
            return None;
        }
        let mut entity = entity;
        let embedded = std::mem::take(&mut entity.subsegments);
        let item = self.push(entity, is_segment, None, document, true);
        if is_segment {
            self.segments.push(item);
        }
        self.add_embedded(embedded, item, document);
        Some(item)
    }

    fn add_embedded(&mut self, embedded: Vec<Entity>, parent: ItemId, document: usize) {
        let mut pending: Vec<(Entity, ItemId)> = embedded.into_iter().rev().map(|e| (e, parent)).collect();
        while let Some((mut entity, parent)) = pending.pop() {
            let inner = std::mem::take(&mut entity.subsegments);
            let item = self.push(entity, false, Some(parent), document, false);
            pending.extend(inner.into_iter().rev().map(|e| (e, item)));
        }
    }

    fn push(
        &mut self,
        entity: Entity,
        is_segment: bool,
        parent: Option<ItemId>,
        document: usize,
        is_document: bool,
    ) -> ItemId {
        let id = self.items.len();
        self.by_id.entry(entity.id).or_insert(id);
        self.items.push(Item {
            entity,
            is_segment,
            parent,
            children: Vec::new(),
            segment: None,
            callees: Vec::new(),
            node: None,
            document,
            is_document,
        });
        if let Some(parent) = parent {
            self.items[parent].children.push(id);
        }
        id
    }

    /// Embeds lone subsegments in their parents, where those have come.
    fn attach(&mut self, lone: Vec<ItemId>) {
        for item in lone {
            let parent = self.items[item].entity.parent_id.and_then(|parent| self.item_by_id(parent));
            match parent.filter(|parent| self.may_hold(*parent, item)) {
                Some(parent) => {
                    self.items[item].parent = Some(parent);
                    self.items[parent].children.push(item);
                }
                None => self.waiting.push(item),
            }
        }
    }

    /// Whether `item` can go under `parent` without making a circle or a tower.
    fn may_hold(&self, parent: ItemId, item: ItemId) -> bool {
        let mut at = Some(parent);
        for _ in 0..DEPTH_MAX {
            match at {
                None => return true,
                Some(ancestor) if ancestor == item => return false,
                Some(ancestor) => at = self.items[ancestor].parent,
            }
        }
        false
    }

    fn assign_segments(&mut self, account: &str) {
        for segment in self.segments.clone() {
            for item in self.subtree(segment) {
                self.items[item].segment = Some(segment);
            }
            self.items[segment].node = Some(Node::of_received(&self.items[segment].entity, account));
        }
    }

    /// Links calls with the segments they reached, and infers those that did not come.
    fn find_callees(&mut self, account: &str) {
        for segment in self.segments.clone() {
            let caller = self.items[segment].entity.parent_id.and_then(|parent| self.item_by_id(parent));
            if let Some(caller) = caller.filter(|caller| *caller != segment) {
                self.items[caller].callees.push(Callee::Received(segment));
                self.note_alias(caller, segment, account);
            }
        }
        let reachable: Vec<ItemId> = self.tops().flat_map(|top| self.subtree(top)).collect();
        for caller in reachable {
            let item = &self.items[caller];
            let traced = item.entity.http.as_ref().is_some_and(|http| http.request.traced);
            if item.is_segment || item.entity.namespace.is_none() || !item.callees.is_empty() || traced {
                continue;
            }
            let Some(node) = Node::of_inferred(&item.entity, account) else { continue };
            let id = inferred_id(self.id, item.entity.id);
            self.items[caller].callees.push(Callee::Inferred(self.inferred.len()));
            self.inferred.push(Inferred { id, caller, node });
        }
    }

    /// A service that was called by another name than its own goes by that name too.
    fn note_alias(&mut self, caller: ItemId, callee: ItemId, account: &str) {
        let Some(called) = Node::of_inferred(&self.items[caller].entity, account) else { return };
        if let Some(node) = self.items[callee].node.as_mut().filter(|node| !node.names.contains(&called.name))
        {
            node.names.push(called.name);
        }
    }

    fn find_root(&mut self) {
        let roots = self.segments.iter().copied().filter(|segment| self.is_root(*segment));
        self.root = roots.min_by(|a, b| {
            let start = |item: &ItemId| self.items[*item].entity.start_secs;
            start(a).total_cmp(&start(b)).then(a.cmp(b))
        });
    }
}

/// The same for the trace's life, so that clients can refer to it.
fn inferred_id(trace: TraceId, caller: u64) -> u64 {
    let digest = Sha256::digest(format!("{trace}{caller:016x}inferred"));
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// A number of a trace that is the same everywhere, in [0, 1): what sampling decides by.
pub(crate) fn sampling_fraction(trace: TraceId) -> f64 {
    let digest = Sha256::digest(trace.to_string());
    let bits = digest.iter().take(8).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    bits as f64 / 2f64.powi(64)
}

/// Seconds as a time, for shapes.
pub(crate) fn timestamp(secs: f64) -> Timestamp {
    Timestamp::from_secs_f64(secs).unwrap_or_default()
}

/// Levels of subsegments that were put together of documents sent alone.
const DEPTH_MAX: usize = 200;
